"""The control plane's side of the proxy process: keeps it alive, tells it what to do, adds up what it tells back.

The control plane makes the listeners and keeps a second handle of each, so that a port opens at once, closes at once
(shutdown of the one is shutdown of the other), and outlives a crash of the proxy: callers wait until the next is up.
"""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from oddsock.cluster.addresses import Address
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.cluster.proxy_wire import Lines, PortOrder, Tally, send_line
from oddsock.cluster.traffic import Traffic
from oddsock.kit import processes

RESTART_S = 0.1
"""Wall seconds before a proxy that died is started again."""
UNSENT_MAX = 10_000
"""Lines that may wait for a proxy that does not read; with more it is taken for hung and started anew."""
OWNER = "service proxy"

_log = logging.getLogger(__name__)


class ProxyClient:
    """One proxy process; *on_hits* is told the hits of each fault as they come in."""

    def __init__(self, ledger: ProcessLedger | None = None) -> None:
        self.traffic: dict[Address, Traffic] = {}
        """All bytes since the endpoint was first seen, over every run of the proxy."""
        self.on_hits: Callable[[str, int], None] = lambda fault, count: None
        self.pid = 0
        self._ledger = ledger
        self._orders: dict[str, PortOrder] = {}
        self._listeners: dict[str, list[socket.socket]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: socket.socket | None = None
        self._unsent: deque[tuple[bytes, Sequence[socket.socket]]] = deque()
        self._is_closed = False

    def start(self) -> None:
        """Start the process; it is started again whenever it ends."""
        loop = asyncio.get_running_loop()
        self._wire, theirs = socket.socketpair()
        self._wire.setblocking(False)
        environment = {key: value for key, value in os.environ.items() if key != processes.LIFELINE}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "oddsock.cluster.proxy_process", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            preexec_fn=processes.die_with_parent,
        )
        theirs.close()
        self.pid = self._process.pid
        if self._ledger is not None:
            self._ledger.remember(self.pid, OWNER)
        loop.add_reader(self._wire, self._read, self._wire, Lines(self._wire))
        for port, order in self._orders.items():
            self._send(order, self._listeners.get(port, []))

    def set(self, order: PortOrder, listeners: Sequence[socket.socket] | None = None) -> None:
        """Let the proxy do *order*, with *listeners* (now this object's) in place of the earlier ones unless None."""
        if listeners is not None:
            _shut(self._listeners.pop(order.port, []))
            if listeners:
                self._listeners[order.port] = list(listeners)
        known = self._orders.get(order.port)
        self._orders[order.port] = order
        if listeners is not None or known != order:
            self._send(order, listeners)

    def remove(self, port: str) -> None:
        """Close *port* and reset its connections."""
        _shut(self._listeners.pop(port, []))
        if self._orders.pop(port, None) is not None:
            self._send(PortOrder(port=port, is_gone=True), None)

    def is_listening(self, port: str) -> bool:
        """Whether callers of *port* are accepted now."""
        return port in self._listeners

    def close(self) -> None:
        """End the process and close all ports."""
        self._is_closed = True
        for port in list(self._listeners):
            _shut(self._listeners.pop(port))
        self._orders.clear()
        self._end()

    def _send(self, order: PortOrder, listeners: Sequence[socket.socket] | None) -> None:
        if self._wire is None:
            return
        if listeners is not None:
            order = msgspec.structs.replace(order, listeners=len(listeners))
        if len(self._unsent) >= UNSENT_MAX:
            _log.warning("the service proxy does not read; it is started anew")
            self._end()
            self._restart_later()
            return
        # Handles of their own: a listener may be closed again before its line is sent, and the counts must match.
        beside = tuple(each.dup() for each in listeners or ())
        self._unsent.append((msgspec.json.encode(order) + b"\n", beside))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        if self._wire is None:
            return
        loop = asyncio.get_running_loop()
        try:
            while self._unsent:
                line, beside = self._unsent[0]
                count = send_line(self._wire, line, beside)
                _close(beside)
                self._unsent[0] = (line[count:], ())
                if count == len(line):
                    self._unsent.popleft()
        except (BlockingIOError, InterruptedError):
            loop.add_writer(self._wire, self._flush)
            return
        except OSError:
            # Its end is read as the end of the stream.
            self._drop_unsent()
        loop.remove_writer(self._wire)

    def _read(self, wire: socket.socket, lines: Lines) -> None:
        told = lines.read()
        if told is None:
            if not self._is_closed:
                _log.warning("the service proxy (process %d) ended; it is started again", self.pid)
                self._end()
                self._restart_later()
            return
        for line in told:
            self._add(msgspec.json.decode(line, type=Tally))

    def _add(self, tally: Tally) -> None:
        for host, port, received, sent, connections in tally.traffic:
            total = self.traffic.setdefault((host, port), Traffic())
            total.received += received
            total.sent += sent
            total.connections += connections
        for fault, count in tally.hits.items():
            self.on_hits(fault, count)

    def _restart_later(self) -> None:
        asyncio.get_running_loop().call_later(RESTART_S, self._restart)

    def _restart(self) -> None:
        if not self._is_closed:
            self.start()

    def _drop_unsent(self) -> None:
        while self._unsent:
            _close(self._unsent.popleft()[1])

    def _end(self) -> None:
        self._drop_unsent()
        if self._wire is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._wire)
            loop.remove_writer(self._wire)
            self._wire.close()
            self._wire = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._ledger is not None:
                self._ledger.forget(self.pid)
            self._process = None


def _shut(listeners: Sequence[socket.socket]) -> None:
    for listener in listeners:
        # Closing alone would leave the proxy's handle listening until it has read that it is to close it too.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    _close(listeners)


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()
