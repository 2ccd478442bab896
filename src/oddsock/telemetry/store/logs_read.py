"""Reading one file of logs: which way SQLite takes to the rows is decided here, not left to its planner.

words     the full-text index finds the rows, the table is looked up by id
stream    few logs in the streams asked for: their index finds the rows, which are sorted then
trace     one trace: its index finds the rows
time      the table in order of time, until there are enough rows

`+` before a column forbids an index on it, CROSS JOIN fixes the order of a join: with the index of streams in the place
of the full-text index a phrase took 400 times as long (measured on 50,000 logs).
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import msgspec

from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun
from oddsock.telemetry.query.log_sql import SEQUENCE_BITS, Plan, listed, plan
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs_day import MINUTE_MS, DayFile

Way: TypeAlias = Literal["words", "trace", "stream", "time"]

SEARCH_S_MAX = 30.0
"""Wall seconds after which a search is given up."""

STEPS_BETWEEN_LOOKS = 20_000
SORTED_ROWS_MAX = 50_000
WINDOW_ROWS = 20_000
"""A search with subqueries looks at this many logs first, then at eight times as many, and so on."""

COLUMNS = "l.id, l.stream, l.status, l.trace_id, l.message, l.attributes"


class Reading:
    """A search in one file while it runs: the connection knows its tests and gives up in time."""

    def __init__(self, day: DayFile, connection: sqlite3.Connection, search: Search) -> None:
        self.day = day
        self.plan = plan(search.root, day.streams)
        self._connection = connection
        self._statuses = day.streams.statuses()

    def execute(self, sql: str, low: int, high: int, **more: Any) -> sqlite3.Cursor:
        """Run *sql* with the plan's parameters and the least and greatest id."""
        return self._connection.execute(sql, {**self.plan.parameters, "low": low, "high": high, **more})

    def source(self, way: Way | None = None) -> str:
        """FROM and WHERE for the rows of the plan between :low and :high."""
        made = self.plan
        way = way or self.way(None)
        parts = list(made.conditions)
        plus = "" if way == "stream" else "+"
        if way == "stream":
            statuses = made.statuses if made.statuses is not None else self.day.streams.statuses().keys()
            parts.append(f"l.status IN ({listed(statuses)})")
        elif made.statuses is not None:
            parts.append(f"+l.status IN ({listed(made.statuses)})")
        if made.streams is not None:
            parts.append(f"{plus}l.stream IN ({listed(made.streams)})")
        if way == "words":
            parts = ["w.words MATCH :words", "w.rowid BETWEEN :low AND :high", *parts]
            return f"FROM words w CROSS JOIN logs l ON l.id = w.rowid WHERE {' AND '.join(parts)}"
        indexed = {"stream": "INDEXED BY logs_by_stream", "trace": "INDEXED BY logs_by_trace"}.get(way, "NOT INDEXED")
        return f"FROM logs l {indexed} WHERE {' AND '.join(['l.id BETWEEN :low AND :high', *parts])}"

    def way(self, limit: int | None) -> Way:
        """How the rows are reached; *limit* is how many are wanted, None for all."""
        if self.plan.words is not None:
            return "words"
        if self.plan.is_traced:
            return "trace"
        if self.plan.streams is None:
            return "time"
        counts = self.day.streams.counts
        total = sum(counts.values())
        wanted = sum(
            n
            for (stream, status), n in list(counts.items())
            if stream in self.plan.streams and (self.plan.statuses is None or status in self.plan.statuses)
        )
        scanned = total if limit is None or self.plan.conditions else min(total, limit * total / max(1, wanted))
        return "stream" if wanted <= SORTED_ROWS_MAX and 3 * wanted < scanned else "time"

    def rows(self, low: int, high: int, limit: int, newest_first: bool) -> list[tuple[Any, ...]]:
        """At most *limit* rows of COLUMNS with ids from *low* to *high*, in order of id."""
        if self.plan.is_empty or low > high:
            return []
        way = self.way(limit)
        driver = "w.rowid" if way == "words" else "l.id"
        order = f"ORDER BY {driver} {'DESC' if newest_first else 'ASC'} LIMIT :limit"
        sql = f"SELECT {COLUMNS} {self.source(way)} {order}"
        found: list[tuple[Any, ...]] = []
        for first, last in self._windows(low, high, newest_first):
            wanted = {"limit": limit - len(found), "words": self.plan.words}
            found += self.execute(sql, first, last, **wanted).fetchall()
            if len(found) >= limit:
                break
        return found

    def _windows(self, low: int, high: int, newest_first: bool) -> Iterator[tuple[int, int]]:
        """The range, cut at minutes when a subquery would otherwise look at all of it for a handful of rows."""
        if not self.plan.has_subquery:
            yield low, high
            return
        unit = MINUTE_MS << SEQUENCE_BITS
        minutes = self._connection.execute(
            "SELECT minute, SUM(n) FROM minutes_of_all WHERE minute BETWEEN ? AND ? GROUP BY minute",
            (low // unit, high // unit),
        ).fetchall()
        seen, size = 0, WINDOW_ROWS
        edge = high if newest_first else low
        for minute, n in reversed(minutes) if newest_first else minutes:
            seen += n
            if seen >= size:
                cut = minute * unit if newest_first else (minute + 1) * unit - 1
                if low < cut < high:
                    yield (cut, edge) if newest_first else (edge, cut)
                    edge = cut - 1 if newest_first else cut + 1
                seen, size = 0, size * 8
        yield (low, edge) if newest_first else (edge, high)

    def log(self, row: tuple[Any, ...]) -> Log:
        """A row of COLUMNS as a log."""
        log_id, stream, status, trace_id, message, attributes = row
        service, host, source, tags = self.day.streams.stream(stream)
        return Log(
            id=log_id,
            at_ms=log_id >> SEQUENCE_BITS,
            message=message,
            status=self._statuses.get(status) or self.day.streams.statuses()[status],
            service=service,
            host=host,
            source=source,
            trace_id=trace_id or "",
            tags=tags,
            attributes=msgspec.json.decode(attributes) if attributes else {},
        )


@contextmanager
def reading(day: DayFile, search: Search, clock: Clock) -> Iterator[Reading]:
    """A search in *day*, with a connection of its own; CannotRun when it takes longer than SEARCH_S_MAX."""
    with day.reader() as connection:
        current = Reading(day, connection, search)
        connection.create_function("fits", -1, _asking(current.plan), deterministic=True)
        end = clock.monotonic() + SEARCH_S_MAX
        connection.set_progress_handler(lambda: clock.monotonic() > end, STEPS_BETWEEN_LOOKS)
        try:
            yield current
        except sqlite3.OperationalError as cause:
            if "interrupted" not in str(cause):
                raise CannotRun(f"The logs in {day.path} cannot be read: {cause}.") from cause
            raise CannotRun(
                f"The search took longer than {SEARCH_S_MAX:.0f} s.", "Narrow the time range, or add a service."
            ) from cause
        finally:
            connection.set_progress_handler(None, 0)


def _asking(made: Plan) -> Callable[..., bool]:
    tests = made.tests

    def fits(number: int, *values: Any) -> bool:
        return tests[number](*values)

    return fits
