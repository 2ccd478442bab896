"""Errands in SQLite: one row an order, claimed by due time; the caller holds the transaction."""

import sqlite3

import msgspec

from oddsock.shop.orders.records import Errand

SCHEMA = """
CREATE TABLE IF NOT EXISTS errands(
  order_id TEXT PRIMARY KEY, stage TEXT NOT NULL, dead INTEGER NOT NULL, parked_at TEXT NOT NULL, due_at TEXT NOT NULL,
  deadline_at TEXT NOT NULL, attempts INTEGER NOT NULL, uncertain INTEGER NOT NULL, cause TEXT NOT NULL,
  traceparent TEXT NOT NULL, request_id TEXT NOT NULL, holder TEXT NOT NULL, lease_until TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS errands_due ON errands(dead, holder, due_at);
"""

_COLUMNS = (
    "order_id, stage, dead, parked_at, due_at, deadline_at, attempts, uncertain, cause, traceparent, request_id, "
    "holder, lease_until"
)


def put(rows: sqlite3.Connection, errand: Errand) -> None:
    """Write *errand*, in nobody's hands."""
    rows.execute(
        f"INSERT OR REPLACE INTO errands({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,'','')",
        (
            errand.order_id,
            errand.stage,
            errand.dead,
            errand.parked_at,
            errand.due_at,
            errand.deadline_at,
            errand.attempts,
            errand.uncertain,
            errand.cause,
            errand.traceparent,
            errand.request_id,
        ),
    )


def end(rows: sqlite3.Connection, order_id: str) -> None:
    """Take the errand of an order away."""
    rows.execute("DELETE FROM errands WHERE order_id=?", (order_id,))


def of_order(rows: sqlite3.Connection, order_id: str) -> Errand | None:
    """The errand of an order."""
    row = rows.execute(f"SELECT {_COLUMNS} FROM errands WHERE order_id=?", (order_id,)).fetchone()
    return None if row is None else _read(row)


def page(rows: sqlite3.Connection, dead: bool, after: str, rows_max: int) -> list[Errand]:
    """Up to *rows_max* errands by order id behind *after*."""
    found = rows.execute(
        f"SELECT {_COLUMNS} FROM errands WHERE dead=? AND order_id>? ORDER BY order_id LIMIT ?", (dead, after, rows_max)
    )
    return [_read(row) for row in found]


def counts(rows: sqlite3.Connection) -> tuple[int, int]:
    """How many are parked and how many dead."""
    row = rows.execute("SELECT COUNT(*), COALESCE(SUM(dead), 0) FROM errands").fetchone()
    return int(row[0]) - int(row[1]), int(row[1])


def adopt(rows: sqlite3.Connection, untouched_since: str, errand: Errand) -> int:
    """Give unfinished orders that have no errand one like *errand*."""
    found = rows.execute(
        "SELECT id FROM orders WHERE is_open=1 AND touched_at<=? AND id NOT IN (SELECT order_id FROM errands) "
        "ORDER BY n",
        (untouched_since,),
    ).fetchall()
    for row in found:
        put(rows, msgspec.structs.replace(errand, order_id=row["id"]))
    return len(found)


_WAITS = "dead=0 AND holder='' AND due_at<=:now"
_EXPIRED = "dead=0 AND holder<>'' AND lease_until<=:now"


def has_due(rows: sqlite3.Connection, now: str) -> bool:
    """Whether `claim` would find anything."""
    found = rows.execute(
        f"SELECT EXISTS(SELECT 1 FROM errands WHERE {_WAITS}) OR EXISTS(SELECT 1 FROM errands WHERE {_EXPIRED})",
        {"now": now},
    ).fetchone()
    return bool(found[0])


def claim(rows: sqlite3.Connection, holder: str, now: str, lease_until: str, rows_max: int) -> list[Errand]:
    """Lend errands, those that are due longest first."""
    found: list[sqlite3.Row] = []
    for which in (_WAITS, _EXPIRED):
        found += rows.execute(
            f"UPDATE errands SET holder=:holder, lease_until=:until WHERE order_id IN "
            f"(SELECT order_id FROM errands WHERE {which} ORDER BY due_at LIMIT :n) RETURNING {_COLUMNS}",
            {"holder": holder, "until": lease_until, "now": now, "n": rows_max - len(found)},
        ).fetchall()
    return sorted((_read(row) for row in found), key=lambda errand: errand.due_at)


def hasten(rows: sqlite3.Connection, now: str) -> int:
    """Make what waits due at *now*."""
    return rows.execute("UPDATE errands SET due_at=? WHERE dead=0 AND holder='' AND due_at>?", (now, now)).rowcount


def give_back(rows: sqlite3.Connection, holder: str) -> int:
    """Take every lease of another holder away."""
    return rows.execute(
        "UPDATE errands SET holder='', lease_until='' WHERE holder<>'' AND holder<>?", (holder,)
    ).rowcount


def _read(row: sqlite3.Row) -> Errand:
    fields = dict(row)
    return msgspec.convert({**fields, "dead": bool(row["dead"]), "uncertain": bool(row["uncertain"])}, Errand)
