"""The outbox: what is to be told to another service, written in the transaction of the deed that it tells.

A row is waiting until somebody took it, or dead after its last attempt; the rows of a dead process wait for the next.
"""

import asyncio
import random
import sqlite3
from dataclasses import dataclass

import msgspec

from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks_out(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, created_at TEXT NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL, last_error TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS webhooks_waiting ON webhooks_out(next_at) WHERE state='waiting';
"""

ATTEMPTS_MAX = 30
BACKOFF_PLAN_S = 0.5
BACKOFF_PLAN_S_MAX = 60.0
ROWS_MAX = 100
"""How many rows are read at once."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One row: what is sent under *id*, and how often that was tried."""

    id: str
    body: str
    attempts: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A row as `GET /webhooks` shows it."""

    seq: int
    id: str
    state: str
    attempts: int
    created_at: str
    last_error: str


def backoff_plan_s(attempts: int, chance: float) -> float:
    """How long to wait after *attempts* attempts, in plan seconds: full jitter, *chance* from 0 to 1.

    >>> backoff_plan_s(1, 1.0), backoff_plan_s(3, 0.5), backoff_plan_s(20, 1.0)
    (0.5, 1.0, 60.0)
    """
    return min(BACKOFF_PLAN_S_MAX, BACKOFF_PLAN_S * 2.0 ** (attempts - 1)) * chance


class Outbox:
    """The rows of one book; `changed` is set whenever one was put in."""

    def __init__(self, book: Book, clock: Clock, chance: random.Random | None = None) -> None:
        self._book = book
        self._clock = clock
        self._chance = chance or random.Random()
        self.changed = asyncio.Event()

    def put(self, rows: sqlite3.Connection, webhook_id: str, body: str) -> None:
        """Write that *body* is to be told, once for each id; the caller holds the transaction of the deed."""
        now = self._clock.now()
        rows.execute(
            "INSERT INTO webhooks_out VALUES(NULL,?,?,?,'waiting',0,?,'') ON CONFLICT(id) DO NOTHING",
            (webhook_id, body, iso(now), now.timestamp()),
        )
        self.changed.set()

    def due(self) -> list[Webhook]:
        """The rows whose time has come, at most ROWS_MAX of them, oldest first."""
        found = self._book.connection.execute(
            "SELECT id, body, attempts FROM webhooks_out WHERE state='waiting' AND next_at<=? ORDER BY seq LIMIT ?",
            (self._clock.now().timestamp(), ROWS_MAX),
        )
        return [Webhook(*row) for row in found]

    def waiting(self) -> int:
        """How many rows nobody has taken yet."""
        row = self._book.connection.execute("SELECT COUNT(*) FROM webhooks_out WHERE state='waiting'").fetchone()
        return int(row[0])

    def mark_taken(self, webhook: Webhook) -> None:
        """The other side has it."""
        self._write(webhook, "taken", 0.0, "")

    def mark_failed(self, webhook: Webhook, error: str) -> None:
        """Try again later, or never when that was the last attempt."""
        tried = webhook.attempts + 1
        wait_wall_s = backoff_plan_s(tried, self._chance.uniform(0.5, 1.0)) / self._clock.speed
        state = "dead" if tried >= ATTEMPTS_MAX else "waiting"
        self._write(webhook, state, self._clock.now().timestamp() + wait_wall_s, error)

    def page(self, after: int, rows_max: int) -> list[Letter]:
        """Up to *rows_max* rows behind seq *after*."""
        found = self._book.connection.execute(
            "SELECT seq, id, state, attempts, created_at, last_error FROM webhooks_out "
            "WHERE seq>? ORDER BY seq LIMIT ?",
            (after, rows_max),
        )
        return [msgspec.convert(dict(row), Letter) for row in found]

    def _write(self, webhook: Webhook, state: str, next_at: float, error: str) -> None:
        with self._book.transaction() as rows:
            rows.execute(
                "UPDATE webhooks_out SET state=?, attempts=?, next_at=?, last_error=? WHERE id=?",
                (state, webhook.attempts + 1, next_at, error, webhook.id),
            )
