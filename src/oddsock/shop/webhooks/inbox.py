"""The inbox: which webhook ids have had their effect here."""

import sqlite3

from oddsock.kit.clock import Clock

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks_in(id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS webhooks_in_at ON webhooks_in(at);
"""

KEPT_S = 7 * 24 * 3600.0
"""An id is kept longer than any sender tries."""


def has_come(rows: sqlite3.Connection, webhook_id: str) -> bool:
    """Whether *webhook_id* had its effect already."""
    return rows.execute("SELECT 1 FROM webhooks_in WHERE id=?", (webhook_id,)).fetchone() is not None


def keep(rows: sqlite3.Connection, webhook_id: str, clock: Clock) -> None:
    """Write that *webhook_id* has its effect; the oldest ids are forgotten."""
    now = clock.now().timestamp()
    rows.execute("INSERT INTO webhooks_in VALUES(?,?) ON CONFLICT(id) DO NOTHING", (webhook_id, now))
    rows.execute("DELETE FROM webhooks_in WHERE at<?", (now - KEPT_S,))
