"""The gateway's book: intents, refunds, events, idempotency keys and what webhooks are to tell, in one SQLite file.

A call's effect, its events and the answer under its key are one transaction: no death comes between two of them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from oddsock.kit.clock import Clock
from oddsock.kit.ids import object_id
from oddsock.kit.sqlite import Book
from oddsock.shop.gateway.documents import Event, Refund, event_document
from oddsock.shop.gateway.intent import Intent
from oddsock.shop.gateway.refusal import not_found
from oddsock.shop.webhooks import outbox
from oddsock.shop.webhooks.outbox import Outbox

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS objects(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL UNIQUE, of TEXT NOT NULL,
  document BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS objects_of ON objects(kind, of);
CREATE TABLE IF NOT EXISTS keys(
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL);
"""
    + outbox.SCHEMA
)

NOUNS = {"intent": "payment_intent", "refund": "refund", "event": "event"}

T = TypeVar("T", Intent, Refund, Event)


class GatewayBook:
    """The objects and keys of the gateway."""

    def __init__(self, book: Book, clock: Clock, outbox: Outbox | None = None) -> None:
        self._book = book
        self._clock = clock
        self._outbox = outbox

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction."""
        with self._book.transaction() as rows:
            yield rows

    def now(self) -> int:
        """The instant in epoch seconds."""
        return int(self._clock.now().timestamp())

    def intent(self, identity: str, param: str = "intent") -> Intent:
        """The intent of that id; Refusal 404."""
        row = self._row("intent", identity)
        if row is None:
            raise not_found(NOUNS["intent"], identity, param)
        return msgspec.json.decode(row["document"], type=Intent)

    def intent_of_charge(self, charge_id: str) -> Intent:
        """The intent whose latest charge has that id; Refusal 404."""
        row = self._book.connection.execute(
            "SELECT document FROM objects WHERE kind='intent' AND of=?", (charge_id,)
        ).fetchone()
        if row is None:
            raise not_found("charge", charge_id, "charge")
        return msgspec.json.decode(row["document"], type=Intent)

    def refund(self, identity: str) -> Refund:
        """The refund of that id; Refusal 404."""
        row = self._row("refund", identity)
        if row is None:
            raise not_found(NOUNS["refund"], identity, "refund")
        return msgspec.json.decode(row["document"], type=Refund)

    def keep_intent(self, rows: sqlite3.Connection, intent: Intent) -> None:
        """Write *intent* as it is now."""
        self._write(rows, "intent", intent.id, intent.latest_charge, intent)

    def keep_refund(self, rows: sqlite3.Connection, refund: Refund) -> None:
        """Write a new refund."""
        self._write(rows, "refund", refund.id, refund.payment_intent, refund)

    def tell(self, rows: sqlite3.Connection, type_: str, document: dict[str, Any]) -> None:
        """Write that *type_* happened to *document*, for the list of events and for webhooks."""
        event = Event(id=f"evt_{object_id()}", created=self.now(), type=type_, data=document)
        self._write(rows, "event", event.id, type_, event)
        if self._outbox is not None:
            self._outbox.put(rows, event.id, msgspec.json.encode(event_document(event)).decode())

    def page(self, shape: type[T], limit: int, after: str = "", before: str = "", of: str = "") -> list[T]:
        """Up to *limit* + 1 objects, newest first: older than *after*, or the ones just newer than *before*."""
        kind = {Intent: "intent", Refund: "refund", Event: "event"}[shape]
        where: list[str] = ["kind=?"]
        values: list[object] = [kind]
        if of:
            where.append("of=?")
            values.append(of)
        for cursor, sign in ((after, "<"), (before, ">")):
            if cursor:
                if self._row(kind, cursor) is None:
                    raise not_found(NOUNS[kind], cursor, "starting_after" if sign == "<" else "ending_before")
                where.append(f"seq{sign}(SELECT seq FROM objects WHERE id=?)")
                values.append(cursor)
        direction = "ASC" if before else "DESC"
        found = self._book.connection.execute(
            f"SELECT document FROM objects WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT ?",
            [*values, limit + 1],
        ).fetchall()
        rows: list[T] = [msgspec.json.decode(row["document"], type=shape) for row in found]
        if not before:
            return rows
        # The page before a cursor is read towards older rows, but shown newest first: the surplus row comes last.
        return rows[:limit][::-1] + rows[limit:]

    def stored(self, key: str) -> tuple[str, int, bytes] | None:
        """Fingerprint, status and body kept under *key*."""
        row = self._book.connection.execute("SELECT * FROM keys WHERE key=?", (key,)).fetchone()
        return None if row is None else (row["fingerprint"], row["status"], bytes(row["answer"]))

    def store(self, rows: sqlite3.Connection, key: str, fingerprint: str, status: int, body: bytes) -> None:
        """Keep the answer under *key*."""
        rows.execute("INSERT INTO keys VALUES(?,?,?,?,?)", (key, fingerprint, status, body, self.now()))

    def forget_keys(self, before: int) -> None:
        """Keys kept before that instant may be used anew."""
        with self._book.transaction() as rows:
            rows.execute("DELETE FROM keys WHERE at<?", (before,))

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def _row(self, kind: str, identity: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._book.connection.execute(
            "SELECT document FROM objects WHERE kind=? AND id=?", (kind, identity)
        ).fetchone()
        return row

    def _write(self, rows: sqlite3.Connection, kind: str, identity: str, of: str, document: object) -> None:
        rows.execute(
            "INSERT INTO objects VALUES(NULL,?,?,?,?) "
            "ON CONFLICT(id) DO UPDATE SET document=excluded.document, of=excluded.of",
            (kind, identity, of, msgspec.json.encode(document)),
        )
