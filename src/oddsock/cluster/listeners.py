"""Listening sockets of Service ports: open ones, and black holes that let every connection time out."""

import contextlib
import socket
from collections.abc import Iterable, Sequence

from oddsock.cluster.addresses import Address
from oddsock.cluster.ports import SocketSource

BACKLOG = 128
"""Callers that may wait to be accepted."""
FILLERS_MAX = 4
"""Connections that fill a black hole's queue, which has room for one or two."""

Place = tuple[SocketSource, Address]
"""Which namespace's socket, and what it is bound to."""


def listen(places: Iterable[Place], backlog: int = BACKLOG) -> list[socket.socket]:
    """A listener at each of *places*; OSError, and none of them, when one cannot be had."""
    opened: list[socket.socket] = []
    try:
        for source, address in places:
            listener = source()
            opened.append(listener)
            # The same port again at once, whatever connections of before are in TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind(address)
            listener.listen(backlog)
    except OSError:
        close(opened)
        raise
    return opened


def open_black_hole(places: Sequence[Place]) -> list[socket.socket]:
    """Listeners whose queue is full for good, so that the kernel drops what knocks (Linux); close all to end it."""
    held = listen(places, backlog=0)
    for source, address in places:
        for _ in range(FILLERS_MAX):
            filler = source()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address)
            held.append(filler)
    return held


def close(sockets: Iterable[socket.socket]) -> None:
    """Close them all."""
    for each in sockets:
        each.close()
