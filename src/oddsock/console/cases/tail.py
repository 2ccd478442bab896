"""A history that is followed while somebody writes it: only the bytes that are new are read."""

from pathlib import Path

import msgspec

from oddsock.drill.history import Entry
from oddsock.kit.errors import CannotRun

BYTES_AT_ONCE = 1_000_000


class Tail:
    """The lines of *path* from byte *offset* on, each once."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self.offset = offset
        self.is_at_end = False

    def read_new(self) -> list[Entry]:
        """The whole lines written since the last call, BYTES_AT_ONCE at most; CannotRun when one is damaged.

        A file that has become shorter is read from its beginning. Reads a file, so not on the loop.
        """
        try:
            with self._path.open("rb") as lines:
                if lines.seek(0, 2) < self.offset:
                    self.offset = 0
                lines.seek(self.offset)
                text = lines.read(BYTES_AT_ONCE)
                if b"\n" not in text and len(text) == BYTES_AT_ONCE:
                    text += lines.readline()
        except FileNotFoundError:
            self.is_at_end = True
            return []
        whole, end, _ = text.rpartition(b"\n")
        self.is_at_end = len(text) < BYTES_AT_ONCE
        self.offset += len(whole) + len(end)
        try:
            return [msgspec.json.decode(line, type=Entry) for line in whole.split(b"\n") if line]
        except msgspec.DecodeError as cause:
            raise CannotRun(f"A line of {self._path} is damaged: {cause}.") from cause
