"""A pseudo-terminal for one process: its far end is the process's input and output, its near end is ours."""

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Callable
from typing import cast

from oddsock.kit import processes

INPUT_BYTES_MAX = 64 * 1024
"""Typed bytes that may wait for a process that does not read; more are lost, as at any terminal."""


class Terminal(asyncio.Protocol):
    """Made before the process; `connect` after it was started with `far_end` as its standard streams."""

    def __init__(self) -> None:
        self._near_end, self.far_end = pty.openpty()
        self._on_output: Callable[[bytes], None] = lambda _: None
        self._on_end: Callable[[], None] = lambda: None
        self._reading: asyncio.ReadTransport | None = None
        self._writing: asyncio.WriteTransport | None = None

    @staticmethod
    def adopt() -> None:
        """Make standard input the controlling terminal of the new session; for `preexec_fn`."""
        processes.die_with_parent()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def close_far_end(self) -> None:
        """Leave the far end to the process alone, so that its end is seen."""
        os.close(self.far_end)

    def discard(self) -> None:
        """Close the near end of a terminal whose process could not be started."""
        os.close(self._near_end)

    async def connect(self, on_output: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Tell what the process says until it and everything it left behind have let go of the terminal."""
        self._on_output, self._on_end = on_output, on_end
        loop = asyncio.get_running_loop()
        other = os.fdopen(os.dup(self._near_end), "wb", buffering=0)
        near = os.fdopen(self._near_end, "rb", buffering=0)
        writing, _ = await loop.connect_write_pipe(asyncio.Protocol, other)
        self._writing = writing
        await loop.connect_read_pipe(lambda: self, near)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note what is read from."""
        self._reading = cast(asyncio.ReadTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Tell what the process said."""
        self._on_output(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process and its children are gone (EIO on Linux, end of file elsewhere)."""
        if self._writing is not None:
            self._writing.abort()
        self._on_end()

    def write(self, data: bytes) -> None:
        """Type *data*."""
        if self._writing is None or self._writing.is_closing():
            return
        if self._writing.get_write_buffer_size() <= INPUT_BYTES_MAX:
            self._writing.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the process the size of the window (SIGWINCH)."""
        if self._reading is not None and not self._reading.is_closing():
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._near_end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hold(self, holds: bool) -> None:
        """Read no more for now, or read on."""
        if self._reading is not None and not self._reading.is_closing():
            self._reading.pause_reading() if holds else self._reading.resume_reading()

    def hang_up(self) -> None:
        """Close the near end."""
        if self._reading is not None:
            self._reading.close()
