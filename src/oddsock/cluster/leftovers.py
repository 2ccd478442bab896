"""What may be left over: a file of the processes that were started, swept at the next start, and the watchman.

The file has a JSON line a process; a line is believed only while a process of that id started at that instant.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from oddsock.cluster import watchman
from oddsock.kit import processes
from oddsock.kit.files import append_line

LINES_MAX = 500
"""Lines after which the file is written anew with the living alone."""
WATCHMAN_S_MAX = 2.0
"""Wall seconds the watchman may take to end when there is nothing left to watch."""


class Row(msgspec.Struct, frozen=True):
    """One started process: its id, which is its group's too, when it started (psutil), and whose it is."""

    pid: int
    started_at: float
    owner: str


class ProcessLedger:
    """Remembers the processes of this control plane, on disk and with the watchman."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._living: dict[int, Row] = {}
        self._lines = 0
        self._watchman: subprocess.Popen[bytes] | None = None

    def sweep(self) -> list[Row]:
        """Kill what an earlier run left alive, empty the file, and say what was killed."""
        left = [row for row in read_rows(self._path) if processes.is_alive(row.pid, row.started_at)]
        for row in left:
            processes.kill_group(row.pid)
        self._path.unlink(missing_ok=True)
        return left

    def start_watchman(self) -> None:
        """Start the process that kills every remembered group when this process is gone, however it went."""
        self._watchman = subprocess.Popen(
            [sys.executable, "-I", "-S", watchman.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )

    def remember(self, pid: int, owner: str) -> None:
        """Note that *pid*, the leader of its own group, was started for *owner*."""
        row = Row(pid, processes.started_at(pid), owner)
        self._living[pid] = row
        self._tell_watchman(f"+{pid}\n")
        self._lines += 1
        # On a full disk the watchman still knows.
        with contextlib.suppress(OSError):
            if self._lines <= LINES_MAX:
                append_line(self._path, msgspec.json.encode(row).decode())
            else:
                self._rewrite()

    def forget(self, pid: int) -> None:
        """Note that *pid* and its group are gone."""
        self._living.pop(pid, None)
        self._tell_watchman(f"-{pid}\n")

    def close(self) -> None:
        """End the watchman, which kills what is still remembered."""
        if self._watchman is None or self._watchman.stdin is None:
            return
        with contextlib.suppress(OSError):
            self._watchman.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._watchman.wait(WATCHMAN_S_MAX)
        if not self._living:
            self._path.unlink(missing_ok=True)

    def _tell_watchman(self, line: str) -> None:
        if self._watchman is not None and self._watchman.stdin is not None:
            with contextlib.suppress(OSError):
                os.write(self._watchman.stdin.fileno(), line.encode())

    def _rewrite(self) -> None:
        unfinished = self._path.with_name(f".{self._path.name}")
        unfinished.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in self._living.values()))
        unfinished.replace(self._path)
        self._lines = len(self._living)


def read_rows(path: Path) -> list[Row]:
    """The rows of the file at *path*; a line cut short by a crash is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(msgspec.DecodeError):
            rows.append(msgspec.json.decode(line, type=Row))
    return rows
