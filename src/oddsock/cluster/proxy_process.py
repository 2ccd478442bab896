"""The proxy as a process: `python -m oddsock.cluster.proxy_process FD` does what the lines on that socket say.

It tells back what it carried and which faults hit. It ends with the other end of the socket.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys

import msgspec

from oddsock.cluster.addresses import Address
from oddsock.cluster.proxy_wire import Lines, PortOrder, Tally, send_line
from oddsock.cluster.service_proxy import ServiceProxy
from oddsock.cluster.traffic import Traffic
from oddsock.kit import log
from oddsock.kit.clock import SystemClock

TELL_EVERY_S = 0.25
"""Wall seconds between two tallies, when there is something to tell."""

_log = logging.getLogger(__name__)


class ProxyProcess:
    """All ports of all Services."""

    def __init__(self, wire: socket.socket) -> None:
        self.traffic: dict[Address, Traffic] = {}
        self.hits: dict[str, int] = {}
        self.is_over = asyncio.Event()
        self._wire = wire
        self._lines = Lines(wire)
        self._ports: dict[str, ServiceProxy] = {}
        self._order = msgspec.json.Decoder(PortOrder)
        self._unsent = b""

    def read(self) -> None:
        """Do what the lines that have come say."""
        lines = self._lines.read()
        if lines is None:
            asyncio.get_running_loop().remove_reader(self._wire)
            self.is_over.set()
            return
        for line in lines:
            self._obey(self._order.decode(line))

    def tell(self) -> None:
        """Send what happened since the last time; kept for the next time when the other end does not read."""
        if not self._unsent and (self.traffic or self.hits):
            rows = tuple((*endpoint, t.received, t.sent, t.connections) for endpoint, t in self.traffic.items())
            self._unsent = msgspec.json.encode(Tally(traffic=rows, hits=dict(self.hits))) + b"\n"
            self.traffic.clear()
            self.hits.clear()
        with contextlib.suppress(OSError):
            while self._unsent:
                self._unsent = self._unsent[send_line(self._wire, self._unsent) :]

    def close(self) -> None:
        """Close all ports."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()

    def _obey(self, order: PortOrder) -> None:
        if order.is_gone:
            if gone := self._ports.pop(order.port, None):
                gone.close()
            return
        port = self._ports.get(order.port)
        if port is None:
            port = self._ports[order.port] = ServiceProxy(self.traffic, self._on_hit)
        port.set_endpoints(order.endpoints, order.is_http)
        port.set_rules(order.rules)
        if order.listeners is not None:
            port.set_listeners(self._lines.take(order.listeners))

    def _on_hit(self, fault: str) -> None:
        self.hits[fault] = self.hits.get(fault, 0) + 1


async def run(wire: socket.socket) -> None:
    """Serve until the other end of *wire* closes."""
    loop, clock = asyncio.get_running_loop(), SystemClock()
    wire.setblocking(False)
    process = ProxyProcess(wire)
    loop.add_reader(wire, process.read)
    try:
        while not process.is_over.is_set():
            process.tell()
            await clock.sleep(TELL_EVERY_S)
    finally:
        process.close()


def main(arguments: list[str]) -> int:
    """Run the proxy over the inherited socket whose number is the only argument."""
    log.configure()
    # Ctrl-C and SIGTERM are the control plane's; this process ends with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(run(socket.socket(fileno=int(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
