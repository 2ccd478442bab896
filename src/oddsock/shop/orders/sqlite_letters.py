"""The outbox in SQLite: letters that were written with their change and wait to be delivered."""

import sqlite3
from collections.abc import Sequence

import msgspec

from oddsock.shop.orders.records import Letter

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, order_id TEXT NOT NULL, event TEXT NOT NULL,
  body BLOB NOT NULL, attempts INTEGER NOT NULL, due_at TEXT NOT NULL, done_at TEXT NOT NULL,
  UNIQUE(order_id, kind, event));
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox(kind, id) WHERE done_at='';
"""


def put(rows: sqlite3.Connection, letter: Letter) -> None:
    """Write *letter* unless there was one of its order, kind and event."""
    rows.execute(
        "INSERT INTO outbox VALUES(NULL,?,?,?,?,0,?,'') ON CONFLICT(order_id, kind, event) DO NOTHING",
        (letter.kind, letter.order_id, letter.event, letter.body, letter.due_at),
    )


def due(rows: sqlite3.Connection, kind: str, now: str, rows_max: int) -> list[Letter]:
    """Up to *rows_max* letters that are due, of each order the oldest only."""
    found = rows.execute(
        "SELECT id, kind, order_id, event, body, attempts, due_at FROM outbox AS one "
        "WHERE done_at='' AND kind=? AND due_at<=? AND NOT EXISTS (SELECT 1 FROM outbox AS older WHERE "
        "older.order_id=one.order_id AND older.kind=one.kind AND older.done_at='' AND older.id<one.id) "
        "ORDER BY id LIMIT ?",
        (kind, now, rows_max),
    )
    return [msgspec.convert(dict(row), Letter) for row in found]


def settle(rows: sqlite3.Connection, ids: Sequence[int], at: str) -> None:
    """The letters were delivered at *at*."""
    rows.executemany("UPDATE outbox SET done_at=? WHERE id=?", [(at, letter_id) for letter_id in ids])


def postpone(rows: sqlite3.Connection, letter_id: int, due_at: str) -> None:
    """The letter was not delivered."""
    rows.execute("UPDATE outbox SET attempts=attempts+1, due_at=? WHERE id=?", (due_at, letter_id))


def waiting(rows: sqlite3.Connection, kind: str) -> int:
    """How many are not delivered."""
    return int(rows.execute("SELECT COUNT(*) FROM outbox WHERE done_at='' AND kind=?", (kind,)).fetchone()[0])
