"""SQLite as the shop keeps its books: WAL, synchronous=FULL, one file a service, locked by its one owner."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from oddsock.kit.errors import CannotRun
from oddsock.kit.files import try_lock


class Book:
    """One service's SQLite file, owned by this process from `open` to `close`."""

    def __init__(self, connection: sqlite3.Connection, lock: IO[str], path: Path) -> None:
        self.connection = connection
        self._lock = lock
        self._path = path

    @classmethod
    def open(cls, path: Path, schema: str) -> "Book":
        """Open or make the book at *path* with *schema*; CannotRun when another process owns it or the disk is full."""
        lock = try_lock(path.with_suffix(".lock"))
        if lock is None:
            raise CannotRun(
                f"{path} is in use by another process.", "Stop its owner, or give this one a file of its own."
            )
        try:
            connection = _connect(path)
            # In one transaction: each statement of its own would wait for the disk.
            connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\n;COMMIT")
        except sqlite3.OperationalError as cause:
            lock.close()
            raise CannotRun(
                f"The book {path} cannot be opened: {cause}.", "Check the disk and the folder's owner."
            ) from cause
        return cls(connection, lock, path)

    def connect(self, any_thread: bool = False) -> sqlite3.Connection:
        """A further connection to the same file, for its owner to close; *any_thread* may use it, one at a time."""
        return _connect(self._path, any_thread)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction: committed and flushed at the end, rolled back on any error."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file and give the lock back."""
        self.connection.close()
        self._lock.close()


def _connect(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=not any_thread)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
