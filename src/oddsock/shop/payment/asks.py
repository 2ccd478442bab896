"""What payment has begun to ask of a gateway: written before the gateway is asked, closed with the answer's rows.

After a death an open ask tells which payment to look up there: nothing is charged twice, nothing charged is forgotten.
An ask that was given up begins anew, in its next round, under new keys of the gateway.
"""

import sqlite3

import msgspec

from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation

SCHEMA = """
CREATE TABLE IF NOT EXISTS asks(
  key TEXT PRIMARY KEY, state TEXT NOT NULL, intent_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  document BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS asks_of_intent ON asks(intent_id);
CREATE INDEX IF NOT EXISTS asks_open ON asks(state) WHERE state='open';
"""

OPEN_ROWS_MAX = 500


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One payment asked of a gateway: for whom, how much, and whether it is captured at once."""

    key: str
    amount_cents: int
    captures: bool
    by: Correlation
    round: int = 1
    state: str = "open"
    intent_id: str = ""
    fingerprint: str = ""

    @property
    def gateway_key(self) -> str:
        """The stable part of the idempotency keys under which the gateway is asked."""
        return f"{self.key}:{self.round}"


class Asks:
    """The asks in payment's file."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def begin(self, ask: Ask) -> Ask:
        """The ask under this key: *ask* itself when it is new, the next round of one given up, else the earlier one."""
        with self._book.transaction() as rows:
            earlier = self.find(ask.key)
            if earlier is not None and earlier.state != "given up":
                return earlier
            begun = msgspec.structs.replace(ask, round=earlier.round + 1 if earlier else 1)
            self._write(rows, begun)
        return begun

    def name_intent(self, ask: Ask, intent_id: str) -> Ask:
        """The ask, now that the gateway gave it a name."""
        return self._keep(msgspec.structs.replace(ask, intent_id=intent_id))

    def named(self, ask: Ask, intent_id: str) -> Ask:
        """The ask as it is kept now, named *intent_id*."""
        return msgspec.structs.replace(self.find(ask.key) or ask, intent_id=intent_id)

    def give_up(self, ask: Ask) -> None:
        """Nothing was charged and nothing will be: the key may begin anew."""
        self._keep(msgspec.structs.replace(ask, state="given up", intent_id=""))

    def close(self, rows: sqlite3.Connection, ask: Ask) -> None:
        """The gateway decided; the caller holds the transaction that writes what it did."""
        self._write(rows, msgspec.structs.replace(ask, state="closed"))

    def find(self, key: str) -> Ask | None:
        """The ask under *key*."""
        return self._one("key=?", key)

    def of_intent(self, intent_id: str) -> Ask | None:
        """The ask that the gateway knows as *intent_id*."""
        return self._one("intent_id=?", intent_id)

    def open(self) -> list[Ask]:
        """The asks without an outcome, at most OPEN_ROWS_MAX of them."""
        found = self._book.connection.execute("SELECT document FROM asks WHERE state='open' LIMIT ?", (OPEN_ROWS_MAX,))
        return [msgspec.json.decode(row[0], type=Ask) for row in found]

    def _one(self, where: str, value: str) -> Ask | None:
        row = self._book.connection.execute(f"SELECT document FROM asks WHERE {where}", (value,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Ask)

    def _keep(self, ask: Ask) -> Ask:
        with self._book.transaction() as rows:
            self._write(rows, ask)
        return ask

    def _write(self, rows: sqlite3.Connection, ask: Ask) -> None:
        rows.execute(
            "INSERT INTO asks VALUES(?,?,?,?,?) ON CONFLICT(key) DO UPDATE SET "
            "state=excluded.state, intent_id=excluded.intent_id, document=excluded.document",
            (ask.key, ask.state, ask.intent_id, ask.fingerprint, msgspec.json.encode(ask)),
        )
