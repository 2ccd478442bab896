"""Payment's book: a row an authorisation, capture, decline, refund, never rewritten; a key has its effect once."""

import hashlib
import sqlite3
from dataclasses import dataclass

import msgspec

from oddsock.clients.sockshop.books import Charge
from oddsock.kit import ids
from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.payment.decision import Asked, Authorisation

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL, kind TEXT NOT NULL,
  amount_cents INTEGER NOT NULL, at TEXT NOT NULL, message TEXT NOT NULL, customer_id TEXT NOT NULL,
  order_id TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL, idempotency_key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS charges_of_order ON charges(order_id);
CREATE INDEX IF NOT EXISTS charges_of_charge ON charges(charge_id);
CREATE TRIGGER IF NOT EXISTS charges_stay BEFORE UPDATE ON charges
  BEGIN SELECT RAISE(ABORT, 'the book of charges is append-only'); END;
CREATE TRIGGER IF NOT EXISTS charges_last BEFORE DELETE ON charges
  BEGIN SELECT RAISE(ABORT, 'the book of charges is append-only'); END;
CREATE TABLE IF NOT EXISTS keys(
  operation TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, answer BLOB NOT NULL,
  PRIMARY KEY (operation, key));
"""

_COLUMNS = "seq, id, charge_id, kind, amount_cents, at, message, customer_id, order_id, request_id, traceparent, "
_COLUMNS += "idempotency_key"


class KeyReused(Exception):
    """An idempotency key came again with another request."""


class UnknownCharge(Exception):
    """No capture of that charge id exists."""


class OverRefund(Exception):
    """A refund asks for more than what is left of a capture."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund asked for: *amount_cents* of *charge_id*."""

    charge_id: str
    amount_cents: int
    reason: str


def fingerprint_of(body: bytes, order_id: str = "") -> str:
    """What tells two requests under one key apart."""
    return hashlib.sha256(order_id.encode() + b"\0" + body).hexdigest()


class PaymentBook:
    """The charges and the keys of payment, in one SQLite file."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def settle(self, asked: Asked, decided: Authorisation, by: Correlation, fingerprint: str) -> Authorisation:
        """Write what was decided, once a key; the stored answer when the key came before; KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "paymentAuth", by.idempotency_key, fingerprint):
                return msgspec.json.decode(stored, type=Authorisation)
            charge_id = ids.object_id()
            # The legacy call knows no separate capture: what is authorised is captured in the same step.
            kinds = ("authorisation", "capture") if decided.authorised else ("decline",)
            for kind in kinds:
                row_id = ids.object_id() if kind == "capture" else charge_id
                self._append(rows, row_id, charge_id, kind, asked.amount_cents, decided.message, by, asked.customer_id)
            self._store(rows, "paymentAuth", by.idempotency_key, fingerprint, msgspec.json.encode(decided))
        return decided

    def refund(self, refund: Refund, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The refund's row and whether it is new; UnknownCharge, OverRefund, KeyReused."""
        with self._book.transaction() as rows:
            if stored := self._stored(rows, "refunds", by.idempotency_key, fingerprint):
                return msgspec.json.decode(stored, type=Charge), False
            captured = rows.execute(
                "SELECT * FROM charges WHERE charge_id=? AND kind='capture'", (refund.charge_id,)
            ).fetchone()
            if captured is None:
                raise UnknownCharge(refund.charge_id)
            left = self.left_cents(refund.charge_id)
            if refund.amount_cents > left:
                raise OverRefund(f"{refund.amount_cents} cents asked, {left} cents left of {refund.charge_id}")
            of_charge = Correlation(
                by.traceparent, by.request_id, captured["order_id"], captured["customer_id"], by.idempotency_key
            )
            row_id = ids.object_id()
            self._append(rows, row_id, refund.charge_id, "refund", refund.amount_cents, refund.reason, of_charge)
            row = rows.execute(f"SELECT {_COLUMNS} FROM charges WHERE id=?", (row_id,)).fetchone()
            charge = msgspec.convert(dict(row), Charge)
            self._store(rows, "refunds", by.idempotency_key, fingerprint, msgspec.json.encode(charge))
        return charge, True

    def left_cents(self, charge_id: str) -> int:
        """What is left of a capture after its refunds, in cents."""
        row = self._book.connection.execute(
            "SELECT COALESCE(SUM(CASE kind WHEN 'capture' THEN amount_cents "
            "WHEN 'refund' THEN -amount_cents ELSE 0 END), 0) FROM charges WHERE charge_id=?",
            (charge_id,),
        ).fetchone()
        return int(row[0])

    def page(self, after: int, rows_max: int, order_id: str = "") -> list[Charge]:
        """Up to *rows_max* rows behind seq *after*, of one order when *order_id* is given."""
        where, values = ("AND order_id=?", [order_id]) if order_id else ("", [])
        found = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM charges WHERE seq>? {where} ORDER BY seq LIMIT ?", (after, *values, rows_max)
        )
        return [msgspec.convert(dict(row), Charge) for row in found]

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _stored(self, rows: sqlite3.Connection, operation: str, key: str, fingerprint: str) -> bytes | None:
        if not key:
            return None
        row = rows.execute("SELECT * FROM keys WHERE operation=? AND key=?", (operation, key)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise KeyReused(key)
        return bytes(row["answer"])

    def _store(self, rows: sqlite3.Connection, operation: str, key: str, fingerprint: str, answer: bytes) -> None:
        if key:
            rows.execute("INSERT INTO keys VALUES(?,?,?,?)", (operation, key, fingerprint, answer))

    def _append(
        self,
        rows: sqlite3.Connection,
        row_id: str,
        charge_id: str,
        kind: str,
        amount_cents: int,
        message: str,
        by: Correlation,
        customer_id: str = "",
    ) -> None:
        rows.execute(
            f"INSERT INTO charges({_COLUMNS}) VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?)",
            (
                row_id,
                charge_id,
                kind,
                amount_cents,
                iso(self._clock.now()),
                message,
                by.customer_id or customer_id,
                by.order_id,
                by.request_id,
                by.traceparent,
                by.idempotency_key,
            ),
        )
