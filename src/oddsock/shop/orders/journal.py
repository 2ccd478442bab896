"""The journal: every status an order ever came into, in order, with its cause. Rows are added, never changed."""

import sqlite3

import msgspec

from oddsock.clients.sockshop.books import StatusChange
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.status import Status

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL,
  cause TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL,
  idempotency_key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS journal_of_order ON journal(order_id);
CREATE TRIGGER IF NOT EXISTS journal_stays BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_lasts BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""

_COLUMNS = "seq, order_id, status, at, cause, actor, request_id, traceparent, idempotency_key"


def append(
    rows: sqlite3.Connection, order_id: str, status: Status, at: str, cause: str, actor: str, by: Correlation
) -> None:
    """Write that *order_id* came into *status*; the caller holds the transaction that also changes the order."""
    rows.execute(
        f"INSERT INTO journal({_COLUMNS}) VALUES(NULL,?,?,?,?,?,?,?,?)",
        (order_id, status.value, at, cause, actor, by.request_id, by.traceparent, by.idempotency_key),
    )


def read(rows: sqlite3.Connection, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
    """Up to *rows_max* changes behind seq *after*, of one order when *order_id* is given."""
    where, values = ("AND order_id=?", [order_id]) if order_id else ("", [])
    found = rows.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE seq>? {where} ORDER BY seq LIMIT ?", (after, *values, rows_max)
    )
    return [msgspec.convert(dict(row), StatusChange) for row in found]
