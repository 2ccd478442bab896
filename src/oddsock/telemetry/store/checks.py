"""Service checks: the latest report of every check, host and set of tags, and those before it, durable."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from oddsock.kit.sqlite import Book
from oddsock.telemetry.records import ServiceCheck

SCHEMA = """
CREATE TABLE IF NOT EXISTS subjects (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  tags TEXT NOT NULL,
  UNIQUE (name, host, tags)
);
CREATE TABLE IF NOT EXISTS reports (
  subject INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  status INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (subject, at_ms, seq)
) WITHOUT ROWID;
"""

HISTORY_MAX = 100
"""How many reports one subject answers at once; Datadog's monitors look at no more."""

KEPT_MAX = 1000
"""How many reports of one subject are kept; older ones make room."""


class CheckStore:
    """The service checks of one store: a subject is a check on a host with a set of tags."""

    def __init__(self, book: Book) -> None:
        self._book = book

    @classmethod
    def open(cls, path: Path) -> "CheckStore":
        """Open or make the file at *path*; CannotRun when another process owns it or the disk is full."""
        return cls(Book.open(path, SCHEMA))

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def append(self, checks: Sequence[ServiceCheck]) -> None:
        """Keep *checks* in one durable transaction."""
        with self._book.transaction() as connection:
            for check in checks:
                key = (check.check, check.host, msgspec.json.encode(sorted(set(check.tags))).decode())
                connection.execute("INSERT OR IGNORE INTO subjects (name, host, tags) VALUES (?, ?, ?)", key)
                find = "SELECT id FROM subjects WHERE name = ? AND host = ? AND tags = ?"
                subject = connection.execute(find, key).fetchone()["id"]
                last = connection.execute(
                    "SELECT max(seq) FROM reports WHERE subject = ? AND at_ms = ?", (subject, check.at_ms)
                ).fetchone()[0]
                connection.execute(
                    "INSERT INTO reports (subject, at_ms, seq, status, message) VALUES (?, ?, ?, ?, ?)",
                    (subject, check.at_ms, 0 if last is None else last + 1, check.status, check.message),
                )
                connection.execute(
                    "DELETE FROM reports WHERE subject = ? AND at_ms <"
                    " (SELECT at_ms FROM reports WHERE subject = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?)",
                    (subject, subject, KEPT_MAX - 1),
                )

    def names(self) -> list[str]:
        """The name of every check that ever reported, sorted."""
        rows = self._book.connection.execute("SELECT DISTINCT name FROM subjects ORDER BY name")
        return [row["name"] for row in rows]

    def latest(self, check: str) -> list[ServiceCheck]:
        """The newest report of every subject of *check*."""
        return [reports[0] for reports in self.history(check, 1)]

    def history(self, check: str, limit: int = HISTORY_MAX) -> list[list[ServiceCheck]]:
        """For each subject of *check* its at most *limit* newest reports, newest first."""
        found = []
        subjects = self._book.connection.execute("SELECT * FROM subjects WHERE name = ? ORDER BY id", (check,))
        for subject in subjects.fetchall():
            rows = self._book.connection.execute(
                "SELECT * FROM reports WHERE subject = ? ORDER BY at_ms DESC, seq DESC LIMIT ?",
                (subject["id"], min(limit, HISTORY_MAX)),
            )
            tags = tuple(msgspec.json.decode(subject["tags"], type=list[str]))
            reports = [
                ServiceCheck(
                    check=check,
                    at_ms=row["at_ms"],
                    status=row["status"],
                    host=subject["host"],
                    message=row["message"],
                    tags=tags,
                )
                for row in rows
            ]
            if reports:
                found.append(reports)
        return found

    def forget_before(self, at_ms: int) -> int:
        """Take away reports older than *at_ms* and subjects without any; returns how many reports that were."""
        with self._book.transaction() as connection:
            found = connection.execute("DELETE FROM reports WHERE at_ms < ?", (at_ms,))
            connection.execute("DELETE FROM subjects WHERE id NOT IN (SELECT DISTINCT subject FROM reports)")
        return found.rowcount
