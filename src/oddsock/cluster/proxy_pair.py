"""One proxied connection: two ends, what one receives the other sends; the places where faults take hold."""

import asyncio
import contextlib
import http
import socket
import struct
from collections import deque
from collections.abc import Callable

from oddsock.cluster.addresses import Address
from oddsock.cluster.proxy_faults import Verdict
from oddsock.cluster.proxy_requests import Piece, RequestReader

IDLE_S_MAX = 900.0
"""Wall seconds after which a connection that carries nothing is reset."""
TICK_S = 0.05
"""Wall seconds between two slices of a connection whose bandwidth is bounded."""
_RESET = struct.pack("ii", 1, 0)
_DELAY, _SLOW, _FULL, _HOLE = "delay", "slow", "full", "black hole"

Carried = Callable[[Address, int, int], None]


class Pair:
    """Both ends; *carried* is told (endpoint, received, sent) of all bytes, *decide* what a request meets.

    Without *decide* the bytes are no HTTP, and `verdict` is decided once by whoever makes the pair.
    """

    def __init__(
        self, endpoint: Address, carried: Carried, open_pairs: "set[Pair]", decide: Callable[[Piece], Verdict] | None
    ) -> None:
        self.endpoint = endpoint
        self.client, self.pod = End(self), End(self)
        self.verdict = Verdict()
        self._carried = carried
        self._open_pairs = open_pairs
        self._decide = decide
        self._reader = RequestReader() if decide is not None else None
        self._pieces: deque[Piece] = deque()
        self._is_delayed = False
        self._is_busy = True
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._later("idle", IDLE_S_MAX, self._look_idle)
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

    def received(self, end: "End", data: bytes) -> None:
        """Hand on what *end* received, as the verdict says."""
        self._is_busy = True
        if end is self.pod:
            self._carried(self.endpoint, 0, len(data))
            # An interim answer (RFC 9110, 15.2) is not the reply yet.
            if self.verdict.drops_reply and not data.startswith(b"HTTP/1.1 1"):
                self.client.close()
                return
            self._pass_on(self.pod, data)
        elif self._reader is None:
            self._carried(self.endpoint, len(data), 0)
            self._pass_on(self.client, data)
        else:
            self._pieces.extend(self._reader.feed(data))
            self._pump()

    def end(self, end: "End", is_reset: bool) -> None:
        """The connection of *end* is lost: the other ends the same way, by a reset or in order."""
        self._forget()
        if is_reset:
            self.other(end).reset()
        else:
            self.other(end).close()

    def abort(self) -> None:
        """Reset both ends."""
        self._forget()
        self.client.reset()
        self.pod.reset()

    def hold(self, holds: bool) -> None:
        """Let nothing pass in either direction, or again; what arrives waits in the kernel."""
        for end in (self.client, self.pod):
            end.hold(_HOLE) if holds else end.release(_HOLE)

    def _pump(self) -> None:
        while self._pieces and not self._is_delayed:
            piece = self._pieces.popleft()
            if piece.begins and self._decide is not None:
                self.verdict = self._decide(piece)
                if self.verdict.resets:
                    self.abort()
                    return
                if self.verdict.delay_s:
                    self._pieces.appendleft(Piece(piece.data, ends=piece.ends))
                    self._delay(self.verdict.delay_s)
                    return
            if not self.verdict.status:
                self._carried(self.endpoint, len(piece.data), 0)
                self._pass_on(self.client, piece.data)
            elif piece.ends:
                self.client.send(error_reply(self.verdict.status))
                self.client.close()
                return

    def _delay(self, wait_s: float) -> None:
        self._is_delayed = True
        self.client.hold(_DELAY)
        self._later(_DELAY, wait_s, self._go_on)

    def _go_on(self) -> None:
        self._is_delayed = False
        self._pump()
        if not self._is_delayed:
            self.client.release(_DELAY)

    def _pass_on(self, end: "End", data: bytes) -> None:
        if bytes_per_second := self.verdict.bytes_per_second:
            end.hold(_SLOW)
            self._trickle(end, data, max(1, int(bytes_per_second * TICK_S)))
        else:
            self.other(end).send(data)

    def _trickle(self, end: "End", data: bytes, size: int) -> None:
        # One timer a direction: reading stands still until all of *data* is sent.
        self.other(end).send(data[:size])
        name = f"{_SLOW} {end is self.client}"
        if rest := data[size:]:
            self._later(name, TICK_S, self._trickle, end, rest, size)
        else:
            self._later(name, TICK_S * len(data) / size, end.release, _SLOW)

    def _later(self, name: str, wait_s: float, call: Callable[..., None], *arguments: object) -> None:
        self._timers[name] = asyncio.get_running_loop().call_later(wait_s, call, *arguments)

    def _forget(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._pieces.clear()
        self._open_pairs.discard(self)

    def _look_idle(self) -> None:
        if not self._is_busy:
            self.abort()
            return
        self._is_busy = False
        self._later("idle", IDLE_S_MAX, self._look_idle)


class End(asyncio.Protocol):
    """One end of a pair."""

    def __init__(self, pair: Pair) -> None:
        self.transport: asyncio.Transport | None = None
        self._pair = pair
        self._early: list[bytes] = []
        self._holds: set[str] = set()
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
        elif self._holds:
            # The transport begins to read in its next step, whatever it is told in this one.
            asyncio.get_running_loop().call_soon(self._pause)

    def send(self, data: bytes) -> None:
        """Write *data*, or keep it until this end is connected."""
        if self.transport is None:
            self._early.append(data)
        else:
            self.transport.write(data)

    def hold(self, reason: str) -> None:
        """Read nothing more until *reason* and every other is released."""
        self._holds.add(reason)
        self._pause()

    def release(self, reason: str) -> None:
        """Let go of one *reason* not to read."""
        self._holds.discard(reason)
        if not self._holds and self.transport is not None:
            self.transport.resume_reading()

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
        self._pair.received(self, data)

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
        self._pair.other(self).hold(_FULL)

    def resume_writing(self) -> None:
        """This end can take more again."""
        self._pair.other(self).release(_FULL)

    def _pause(self) -> None:
        if self._holds and self.transport is not None:
            self.transport.pause_reading()


def error_reply(status: int) -> bytes:
    """The answer that a fault gives in the place of the pod's."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Fault"
    body = f'{{"error":"{phrase}","status":{status},"source":"oddsock.dev fault"}}'
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()


def reset_socket(client: socket.socket) -> None:
    """Close *client* with a TCP reset."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()
