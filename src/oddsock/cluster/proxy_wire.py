"""What the control plane and its proxy process say to each other: JSON lines over a UNIX socket, listeners beside them.

File descriptors travel as SCM_RIGHTS with the line that counts them, in its order (unix(7)).
"""

import array
import socket
from collections import deque
from collections.abc import Sequence

import msgspec

from oddsock.cluster.addresses import Address

LINE_BYTES_MAX = 1024 * 1024
AT_PORT = frozenset({"black-hole"})
"""Types of rules that meet a port as a whole and are not decided one by one."""
FDS_MAX = 64
"""File descriptors taken with one read."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault at one Service port, as the proxy applies it; times are wall milliseconds."""

    fault: str
    """The uid of its object."""
    type: str
    percentage: int = 100
    seed: int = 0
    latency_ms: int = 0
    jitter_ms: int = 0
    status: int = 503
    bytes_per_second: int = 0
    callers: tuple[int, ...] | None = None
    """Processes whose connections it is for; None for everybody's."""


class PortOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the proxy is to do for one port of one Service from now on."""

    port: str
    """`namespace/service:port`."""
    endpoints: tuple[Address, ...] = ()
    is_http: bool = False
    rules: tuple[Rule, ...] = ()
    listeners: int | None = None
    """How many listeners come with this line in place of the earlier ones; None leaves them."""
    is_gone: bool = False


class Tally(msgspec.Struct, frozen=True):
    """What happened since the last one: (host, port, received, sent, connections) by endpoint, hits by fault."""

    traffic: tuple[tuple[str, int, int, int, int], ...]
    hits: dict[str, int]


class Lines:
    """The lines and file descriptors that come out of *source*, a UNIX stream socket that does not block."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._buffer = b""
        self._fds: deque[int] = deque()

    def read(self) -> list[bytes] | None:
        """The whole lines that are there now; None at the end of the stream. Take the descriptors of each in order."""
        found: list[bytes] = []
        while True:
            try:
                data, ancillary, _, _ = self._source.recvmsg(65536, socket.CMSG_SPACE(FDS_MAX * 4))
            except (BlockingIOError, InterruptedError):
                return found
            except OSError:
                return found or None
            for level, type_, part in ancillary:
                if level == socket.SOL_SOCKET and type_ == socket.SCM_RIGHTS:
                    numbers = array.array("i")
                    numbers.frombytes(part[: len(part) - len(part) % numbers.itemsize])
                    self._fds.extend(numbers)
            if not data:
                return found or None
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            found += lines
            if len(self._buffer) > LINE_BYTES_MAX:
                raise ValueError("a line of the proxy's wire has no end")

    def take(self, count: int) -> list[socket.socket]:
        """The next *count* descriptors, as sockets that do not block."""
        taken = [socket.socket(fileno=self._fds.popleft()) for _ in range(count)]
        for each in taken:
            each.setblocking(False)
        return taken


def send_line(to: socket.socket, line: bytes, sockets: Sequence[socket.socket] = ()) -> int:
    """Send the beginning of *line*, *sockets* beside its first byte; how many bytes went (BlockingIOError: none)."""
    numbers = array.array("i", [each.fileno() for each in sockets])
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if sockets else []
    return to.sendmsg([line], beside)
