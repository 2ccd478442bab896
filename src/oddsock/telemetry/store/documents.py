"""JSON documents by kind and id, stored as they were given: dashboards, monitors, pipelines, downtimes."""

from pathlib import Path
from typing import Any

import msgspec

from oddsock.kit.sqlite import Book

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (kind, id)
);
"""


class Documents:
    """The documents of one store, in order of their making within a kind; every change is durable when it returns."""

    def __init__(self, book: Book) -> None:
        self._book = book

    @classmethod
    def open(cls, path: Path) -> "Documents":
        """Open or make the file at *path*; CannotRun when another process owns it or the disk is full."""
        return cls(Book.open(path, SCHEMA))

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def put(self, kind: str, document_id: str, body: dict[str, Any]) -> None:
        """Keep *body*, in the place of an older one of the same kind and id."""
        with self._book.transaction() as connection:
            connection.execute(
                "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, document_id, msgspec.json.encode(body).decode()),
            )

    def get(self, kind: str, document_id: str) -> dict[str, Any] | None:
        """One document, None when there is none."""
        query = "SELECT body FROM documents WHERE kind = ? AND id = ?"
        row = self._book.connection.execute(query, (kind, document_id)).fetchone()
        return _decode(row["body"]) if row else None

    def list(self, kind: str) -> list[dict[str, Any]]:
        """Every document of *kind*, oldest first."""
        rows = self._book.connection.execute("SELECT body FROM documents WHERE kind = ? ORDER BY seq", (kind,))
        return [_decode(row["body"]) for row in rows]

    def delete(self, kind: str, document_id: str) -> bool:
        """Take one away; False when there was none."""
        with self._book.transaction() as connection:
            found = connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, document_id))
        return found.rowcount > 0


def _decode(body: str) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(body)
    return decoded
