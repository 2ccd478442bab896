"""What a process says, for its log and for whoever is attached: chunks in their order, bounded for each listener."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

BYTES_MAX = 1024 * 1024
"""Output that may wait for one listener, and that is kept for the first listener of a process with an input."""

Chunk = tuple[str, bytes]
"""(stdout or stderr, what was said)."""


class Sink(Protocol):
    """Where output goes to stay, as `container_log.ContainerLog`."""

    def write(self, stream: str, data: bytes) -> None:
        """Take *data*, which came on *stream*."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


class Output:
    """The output of one process: into its log, if it has one, and to every listener.

    With *keeps_first* what was said before anybody listened is kept for the first listener: `kubectl run -i` attaches a
    moment after a short program has ended.
    """

    def __init__(self, log: Sink | None = None, keeps_first: bool = False) -> None:
        self._log = log
        self._listeners: set[Listener] = set()
        self._kept: list[Chunk] | None = [] if keeps_first else None
        self._kept_bytes = 0
        self.is_over = False

    def write(self, stream: str, data: bytes) -> None:
        """Log *data* and tell it to every listener."""
        if self._log is not None:
            self._log.write(stream, data)
        for listener in list(self._listeners):
            listener.offer((stream, data))
        if self._kept is not None and not self._listeners and self._kept_bytes < BYTES_MAX:
            self._kept.append((stream, data))
            self._kept_bytes += len(data)

    def close(self) -> None:
        """Close the log; every listener reads its end."""
        self.is_over = True
        if self._log is not None:
            self._log.close()
        for listener in self._listeners:
            listener.end()

    def listen(
        self, on_full: Callable[[], None] | None = None, on_room: Callable[[], None] | None = None
    ) -> "Listener":
        """A listener from now on; the first one of a process that keeps its begin hears that begin too."""
        listener = Listener(on_full, on_room)
        for chunk in self._kept or ():
            listener.offer(chunk)
        self._kept = None
        if self.is_over:
            listener.end()
        else:
            self._listeners.add(listener)
        return listener

    def forget(self, listener: "Listener") -> None:
        """Tell *listener* nothing more."""
        self._listeners.discard(listener)


class Listener:
    """Output that waits to be read. One that is full asks for a pause, or, where there is no asking, is cut off."""

    def __init__(self, on_full: Callable[[], None] | None = None, on_room: Callable[[], None] | None = None) -> None:
        self._chunks: deque[Chunk] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._on_full = on_full
        self._on_room = on_room
        self._is_over = False
        self.is_cut = False
        """Whether output was lost because nobody read it."""

    def offer(self, chunk: Chunk) -> None:
        """Queue *chunk*."""
        if self._is_over:
            return
        if self._bytes >= BYTES_MAX and self._on_full is None:
            self.is_cut = True
            self.end()
            return
        self._chunks.append(chunk)
        self._bytes += len(chunk[1])
        self._news.set()
        if self._bytes >= BYTES_MAX and self._on_full is not None:
            self._on_full()

    def end(self) -> None:
        """Let the reader come to its end after what is queued."""
        self._is_over = True
        self._news.set()

    async def read(self) -> Chunk | None:
        """The next chunk, None at the end."""
        while not self._chunks:
            if self._is_over:
                return None
            self._news.clear()
            await self._news.wait()
        chunk = self._chunks.popleft()
        was_full = self._bytes >= BYTES_MAX
        self._bytes -= len(chunk[1])
        if was_full and self._bytes < BYTES_MAX and self._on_room is not None:
            self._on_room()
        return chunk
