"""The book of orders: the order as it is, the journal of how it came there, and the keys of retries and cancels.

An order's row and its line in the journal change in one transaction, committed and flushed before the next step is
taken, so a death between two steps leaves exactly what had been reached.
"""

import sqlite3
from dataclasses import dataclass

import msgspec

from oddsock.clients.sockshop.books import StatusChange
from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders import journal
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.status import IllegalTransition, Status, check_transition
from oddsock.shop.orders.tally import Tally

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS orders(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL, document BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS orders_of_customer ON orders(customer_id);
CREATE TABLE IF NOT EXISTS keys(
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, answer BLOB);
"""
    + journal.SCHEMA
)


@dataclass(frozen=True, slots=True)
class Step:
    """Who takes a step and on whose behalf: *actor* checkout, retry or cancel."""

    actor: str
    by: Correlation


class UnknownOrder(Exception):
    """There is no order of that id."""


class KeyReused(Exception):
    """An idempotency key came again for another order or another act."""


class OrdersBook:
    """The orders of the shop, in one SQLite file; *tally* counts what is committed."""

    def __init__(self, book: Book, clock: Clock, tally: Tally | None = None) -> None:
        self._book = book
        self._clock = clock
        self._tally = tally or Tally()

    def create(self, order: Order, step: Step) -> None:
        """Store a new order, CREATED."""
        check_transition(None, order.status)
        self._insert(order, step, "")

    def save_last(self, order: Order, step: Step, cause: str) -> None:
        """Store a new order that is paid and shipped already: profile `upstream`; the journal gets one line, PAID."""
        if order.status is not Status.PAID or not order.shipment_id:
            raise IllegalTransition(None, order.status)
        self._insert(order, step, cause)

    def _insert(self, order: Order, step: Step, cause: str) -> None:
        with self._book.transaction() as rows:
            rows.execute(
                "INSERT INTO orders(id, customer_id, document) VALUES(?,?,?)",
                (order.id, order.customer_id, msgspec.json.encode(order)),
            )
            journal.append(rows, order.id, order.status, iso(self._clock.now()), cause, step.actor, step.by)
        self._tally.stored(order.status)

    def move(self, order: Order, status: Status, step: Step, cause: str = "", closes_key: bool = False) -> Order:
        """The order in *status* because of *cause*; IllegalTransition; with *closes_key* the key's answer is stored."""
        check_transition(order.status, status)
        failed = status in (Status.PAYMENT_FAILED, Status.CANCELLED)
        moved = msgspec.structs.replace(order, status=status, reason=cause if failed else "")
        with self._book.transaction() as rows:
            self._write(rows, moved)
            journal.append(rows, order.id, status, iso(self._clock.now()), cause, step.actor, step.by)
            if closes_key:
                self._close_key(rows, step.by.idempotency_key, moved)
        self._tally.entered(status)
        return moved

    def ship(self, order: Order, shipment_id: str, step: Step) -> Order:
        """The order with its shipment; the answer of the step's key, if it has one, is stored with it."""
        shipped = msgspec.structs.replace(order, shipment_id=shipment_id)
        with self._book.transaction() as rows:
            self._write(rows, shipped)
            self._close_key(rows, step.by.idempotency_key, shipped)
        return shipped

    def open_key(self, key: str, kind: str, order_id: str) -> None:
        """Keep that *kind* (retry or cancel) of *order_id* began under *key*; KeyReused for another order or kind."""
        with self._book.transaction() as rows:
            rows.execute("INSERT INTO keys VALUES(?,?,?,NULL) ON CONFLICT(key) DO NOTHING", (key, kind, order_id))
            row = rows.execute("SELECT * FROM keys WHERE key=?", (key,)).fetchone()
            if (row["kind"], row["order_id"]) != (kind, order_id):
                raise KeyReused(key)

    def is_key_open(self, key: str) -> bool:
        """Whether something began under *key*, ended or not."""
        return self._key_row(key) is not None

    def key_answer(self, key: str, kind: str, order_id: str) -> Order | None:
        """The final answer stored under *key*, None while there is none; KeyReused."""
        row = self._key_row(key)
        if row is None:
            return None
        if (row["kind"], row["order_id"]) != (kind, order_id):
            raise KeyReused(key)
        return msgspec.json.decode(row["answer"], type=Order) if row["answer"] is not None else None

    def close_key(self, key: str, order: Order) -> None:
        """Store *order* as the final answer under *key*."""
        with self._book.transaction() as rows:
            self._close_key(rows, key, order)

    def order(self, order_id: str) -> Order:
        """The order of that id; UnknownOrder."""
        row = self._book.connection.execute("SELECT document FROM orders WHERE id=?", (order_id,)).fetchone()
        if row is None:
            raise UnknownOrder(order_id)
        return _read(row)

    def orders(self, first: int, rows_max: int, newest_first: bool = False) -> list[Order]:
        """*rows_max* orders from position *first* (from 0), in the order they were placed or against it."""
        direction = "DESC" if newest_first else "ASC"
        found = self._book.connection.execute(
            f"SELECT document FROM orders ORDER BY n {direction} LIMIT ? OFFSET ?", (rows_max, first)
        )
        return [_read(row) for row in found]

    def orders_of(self, customer_id: str, rows_max: int, newest_first: bool = False) -> list[Order]:
        """Up to *rows_max* orders of one customer."""
        direction = "DESC" if newest_first else "ASC"
        found = self._book.connection.execute(
            f"SELECT document FROM orders WHERE customer_id=? ORDER BY n {direction} LIMIT ?", (customer_id, rows_max)
        )
        return [_read(row) for row in found]

    def count(self) -> int:
        """How many orders there are."""
        return int(self._book.connection.execute("SELECT COUNT(*) FROM orders").fetchone()[0])

    def journal(self, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
        """A page of the journal."""
        return journal.read(self._book.connection, after, rows_max, order_id)

    def works(self) -> bool:
        """Whether the file can be read."""
        try:
            self.count()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _key_row(self, key: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._book.connection.execute("SELECT * FROM keys WHERE key=?", (key,)).fetchone()
        return row

    def _write(self, rows: sqlite3.Connection, order: Order) -> None:
        rows.execute("UPDATE orders SET document=? WHERE id=?", (msgspec.json.encode(order), order.id))

    def _close_key(self, rows: sqlite3.Connection, key: str, order: Order) -> None:
        if key:
            rows.execute("UPDATE keys SET answer=? WHERE key=? AND answer IS NULL", (msgspec.json.encode(order), key))


def _read(row: sqlite3.Row) -> Order:
    return msgspec.json.decode(row["document"], type=Order)
