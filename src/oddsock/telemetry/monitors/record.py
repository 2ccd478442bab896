"""What monitors did, on disk: the state of every group, every transition, every message owed or sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from oddsock.kit.sqlite import Book
from oddsock.telemetry.monitors.states import GroupState, Transition

SCHEMA = """
CREATE TABLE IF NOT EXISTS states (
  monitor INTEGER NOT NULL, grp TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (monitor, grp)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, monitor INTEGER NOT NULL, at_ms INTEGER NOT NULL, event INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS transitions_of_monitor ON transitions (monitor, id);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, transition INTEGER NOT NULL, channel TEXT NOT NULL, target TEXT NOT NULL,
  body BLOB NOT NULL, made_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS messages_due ON messages (due_ms) WHERE outcome = '';
CREATE INDEX IF NOT EXISTS messages_of_transition ON messages (transition);
"""

HISTORY_MAX = 1000
"""How many transitions one answer holds."""

_ENCODER = msgspec.json.Encoder()
_STATE, _TRANSITION = msgspec.json.Decoder(GroupState), msgspec.json.Decoder(Transition)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be told to somebody: *channel* is webhook or mail, *body* what the channel carries.

    *outcome* is empty while it is owed, `sent`, or why it was not.
    """

    id: int = 0
    channel: str
    target: str
    body: dict[str, Any]
    made_ms: int = 0
    tries: int = 0
    outcome: str = ""


class Record:
    """The file of the monitors' doings; every change is durable when it returns."""

    def __init__(self, book: Book) -> None:
        self._book = book

    @classmethod
    def open(cls, path: Path) -> "Record":
        """Open or make the file at *path*; CannotRun when another process owns it or the disk is full."""
        return cls(Book.open(path, SCHEMA))

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def states(self) -> dict[int, dict[str, GroupState]]:
        """The groups of every monitor."""
        found: dict[int, dict[str, GroupState]] = {}
        for row in self._book.connection.execute("SELECT * FROM states"):
            found.setdefault(row["monitor"], {})[row["grp"]] = _STATE.decode(row["body"])
        return found

    def note(
        self, state: GroupState, transition: Transition, event_id: int = 0, messages: Sequence[Message] = ()
    ) -> None:
        """Keep a transition, the state it led to and the messages it owes, all or nothing; *event_id* 0 is no event."""
        with self._book.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO states (monitor, grp, body) VALUES (?, ?, ?)",
                (transition.monitor_id, state.group, _ENCODER.encode(state)),
            )
            made = connection.execute(
                "INSERT INTO transitions (monitor, at_ms, event, body) VALUES (?, ?, ?, ?)",
                (transition.monitor_id, transition.at_ms, event_id, _ENCODER.encode(transition)),
            )
            connection.executemany(
                "INSERT INTO messages (transition, channel, target, body, made_ms, due_ms, outcome)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (made.lastrowid, m.channel, m.target, _ENCODER.encode(m.body), m.made_ms, m.made_ms, m.outcome)
                    for m in messages
                ],
            )

    def forget(self, monitor_id: int, group: str | None = None) -> None:
        """Take away the states of a monitor, of one *group* when given; what happened stays told."""
        with self._book.transaction() as connection:
            if group is None:
                connection.execute("DELETE FROM states WHERE monitor = ?", (monitor_id,))
            else:
                connection.execute("DELETE FROM states WHERE monitor = ? AND grp = ?", (monitor_id, group))

    def forget_before(self, at_ms: int) -> int:
        """Take away transitions older than *at_ms* and their messages; returns how many transitions that were."""
        with self._book.transaction() as connection:
            found = connection.execute("DELETE FROM transitions WHERE at_ms < ?", (at_ms,))
            connection.execute("DELETE FROM messages WHERE transition NOT IN (SELECT id FROM transitions)")
        return found.rowcount

    def history(self, monitor_id: int, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """The newest *limit* transitions of a monitor, behind the one with id *before* when given.

        Each row: id, event_id, transition (`Transition`), messages (list of `Message`).
        """
        rows = self._book.connection.execute(
            "SELECT * FROM transitions WHERE monitor = ? AND id < ? ORDER BY id DESC LIMIT ?",
            (monitor_id, before if before is not None else 1 << 62, min(limit, HISTORY_MAX)),
        ).fetchall()
        return [
            {
                "id": row["id"],
                "event_id": row["event"],
                "transition": _TRANSITION.decode(row["body"]),
                "messages": self._messages("WHERE transition = ? ORDER BY id", row["id"]),
            }
            for row in rows
        ]

    def due(self, now_ms: int, limit: int) -> list[Message]:
        """At most *limit* messages that are owed and may be tried now, longest due first."""
        return self._messages("WHERE outcome = '' AND due_ms <= ? ORDER BY due_ms LIMIT ?", now_ms, limit)

    def owed(self) -> int:
        """How many messages are owed."""
        found = self._book.connection.execute("SELECT count(*) FROM messages WHERE outcome = ''").fetchone()
        return int(found[0])

    def settle(self, message_id: int, tries: int, outcome: str, due_ms: int = 0) -> None:
        """Note that a message was tried: an empty *outcome* leaves it owed until *due_ms*."""
        with self._book.transaction() as connection:
            connection.execute(
                "UPDATE messages SET tries = ?, outcome = ?, due_ms = ? WHERE id = ?",
                (tries, outcome, due_ms, message_id),
            )

    def _messages(self, where: str, *values: int) -> list[Message]:
        rows = self._book.connection.execute(f"SELECT * FROM messages {where}", values)
        return [
            Message(
                id=row["id"],
                channel=row["channel"],
                target=row["target"],
                body=msgspec.json.decode(row["body"]),
                made_ms=row["made_ms"],
                tries=row["tries"],
                outcome=row["outcome"],
            )
            for row in rows
        ]
