"""A Service's port: a TCP listener that exists only while somebody is ready to serve.

With no ready endpoint nobody listens, so a caller gets a real `Connection refused` at once. Connections that are open
stay open when their pod becomes unready and end with their pod. Known gap: a caller whose connection waits in the
backlog at the very moment the listener closes, or whose pod died before it was dropped, is reset instead of refused.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from oddsock.cluster.addresses import Address

BACKLOG = 128
CONNECTIONS_MAX = 1024
"""Open connections of one Service port; more are reset."""
CONNECT_S_MAX = 2.0
"""Wall seconds a pod may take to accept."""
IDLE_S_MAX = 900.0
"""Wall seconds after which a connection that carries nothing is reset."""
_RESET = struct.pack("ii", 1, 0)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Traffic:
    """Bytes that went through one endpoint: what clients sent and what they got."""

    received: int = 0
    sent: int = 0
    connections: int = 0


class ServiceProxy:
    """One port of one Service: listens at *address* while it has endpoints, and hands connections on in turn."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.traffic: dict[Address, Traffic] = {}
        self._endpoints: list[Address] = []
        self._turn = 0
        self._listener: socket.socket | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._pairs: set[Pair] = set()

    @property
    def is_listening(self) -> bool:
        """Whether callers are accepted now."""
        return self._listener is not None

    def set_endpoints(self, endpoints: Sequence[Address]) -> None:
        """Serve *endpoints* from now on; the listener opens with the first and closes with the last of them.

        OSError when the port cannot be bound.
        """
        self._endpoints = list(endpoints)
        for address in self.traffic.keys() - set(endpoints):
            if not any(pair.endpoint == address for pair in self._pairs):
                del self.traffic[address]
        if endpoints and self._listener is None:
            self._open()
        elif not endpoints and self._listener is not None:
            self._close_listener()

    def close(self) -> None:
        """Stop listening and reset what is open."""
        self._close_listener()
        for task in self._opening:
            task.cancel()
        for pair in list(self._pairs):
            pair.abort()

    def _open(self) -> None:
        listener = socket.socket()
        try:
            # The same port again at once, whatever connections of before are in TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind(self.address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _close_listener(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BACKLOG):
            try:
                client, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as cause:
                # Out of file descriptors: leave the rest in the backlog, some will be closed.
                _log.warning("accept on %s:%s failed: %s", *self.address, cause)
                return
            if len(self._pairs) + len(self._opening) >= CONNECTIONS_MAX:
                _reset(client)
                continue
            client.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._join(client))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _join(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        joined = False
        try:
            for _ in range(len(self._endpoints)):
                if not self._endpoints:
                    break
                endpoint = self._endpoints[self._turn % len(self._endpoints)]
                self._turn += 1
                traffic = self.traffic.setdefault(endpoint, Traffic())
                pair = Pair(endpoint, traffic, self._pairs)
                try:
                    async with asyncio.timeout(CONNECT_S_MAX):
                        await loop.create_connection(pair.pod_end, *endpoint)
                except (OSError, TimeoutError):
                    pair.abort()
                    continue
                traffic.connections += 1
                joined = True
                await loop.connect_accepted_socket(pair.client_end, client)
                return
        finally:
            if not joined:
                _reset(client)


class Pair:
    """Two ends of one proxied connection: what one receives the other sends; they end together."""

    def __init__(self, endpoint: Address, traffic: Traffic, open_pairs: "set[Pair]") -> None:
        self.endpoint = endpoint
        self.client = End(self)
        self.pod = End(self)
        self._traffic = traffic
        self._open_pairs = open_pairs
        self._is_busy = True
        self._timer = asyncio.get_running_loop().call_later(IDLE_S_MAX, self._look_idle)
        open_pairs.add(self)

    def client_end(self) -> "End":
        """The client's end."""
        return self.client

    def pod_end(self) -> "End":
        """The pod's end."""
        return self.pod

    def other(self, end: "End") -> "End":
        """The opposite end."""
        return self.pod if end is self.client else self.client

    def carried(self, end: "End", count: int) -> None:
        """Note that *end* received *count* bytes."""
        self._is_busy = True
        if end is self.client:
            self._traffic.received += count
        else:
            self._traffic.sent += count

    def end(self, end: "End", is_reset: bool) -> None:
        """The connection of *end* is lost: the other ends the same way, by a reset or in order."""
        self._timer.cancel()
        self._open_pairs.discard(self)
        if is_reset:
            self.other(end).reset()
        else:
            self.other(end).close()

    def abort(self) -> None:
        """Reset both ends."""
        self._timer.cancel()
        self._open_pairs.discard(self)
        self.client.reset()
        self.pod.reset()

    def _look_idle(self) -> None:
        if not self._is_busy:
            self.abort()
            return
        self._is_busy = False
        self._timer = asyncio.get_running_loop().call_later(IDLE_S_MAX, self._look_idle)


class End(asyncio.Protocol):
    """One end of a pair."""

    def __init__(self, pair: Pair) -> None:
        self.transport: asyncio.Transport | None = None
        self._pair = pair
        self._early: list[bytes] = []
        self._has_heard_all = False
        self._is_closed = False
        self._is_reset = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; what the other end got before is sent on."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for data in self._early:
            transport.write(data)
        self._early.clear()
        if self._is_reset:
            self.reset()
        elif self._is_closed:
            self.close()

    def send(self, data: bytes) -> None:
        """Write *data*, or keep it until this end is connected."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def close(self) -> None:
        """Close this end in order, when all that was written is sent."""
        self._is_closed = True
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """Close this end with a TCP reset."""
        self._is_reset = True
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass *data* to the other end."""
        self._pair.carried(self, len(data))
        self._pair.other(self).send(data)

    def eof_received(self) -> bool:
        """Pass the end of the stream on; this end may still send."""
        other = self._pair.other(self)
        self._has_heard_all = True
        if other._has_heard_all or other.transport is None or other.transport.is_closing():
            return False
        other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other end in the same way."""
        self._pair.end(self, is_reset=exc is not None)

    def pause_writing(self) -> None:
        """This end cannot take more for now: stop reading from the other."""
        other = self._pair.other(self).transport
        if other is not None:
            other.pause_reading()

    def resume_writing(self) -> None:
        """This end can take more again."""
        other = self._pair.other(self).transport
        if other is not None:
            other.resume_reading()


def _reset(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()
