"""Payment's book: a row an authorisation, capture, decline, void, refund, never rewritten; a key has its effect once.

With an outbox each row that is written is told to orders, in the same transaction. *charge_id* is the gateway's name of
the payment where a gateway decides, else one of our own.
"""

import hashlib
import sqlite3
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from oddsock.clients.sockshop.books import Charge
from oddsock.kit import ids
from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.payment import asks
from oddsock.shop.payment.decision import Asked, Authorisation, Held
from oddsock.shop.webhooks import inbox, outbox
from oddsock.shop.webhooks.outbox import Outbox

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS charges(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL, kind TEXT NOT NULL,
  amount_cents INTEGER NOT NULL, at TEXT NOT NULL, message TEXT NOT NULL, customer_id TEXT NOT NULL,
  order_id TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL, idempotency_key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS charges_of_order ON charges(order_id);
CREATE INDEX IF NOT EXISTS charges_of_request ON charges(request_id);
CREATE INDEX IF NOT EXISTS charges_of_charge ON charges(charge_id);
CREATE TRIGGER IF NOT EXISTS charges_stay BEFORE UPDATE ON charges
  BEGIN SELECT RAISE(ABORT, 'the book of charges is append-only'); END;
CREATE TRIGGER IF NOT EXISTS charges_last BEFORE DELETE ON charges
  BEGIN SELECT RAISE(ABORT, 'the book of charges is append-only'); END;
CREATE TABLE IF NOT EXISTS keys(
  operation TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, answer BLOB NOT NULL,
  PRIMARY KEY (operation, key));
"""
    + asks.SCHEMA
    + outbox.SCHEMA
    + inbox.SCHEMA
)

_COLUMNS = "seq, id, charge_id, kind, amount_cents, at, message, customer_id, order_id, request_id, traceparent, "
_COLUMNS += "idempotency_key"

T = TypeVar("T")


class KeyReused(Exception):
    """An idempotency key came again with another request."""


class UnknownCharge(Exception):
    """No charge of that id is there to be captured, voided or refunded."""


class OverRefund(Exception):
    """A refund asks for more than what is left of a capture."""


class WrongState(Exception):
    """A charge that is captured, voided or declined already."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund asked for: *amount_cents* of *charge_id*."""

    charge_id: str
    amount_cents: int
    reason: str


@dataclass(frozen=True, slots=True)
class Deed:
    """A row to be written: *row_id* is empty where nobody gave it a name."""

    kind: str
    charge_id: str
    amount_cents: int
    message: str
    row_id: str = ""


def fingerprint_of(body: bytes, order_id: str = "") -> str:
    """What tells two requests under one key apart."""
    return hashlib.sha256(order_id.encode() + b"\0" + body).hexdigest()


class PaymentBook:
    """The charges and the keys of payment, in one SQLite file."""

    def __init__(self, book: Book, clock: Clock, outbox: Outbox | None = None) -> None:
        self._book = book
        self._clock = clock
        self._outbox = outbox
        self.asks = asks.Asks(book)

    def settle(self, asked: Asked, decided: Authorisation, by: Correlation, fingerprint: str) -> Authorisation:
        """Write what was decided, once a key; the stored answer when the key came before; KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "paymentAuth", by.idempotency_key, fingerprint, Authorisation):
                return stored
            # The legacy call knows no separate capture: what is authorised is captured in the same step.
            self._decide(rows, asked, decided, by, captures=True)
            self._store(rows, "paymentAuth", by.idempotency_key, fingerprint, decided)
        return decided

    def hold(self, asked: Asked, decided: Authorisation, by: Correlation, fingerprint: str) -> Held:
        """As `settle`, but nothing is captured: the answer names the charge that may be."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "authorise", by.idempotency_key, fingerprint, Held):
                return stored
            charge_id = self._decide(rows, asked, decided, by, captures=False)
            held = Held(decided.authorised, decided.message, charge_id)
            self._store(rows, "authorise", by.idempotency_key, fingerprint, held)
        return held

    def _decide(
        self, rows: sqlite3.Connection, asked: Asked, decided: Authorisation, by: Correlation, captures: bool
    ) -> str:
        charge_id, named = ids.object_id(), replace(by, customer_id=by.customer_id or asked.customer_id)
        kinds = ("authorisation", "capture") if decided.authorised and captures else ("authorisation",)
        for kind in kinds if decided.authorised else ("decline",):
            row_id = "" if kind == "capture" else charge_id
            self.write(rows, Deed(kind, charge_id, asked.amount_cents, decided.message, row_id), named)
        return charge_id

    def capture(self, charge_id: str, amount_cents: int, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The capture's row and whether it is new; 0 cents mean all. UnknownCharge, WrongState, KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "captures", by.idempotency_key, fingerprint, Charge):
                return stored, False
            held = self.held(charge_id)
            if amount_cents > held.amount_cents:
                raise WrongState(f"{amount_cents} cents asked, {held.amount_cents} cents authorised of {charge_id}")
            deed = Deed("capture", charge_id, amount_cents or held.amount_cents, "captured")
            charge = self.write(rows, deed, of_charge(held, by))
            self._store(rows, "captures", by.idempotency_key, fingerprint, charge)
        return charge, True

    def void(self, charge_id: str, reason: str, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The void's row and whether it is new; UnknownCharge, WrongState, KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "voids", by.idempotency_key, fingerprint, Charge):
                return stored, False
            if done := self.row_of(charge_id, "void"):
                return done, False
            held = self.held(charge_id)
            charge = self.write(rows, Deed("void", charge_id, held.amount_cents, reason), of_charge(held, by))
            self._store(rows, "voids", by.idempotency_key, fingerprint, charge)
        return charge, True

    def held(self, charge_id: str) -> Charge:
        """The authorisation that may be captured or voided; UnknownCharge, WrongState."""
        held = self.row_of(charge_id, "authorisation")
        if held is None:
            raise UnknownCharge(charge_id)
        for kind, said in (("capture", "captured"), ("void", "voided")):
            if self.row_of(charge_id, kind):
                raise WrongState(f"{charge_id} is {said} already")
        return held

    def refund(self, refund: Refund, by: Correlation, fingerprint: str, row_id: str = "") -> tuple[Charge, bool]:
        """The refund's row and whether it is new; UnknownCharge, OverRefund, KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "refunds", by.idempotency_key, fingerprint, Charge):
                return stored, False
            captured = self.check_refund(refund)
            deed = Deed("refund", refund.charge_id, refund.amount_cents, refund.reason, row_id)
            charge = self.write(rows, deed, of_charge(captured, by))
            self._store(rows, "refunds", by.idempotency_key, fingerprint, charge)
        return charge, True

    def check_refund(self, refund: Refund) -> Charge:
        """The capture that *refund* is of; UnknownCharge, OverRefund."""
        captured = self.row_of(refund.charge_id, "capture")
        if captured is None:
            raise UnknownCharge(refund.charge_id)
        left = self.left_cents(refund.charge_id)
        if refund.amount_cents > left:
            raise OverRefund(f"{refund.amount_cents} cents asked, {left} cents left of {refund.charge_id}")
        return captured

    def stored_charge(self, operation: str, key: str, fingerprint: str) -> Charge | None:
        """The row that *operation* wrote under *key*; KeyReused."""
        return self._stored(self._book.connection, operation, key, fingerprint, Charge)

    def write_down(self, deeds: list[Deed], by: Correlation, ask: "asks.Ask | None" = None) -> list[Charge]:
        """Write what a gateway did, each row that is not there yet, and close *ask* with it."""
        with self._book.transaction() as rows:
            written = [self.write(rows, deed, by) for deed in deeds]
            if ask is not None:
                self.asks.close(rows, ask)
        return written

    def keep_charge(self, operation: str, deed: Deed, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """Write what a gateway did under the caller's key; the row and whether it is new."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, operation, by.idempotency_key, fingerprint, Charge):
                return stored, False
            charge = self.write(rows, deed, by)
            self._store(rows, operation, by.idempotency_key, fingerprint, charge)
        return charge, True

    def has_come(self, webhook_id: str) -> bool:
        """Whether a webhook of that id had its effect already."""
        return inbox.has_come(self._book.connection, webhook_id)

    def keep_webhook(self, webhook_id: str) -> None:
        """Write that a webhook had its effect."""
        with self._book.transaction() as rows:
            inbox.keep(rows, webhook_id, self._clock)

    def row_of(self, charge_id: str, kind: str) -> Charge | None:
        """The first row of *kind* of a charge."""
        row = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM charges WHERE charge_id=? AND kind=? ORDER BY seq LIMIT 1", (charge_id, kind)
        ).fetchone()
        return None if row is None else msgspec.convert(dict(row), Charge)

    def left_cents(self, charge_id: str) -> int:
        """What is left of a capture after its refunds, in cents."""
        row = self._book.connection.execute(
            "SELECT COALESCE(SUM(CASE kind WHEN 'capture' THEN amount_cents "
            "WHEN 'refund' THEN -amount_cents ELSE 0 END), 0) FROM charges WHERE charge_id=?",
            (charge_id,),
        ).fetchone()
        return int(row[0])

    def page(self, after: int, rows_max: int, order_id: str = "", request_id: str = "") -> list[Charge]:
        """Up to *rows_max* rows behind seq *after*, of one order or one request when given."""
        asked = {"order_id": order_id, "request_id": request_id}
        where = " ".join(f"AND {column}=?" for column, value in asked.items() if value)
        values = [value for value in asked.values() if value]
        found = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM charges WHERE seq>? {where} ORDER BY seq LIMIT ?", (after, *values, rows_max)
        )
        return [msgspec.convert(dict(row), Charge) for row in found]

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _stored(self, rows: sqlite3.Connection, operation: str, key: str, fingerprint: str, shape: type[T]) -> T | None:
        if not key:
            return None
        row = rows.execute("SELECT * FROM keys WHERE operation=? AND key=?", (operation, key)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise KeyReused(key)
        return msgspec.json.decode(row["answer"], type=shape)

    def _store(self, rows: sqlite3.Connection, operation: str, key: str, fingerprint: str, answer: object) -> None:
        if key:
            rows.execute("INSERT INTO keys VALUES(?,?,?,?)", (operation, key, fingerprint, msgspec.json.encode(answer)))

    def write(self, rows: sqlite3.Connection, deed: Deed, by: Correlation) -> Charge:
        """The row of *deed*, written now unless a row of its id is there; told to orders when there is an outbox."""
        row_id = deed.row_id or ids.object_id()
        written = rows.execute(
            f"INSERT INTO charges({_COLUMNS}) VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO NOTHING",
            (
                row_id,
                deed.charge_id,
                deed.kind,
                deed.amount_cents,
                iso(self._clock.now()),
                deed.message,
                by.customer_id,
                by.order_id,
                by.request_id,
                by.traceparent,
                by.idempotency_key,
            ),
        ).rowcount
        row = rows.execute(f"SELECT {_COLUMNS} FROM charges WHERE id=?", (row_id,)).fetchone()
        charge = msgspec.convert(dict(row), Charge)
        if written and self._outbox is not None:
            body = {"type": f"payment.{charge.kind}", "timestamp": charge.at, "data": charge}
            self._outbox.put(rows, f"msg_{row_id}", msgspec.json.encode(body).decode())
        return charge


def of_charge(earlier: Charge, by: Correlation) -> Correlation:
    """Whose charge it is, under the caller's own request and key."""
    return replace(by, order_id=earlier.order_id, customer_id=earlier.customer_id)
