"""The event stream: events in the order of their instants, durable when `append` returns, found by a predicate.

An event is searched as if it were a log (`as_log`), so that one query language serves both.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from oddsock.kit.sqlite import Book
from oddsock.telemetry.records import Event, Log

SCHEMA = "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, body BLOB NOT NULL);"

SEQUENCE_BITS = 20
"""An id is at_ms << 20 | sequence: so many events may share a millisecond."""

PAGE_MAX = 1000
"""How many events one answer holds at most, as Datadog says."""

READ_AT_ONCE = 500

_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Event)


class EventStore:
    """The events of one store, written by this process, read beside it by threads of their own."""

    def __init__(self, book: Book, path: Path) -> None:
        self._book = book
        self._path = path

    @classmethod
    def open(cls, path: Path) -> "EventStore":
        """Open or make the file at *path*; CannotRun when another process owns it or the disk is full."""
        return cls(Book.open(path, SCHEMA), path)

    def close(self) -> None:
        """Let the file go."""
        self._book.close()

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Keep *events* in one durable transaction and return them with their ids."""
        kept: list[Event] = []
        with self._book.transaction() as connection:
            for event in events:
                first = event.at_ms << SEQUENCE_BITS
                row = connection.execute(
                    "SELECT max(id) FROM events WHERE id >= ? AND id < ?", (first, first + (1 << SEQUENCE_BITS))
                ).fetchone()
                numbered = msgspec.structs.replace(event, id=first if row[0] is None else row[0] + 1)
                connection.execute(
                    "INSERT INTO events (id, body) VALUES (?, ?)", (numbered.id, _ENCODER.encode(numbered))
                )
                kept.append(numbered)
        return kept

    def get(self, event_id: int) -> Event | None:
        """One event, None when there is none."""
        if not 0 <= event_id < 1 << 63:
            return None
        row = self._book.connection.execute("SELECT body FROM events WHERE id = ?", (event_id,)).fetchone()
        return _DECODER.decode(row["body"]) if row else None

    async def search(
        self,
        matches: Callable[[Event], bool],
        from_ms: int,
        to_ms: int,
        limit: int = PAGE_MAX,
        newest_first: bool = True,
        after: int | None = None,
    ) -> list[Event]:
        """At most *limit* events from *from_ms* up to before *to_ms* that match, behind the one with id *after*."""
        return await asyncio.to_thread(self._scan, matches, from_ms, to_ms, limit, newest_first, after)

    async def count(self, matches: Callable[[Event], bool], from_ms: int, to_ms: int) -> int:
        """How many events from *from_ms* up to before *to_ms* match."""
        return await asyncio.to_thread(self._count, matches, from_ms, to_ms)

    def forget_before(self, at_ms: int) -> int:
        """Take away what is older than *at_ms* and return how many that were."""
        with self._book.transaction() as connection:
            found = connection.execute("DELETE FROM events WHERE id < ?", (at_ms << SEQUENCE_BITS,))
        return found.rowcount

    def _scan(
        self,
        matches: Callable[[Event], bool],
        from_ms: int,
        to_ms: int,
        limit: int,
        newest_first: bool,
        after: int | None,
    ) -> list[Event]:
        found: list[Event] = []
        if limit <= 0:
            return found
        for event in self._read(from_ms, to_ms, newest_first, after):
            if matches(event):
                found.append(event)
                if len(found) == limit:
                    break
        return found

    def _count(self, matches: Callable[[Event], bool], from_ms: int, to_ms: int) -> int:
        return sum(1 for event in self._read(from_ms, to_ms, True, None) if matches(event))

    def _read(self, from_ms: int, to_ms: int, newest_first: bool, after: int | None) -> Iterator[Event]:
        low, high = max(0, from_ms) << SEQUENCE_BITS, min(max(0, to_ms), 1 << 42) << SEQUENCE_BITS
        if after is not None and newest_first:
            high = min(high, after)
        elif after is not None:
            low = max(low, after + 1)
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT body FROM events WHERE id >= ? AND id < ? ORDER BY id {order}"
        # A connection of the reading thread's own: the owner's belongs to the event loop and may be writing.
        with closing(sqlite3.connect(self._path, isolation_level=None)) as reader:
            rows = reader.execute(query, (min(low, 1 << 62), min(high, 1 << 62)))
            while some := rows.fetchmany(READ_AT_ONCE):
                for (body,) in some:
                    yield _DECODER.decode(body)


def as_log(event: Event) -> Log:
    """The event as the query language sees it: title and text are its message, its alert type is its status.

    Beside its own tags it has `priority:` and `aggregation_key:`, as Datadog's event search has; what else it was
    posted with is found as attributes (`@evt.id`, `@title`, ...).
    """
    facets = (f"priority:{event.priority}", *_keyed("aggregation_key", event.aggregation_key))
    service = next((tag.partition(":")[2] for tag in event.tags if tag.startswith("service:")), "")
    return Log(
        id=event.id,
        at_ms=event.at_ms,
        message=f"{event.title}\n{event.text}",
        status=event.alert_type,
        service=service,
        host=event.host,
        source=event.source,
        tags=(*event.tags, *facets),
        attributes={**event.attributes, "title": event.title, "evt": {"id": str(event.id), "name": event.title}},
    )


def _keyed(key: str, value: str) -> tuple[str, ...]:
    return (f"{key}:{value}",) if value else ()
