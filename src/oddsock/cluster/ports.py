"""Host ports: from a range that no outgoing connection uses, tried before they are given, held while they live."""

import contextlib
import random
import socket
import sys
from collections.abc import Callable, Iterator

from oddsock.kit.errors import CannotRun

RANGE = range(20000, 32000)
"""Below the ephemeral range of Linux (32768) and macOS (49152), so no client socket sits on one by chance."""


SocketSource = Callable[[], socket.socket]
"""Makes a TCP socket: `socket.socket`, or one that lies in another network namespace."""


class PortPool:
    """Gives out ports of *host*; starts at a random one, so that two clusters rarely try the same at once."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        ports: range = RANGE,
        seed: int | None = None,
        source: SocketSource = socket.socket,
    ) -> None:
        self._source = source
        self._host = host
        self._ports = ports
        self._taken: set[int] = set()
        self._next = random.Random(seed).randrange(len(ports))

    def take(self) -> int:
        """A port nobody has; CannotRun when the whole range is in use."""
        for port in self._round():
            if port not in self._taken and is_free(self._host, port, self._source):
                self._taken.add(port)
                return port
        raise CannotRun(
            f"No port of {self._ports.start}-{self._ports.stop - 1} on {self._host} is free.",
            "Stop programs that listen there.",
        )

    def give_back(self, port: int) -> None:
        """Let *port* be given to somebody else."""
        self._taken.discard(port)

    def _round(self) -> Iterator[int]:
        for _ in self._ports:
            yield self._ports[self._next]
            self._next = (self._next + 1) % len(self._ports)


class HeldPort:
    """A port bound but not listened on: whoever connects is refused, and no other program can take it.

    Linux lets the holder of SO_REUSEADDR bind it once more and listen. Elsewhere it cannot be held, only remembered.
    """

    def __init__(self, host: str, port: int, source: SocketSource = socket.socket) -> None:
        self.address = (host, port)
        self._socket: socket.socket | None = None
        if sys.platform == "linux":
            self._socket = source()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                self._socket.bind(self.address)

    def close(self) -> None:
        """Let the port go."""
        if self._socket is not None:
            self._socket.close()


def is_free(host: str, port: int, source: SocketSource = socket.socket) -> bool:
    """Whether *port* can be bound on *host*; a port with connections in TIME_WAIT counts as taken."""
    with source() as trial:
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True
