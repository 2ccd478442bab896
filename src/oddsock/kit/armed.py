"""What a drill has armed in this process: rows of a file that the cluster writes and takes away again.

The file of ODDSOCK_FAULTS is not there while nothing is armed. A row is a JSON object on a line of its own; its `pods`
name whom it is for, its `type` says what it is: `fault-point` (shop/fault_points), `disk-full` (kit/sqlite) or
`clock-skew` (kit/clock). A hit is told by appending a byte to <file>.<id>.hits, which the cluster reads.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from oddsock.kit.settings import FAULTS

POINT, DISK_FULL, CLOCK_SKEW = "fault-point", "disk-full", "clock-skew"

Row = dict[str, Any]


class ArmedFile:
    """The rows of the file *path* that are for *pod*, read anew when another file stands there."""

    def __init__(self, path: str, pod: str) -> None:
        self._file = Path(path)
        self._pod = pod
        self._seen: tuple[int, int] | None = None
        self._rows: dict[str, list[Row]] = {}

    def of(self, type_: str) -> Sequence[Row]:
        """The rows of *type_* that are armed now; one stat while the file is as it was or absent.

        While the file is as it was, the answer is the same object.
        """
        try:
            found = self._file.stat()
        except OSError:
            if self._rows:
                self._rows = {}
            self._seen = None
            return ()
        # A file is replaced, never written over: another one has another number or another instant.
        if (seen := (found.st_ino, found.st_mtime_ns)) != self._seen:
            self._seen, self._rows = seen, self._read()
        return self._rows.get(type_, ())

    def _read(self) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {}
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return rows
        for line in lines:
            row = msgspec.json.decode(line, type=Row)
            if self._pod in row["pods"]:
                rows.setdefault(row.get("type", POINT), []).append(row)
        return rows


_files: dict[str, ArmedFile] = {}


def armed(type_: str) -> Sequence[Row]:
    """The rows of *type_* that are armed in this process; empty, and next to free, where no cluster arms anything."""
    if not (path := os.environ.get(FAULTS)):
        return ()
    found = _files.get(path)
    if found is None:
        found = _files[path] = ArmedFile(path, os.environ.get("HOSTNAME", ""))
    return found.of(type_)


def tell_hit(fault_id: str) -> None:
    """Tell the cluster that the fault *fault_id* was met once more; one write, so that many processes may at once."""
    file = os.open(f"{os.environ[FAULTS]}.{fault_id}.hits", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, b"x")
    finally:
        os.close(file)


_told: set[str] = set()


def tell_hit_once(fault_id: str) -> None:
    """Tell it the first time that this process meets the fault."""
    if fault_id not in _told:
        _told.add(fault_id)
        tell_hit(fault_id)
