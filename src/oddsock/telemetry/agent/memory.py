"""What survives a restart of the agent: how far each log file was shipped, which events were, and counters as read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from oddsock.kit.sqlite import Book

SCHEMA = """
CREATE TABLE IF NOT EXISTS positions (file TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (key TEXT PRIMARY KEY, seq INTEGER NOT NULL, is_sent INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS installed (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""

EVENTS_KEPT = 5000
"""Sent events that are remembered; a cluster keeps fewer."""


class Memory:
    """The agent's memory in one SQLite file; every change is on the disk when it returns."""

    def __init__(self, book: Book) -> None:
        self._book = book
        row = book.connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()
        self._seq = int(row[0])

    @classmethod
    def open(cls, folder: Path) -> "Memory":
        """The memory in *folder*; CannotRun when another agent has it or the disk is full."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(Book.open(folder / "agent.sqlite", SCHEMA))

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def positions(self) -> dict[str, int]:
        """Log file (its path below the logs folder, and its first instant) to the byte from which it is unread."""
        return {row["file"]: row["offset"] for row in self._book.connection.execute("SELECT * FROM positions")}

    def keep_positions(self, offsets: Mapping[str, int], gone: Iterable[str] = ()) -> None:
        """Remember *offsets* and forget the files of *gone*."""
        with self._book.transaction() as rows:
            rows.executemany(
                "INSERT INTO positions VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET offset = excluded.offset",
                list(offsets.items()),
            )
            rows.executemany("DELETE FROM positions WHERE file = ?", [(file,) for file in gone])

    def events(self) -> dict[str, bool]:
        """Events by key; False when an event was about to be sent and nobody knows whether it was."""
        found = self._book.connection.execute("SELECT key, is_sent FROM events")
        return {row["key"]: bool(row["is_sent"]) for row in found}

    def keep_events(self, keys: Iterable[str], is_sent: bool) -> None:
        """Remember that the events of *keys* are about to be sent, or *is_sent*."""
        with self._book.transaction() as rows:
            for key in keys:
                self._seq += 1
                rows.execute(
                    "INSERT INTO events VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET is_sent = excluded.is_sent",
                    (key, self._seq, int(is_sent)),
                )
            rows.execute("DELETE FROM events WHERE seq <= ?", (self._seq - EVENTS_KEPT,))

    def counters(self) -> dict[str, float]:
        """Counters by key, as they were when their growth was last told."""
        return {row["key"]: row["value"] for row in self._book.connection.execute("SELECT * FROM counters")}

    def keep_counters(self, values: Mapping[str, float]) -> None:
        """Remember *values* in the place of all that was remembered."""
        with self._book.transaction() as rows:
            rows.execute("DELETE FROM counters")
            rows.executemany("INSERT INTO counters VALUES (?, ?)", list(values.items()))

    def is_installed(self, name: str) -> bool:
        """Whether document *name* was made in the store; it is not made again when somebody has deleted it."""
        found = self._book.connection.execute("SELECT 1 FROM installed WHERE name = ?", (name,)).fetchone()
        return found is not None

    def keep_installed(self, name: str) -> None:
        """Remember that document *name* was made."""
        with self._book.transaction() as rows:
            rows.execute("INSERT OR IGNORE INTO installed VALUES (?)", (name,))
