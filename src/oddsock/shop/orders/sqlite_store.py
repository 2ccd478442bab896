"""The orders' store on SQLite: one file, one owner, one writer with group commit (WAL, synchronous=FULL).

An order's row, its line in the journal and all that belongs to the change are one transaction, flushed before the next
step is taken, so a death between two steps leaves exactly what had been reached.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from oddsock.clients.sockshop.books import StatusChange
from oddsock.kit.group_commit import GroupCommit
from oddsock.kit.sqlite import Book
from oddsock.shop.orders import journal, sqlite_errands, sqlite_letters
from oddsock.shop.orders.order import Order, is_open
from oddsock.shop.orders.records import (
    Change,
    Errand,
    KeyReused,
    KeyTaken,
    Letter,
    Mark,
    OrderEvent,
    Request,
    Superseded,
    UnknownOrder,
)

_TABLES = """
CREATE TABLE IF NOT EXISTS orders(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL, document BLOB NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0, is_open INTEGER NOT NULL DEFAULT 1, touched_at TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS orders_of_customer ON orders(customer_id);
CREATE INDEX IF NOT EXISTS orders_open ON orders(n) WHERE is_open=1;
CREATE TABLE IF NOT EXISTS keys(
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, answer BLOB);
CREATE TABLE IF NOT EXISTS requests(
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, order_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, leg TEXT NOT NULL, state TEXT NOT NULL,
  at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS marks_of_order ON marks(order_id);
CREATE TABLE IF NOT EXISTS events(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
  cause TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_order ON events(order_id);
CREATE TRIGGER IF NOT EXISTS events_stay BEFORE UPDATE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_last BEFORE DELETE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
"""

SCHEMA = _TABLES + sqlite_errands.SCHEMA + sqlite_letters.SCHEMA + journal.SCHEMA

_EVENT = "seq, order_id, kind, at, cause, actor, request_id, traceparent"


class SqliteStore:
    """The orders of the shop in one SQLite file."""

    is_shared = False

    def __init__(self, book: Book) -> None:
        self._book = book
        self._rows = book.connection
        self.writer = GroupCommit(book)

    async def create(self, *changes: Change) -> None:
        """As the port says."""

        def write(rows: sqlite3.Connection) -> None:
            order, at = changes[-1].order, changes[-1].at
            if (request := changes[0].request) is not None:
                if known := _request_order(rows, request):
                    raise KeyTaken(known)
                rows.execute("INSERT INTO requests VALUES(?,?,?)", (request.key, request.fingerprint, order.id))
            rows.execute(
                "INSERT INTO orders(id, customer_id, document, revision, is_open, touched_at) VALUES(?,?,?,?,?,?)",
                (order.id, order.customer_id, msgspec.json.encode(order), order.revision, is_open(order), at),
            )
            for change in changes:
                _write_rest(rows, change)

        await self.writer.write(write)

    async def apply(self, change: Change) -> None:
        """As the port says."""

        def write(rows: sqlite3.Connection) -> None:
            order = change.order
            done = rows.execute(
                "UPDATE orders SET document=?, revision=?, is_open=?, touched_at=? WHERE id=? AND revision=?",
                (
                    msgspec.json.encode(order),
                    order.revision,
                    is_open(order),
                    change.at,
                    order.id,
                    order.revision - 1,
                ),
            )
            if done.rowcount != 1:
                raise Superseded(order.id)
            _write_rest(rows, change)

        await self.writer.write(write)

    async def order(self, order_id: str) -> Order:
        """As the port says."""
        row = self._rows.execute("SELECT document FROM orders WHERE id=?", (order_id,)).fetchone()
        if row is None:
            raise UnknownOrder(order_id)
        return _read(row)

    async def orders(self, first: int, rows_max: int, newest_first: bool = False) -> list[Order]:
        """As the port says."""
        direction = "DESC" if newest_first else "ASC"
        found = self._rows.execute(
            f"SELECT document FROM orders ORDER BY n {direction} LIMIT ? OFFSET ?", (rows_max, first)
        )
        return [_read(row) for row in found]

    async def orders_of(self, customer_id: str, rows_max: int, newest_first: bool = False) -> list[Order]:
        """As the port says."""
        direction = "DESC" if newest_first else "ASC"
        found = self._rows.execute(
            f"SELECT document FROM orders WHERE customer_id=? ORDER BY n {direction} LIMIT ?", (customer_id, rows_max)
        )
        return [_read(row) for row in found]

    async def count(self) -> int:
        """As the port says."""
        return int(self._rows.execute("SELECT COUNT(*) FROM orders").fetchone()[0])

    async def journal(self, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
        """As the port says."""
        return journal.read(self._rows, after, rows_max, order_id)

    async def events(self, after: int, rows_max: int, order_id: str = "") -> list[OrderEvent]:
        """As the port says."""
        where, values = ("AND order_id=?", [order_id]) if order_id else ("", [])
        found = self._rows.execute(
            f"SELECT {_EVENT}, data FROM events WHERE seq>? {where} ORDER BY seq LIMIT ?", (after, *values, rows_max)
        )
        return [
            msgspec.convert({**dict(row), "data": msgspec.json.decode(row["data"])}, OrderEvent)
            for row in found.fetchall()
        ]

    async def marks(self, order_id: str) -> list[Mark]:
        """As the port says."""
        found = self._rows.execute("SELECT leg, state, at FROM marks WHERE order_id=? ORDER BY seq", (order_id,))
        return [msgspec.convert(dict(row), Mark) for row in found]

    async def open_key(self, key: str, kind: str, order_id: str) -> None:
        """As the port says."""

        def write(rows: sqlite3.Connection) -> None:
            rows.execute("INSERT INTO keys VALUES(?,?,?,NULL) ON CONFLICT(key) DO NOTHING", (key, kind, order_id))
            _check_key(_key_row(rows, key), key, kind, order_id)

        await self.writer.write(write)

    async def is_key_open(self, key: str) -> bool:
        """As the port says."""
        return _key_row(self._rows, key) is not None

    async def key_answer(self, key: str, kind: str, order_id: str) -> Order | None:
        """As the port says."""
        row = _key_row(self._rows, key)
        if row is None:
            return None
        _check_key(row, key, kind, order_id)
        return msgspec.json.decode(row["answer"], type=Order) if row["answer"] is not None else None

    async def close_key(self, key: str, order: Order) -> None:
        """As the port says."""
        await self.writer.write(lambda rows: _close_key(rows, key, order))

    async def request_order(self, key: str, fingerprint: str) -> str:
        """As the port says."""
        return _request_order(self._rows, Request(key, fingerprint))

    async def put_errand(self, errand: Errand) -> None:
        """As the port says."""
        await self.writer.write(lambda rows: sqlite_errands.put(rows, errand))

    async def end_errand(self, order_id: str) -> None:
        """As the port says."""
        await self.writer.write(lambda rows: sqlite_errands.end(rows, order_id))

    async def errand(self, order_id: str) -> Errand | None:
        """As the port says."""
        return sqlite_errands.of_order(self._rows, order_id)

    async def errands(self, dead: bool, after: str, rows_max: int) -> list[Errand]:
        """As the port says."""
        return sqlite_errands.page(self._rows, dead, after, rows_max)

    async def errand_counts(self) -> tuple[int, int]:
        """As the port says."""
        return sqlite_errands.counts(self._rows)

    async def adopt_unfinished(self, untouched_since: str, errand: Errand) -> int:
        """As the port says."""
        return await self.writer.write(lambda rows: sqlite_errands.adopt(rows, untouched_since, errand))

    async def claim(self, holder: str, now: str, lease_until: str, rows_max: int) -> list[Errand]:
        """As the port says; an idle look costs no flush."""
        if not sqlite_errands.has_due(self._rows, now):
            return []
        return await self.writer.write(lambda rows: sqlite_errands.claim(rows, holder, now, lease_until, rows_max))

    async def hasten(self, now: str) -> int:
        """As the port says."""
        return await self.writer.write(lambda rows: sqlite_errands.hasten(rows, now))

    async def give_back(self, holder: str) -> int:
        """As the port says."""
        return await self.writer.write(lambda rows: sqlite_errands.give_back(rows, holder))

    async def claim_letters(self, kind: str, holder: str, now: str, lease_until: str, rows_max: int) -> list[Letter]:
        """As the port says; with one owner nobody else could hold them, so no lease is written."""
        return sqlite_letters.due(self._rows, kind, now, rows_max)

    async def settle_letters(self, ids: Sequence[int], at: str) -> None:
        """As the port says."""
        await self.writer.write(lambda rows: sqlite_letters.settle(rows, ids, at))

    async def postpone_letter(self, letter_id: int, due_at: str) -> None:
        """As the port says."""
        await self.writer.write(lambda rows: sqlite_letters.postpone(rows, letter_id, due_at))

    async def letters_waiting(self, kind: str) -> int:
        """As the port says."""
        return sqlite_letters.waiting(self._rows, kind)

    def works(self) -> bool:
        """As the port says."""
        try:
            self._rows.execute("SELECT 1 FROM orders LIMIT 1").fetchone()
        except sqlite3.Error:
            return False
        return True

    async def close(self) -> None:
        """As the port says."""
        await self.writer.close()
        self._book.close()


def _write_rest(rows: sqlite3.Connection, change: Change) -> None:
    """All of *change* but the order's own row."""
    order, step, by = change.order, change.step, change.step.by
    if change.enters:
        journal.append(rows, order.id, order.status, change.at, change.cause, step.actor, by)
    for event in change.events:
        rows.execute(
            f"INSERT INTO events({_EVENT}, data) VALUES(NULL,?,?,?,?,?,?,?,?)",
            (
                event.order_id,
                event.kind,
                event.at,
                event.cause,
                event.actor,
                event.request_id,
                event.traceparent,
                msgspec.json.encode(event.data),
            ),
        )
    for mark in change.marks:
        rows.execute(
            "INSERT INTO marks(order_id, leg, state, at) VALUES(?,?,?,?)", (order.id, mark.leg, mark.state, change.at)
        )
    for letter in change.letters:
        sqlite_letters.put(rows, letter)
    if change.errand is not None:
        sqlite_errands.put(rows, change.errand)
    elif change.ends_errand:
        sqlite_errands.end(rows, order.id)
    if change.closes_key:
        _close_key(rows, by.idempotency_key, order)


def _request_order(rows: sqlite3.Connection, request: Request) -> str:
    row = rows.execute("SELECT fingerprint, order_id FROM requests WHERE key=?", (request.key,)).fetchone()
    if row is not None and row["fingerprint"] != request.fingerprint:
        raise KeyReused(request.key)
    return "" if row is None else str(row["order_id"])


def _read(row: sqlite3.Row) -> Order:
    return msgspec.json.decode(row["document"], type=Order)


def _key_row(rows: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = rows.execute("SELECT * FROM keys WHERE key=?", (key,)).fetchone()
    return row


def _check_key(row: sqlite3.Row | None, key: str, kind: str, order_id: str) -> None:
    if row is not None and (row["kind"], row["order_id"]) != (kind, order_id):
        raise KeyReused(key)


def _close_key(rows: sqlite3.Connection, key: str, order: Order) -> None:
    if key:
        rows.execute("UPDATE keys SET answer=? WHERE key=? AND answer IS NULL", (msgspec.json.encode(order), key))
