"""SQLite as the shop keeps its books: WAL, synchronous=FULL, one file a service, locked by its one owner."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from oddsock.kit.armed import DISK_FULL, armed, tell_hit
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import try_lock

PAGES_MAX = 2**32 - 2
"""How many pages a file may have: SQLite's own limit."""


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
        """One durable transaction: committed and flushed at the end, rolled back on any error; sqlite3.Error."""
        begin(self.connection)
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            roll_back(self.connection)
            raise

    def close(self) -> None:
        """Close the file and give the lock back."""
        self.connection.close()
        self._lock.close()


def begin(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes; sqlite3.OperationalError, also when a drill has armed a full disk here."""
    connection.execute("BEGIN IMMEDIATE")
    if not (rows := armed(DISK_FULL)):
        return
    # On a full disk no transaction gets the room for its pages. So each is made to ask for one page more than there
    # are while the file may not grow, and SQLite itself refuses it.
    try:
        connection.execute("PRAGMA max_page_count=1")  # It takes the size as it is for less than that.
        pages = connection.execute("PRAGMA freelist_count").fetchone()[0] + 2
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"CREATE TABLE no_room AS SELECT zeroblob({pages * size})")
    finally:
        roll_back(connection)
        connection.execute(f"PRAGMA max_page_count={PAGES_MAX}")
        for row in rows:
            tell_hit(row["id"])


def roll_back(connection: sqlite3.Connection) -> None:
    """Roll back what is open; a full disk may have made SQLite do it already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _connect(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=not any_thread)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
