"""Files that must be whole: lines appended in one write, documents replaced in one step, locks held by one process."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from oddsock.kit.errors import CannotRun


def append_line(path: Path, line: str, durable: bool = False) -> None:
    """Append *line* and a newline to *path*, all of it or, when the disk refuses (OSError), nothing.

    With *durable* it is on the disk before this returns, and so is the name of a new file.
    """
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(fd).st_size
        left = memoryview((line + "\n").encode())
        try:
            while left:
                # A disk that fills up takes the beginning first and refuses the rest.
                left = left[os.write(fd, left) :]
            if durable:
                os.fsync(fd)
        except OSError:
            os.ftruncate(fd, size)
            raise
        if durable and size == 0:
            _sync_folder(path.parent)
    finally:
        os.close(fd)


def write_whole(path: Path, text: str | Iterable[str], durable: bool = True) -> None:
    """Put *text*, or its pieces one after the other, at *path*: a reader sees the old file or the new, never a half.

    Unless *durable* is false, it survives a power cut.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            out.writelines([text] if isinstance(text, str) else text)
            out.flush()
            if durable:
                os.fsync(out.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def explain_disk(cause: OSError, path: Path) -> CannotRun:
    """The error a user reads when *path* could not be written."""
    return CannotRun(
        f"{path} cannot be written: {os.strerror(cause.errno or 0)}.", "Free space or choose another ODDSOCK_HOME."
    )


def try_lock(path: Path) -> IO[str] | None:
    """The open lock file when this process now owns *path*, None while another living process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
