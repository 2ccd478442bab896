"""The store of metrics: one SQLite file (WAL, synchronous=FULL), one thread that writes, readers beside it.

A written point goes to the journal and is durable when `write` returns; it is found from then on. The journal is kept
in `SLICES` parts by series; a part that holds some `POINTS_PACKED` points a series is packed into chunks, one part a
write at most, so that no flush waits for all series to be packed. A point may be late or out of order. A point of an
instant that has one already takes its place, whatever its kind: a batch that was shipped twice counts once, so counts
of one instant have to be added up by their sender, or told apart by a tag.

Readers share the file: another process may open it read-only while this one writes.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun, OddsockError, UsageError
from oddsock.kit.sqlite import Book
from oddsock.telemetry.records import Point
from oddsock.telemetry.store.metrics_chunks import (
    Head,
    Points,
    merge,
    pack_chunk,
    pack_entry,
    unpack_chunk,
    unpack_entry,
)
from oddsock.telemetry.store.metrics_index import Index, Key, Series, SeriesLimit

log = logging.getLogger(__name__)

SLICES = 32
POINTS_PACKED = 120
ENTRIES_MAX = 4_000
"""A part of the journal with so many entries is packed, however few points they hold."""
WRITES_WAITING_MAX = 256
READERS = 4
CHUNKS_MAX = 50_000
"""One question reads so many chunks at most: two hours of 10,000 series ask for 40,000."""
CHUNKS_ASKED = "FROM chunks WHERE series IN (SELECT value FROM json_each(?)) AND to_s >= ? AND from_s <= ?"
READ_WAIT_S_MAX = 30.0
SWEEP_S = 60.0
"""How often what is past retention is looked for, in plan seconds."""
SWEEP_CHUNKS = 500
TELL_S = 10.0
"""Refused series are told of in the log so often at most, in wall seconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, metric TEXT NOT NULL, host TEXT NOT NULL, tags TEXT NOT NULL,
  kind TEXT NOT NULL, interval_s INTEGER NOT NULL, UNIQUE (metric, host, tags)
);
CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, slice INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS journal_by_slice ON journal (slice);
CREATE TABLE IF NOT EXISTS chunks (
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS chunks_by_series ON chunks (series, to_s);
CREATE INDEX IF NOT EXISTS chunks_by_end ON chunks (to_s);
CREATE TABLE IF NOT EXISTS metadata (metric TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


class TooMuch(UsageError):
    """A question would have to read more points than one may."""


class Busy(OddsockError):
    """More writes wait than may wait; the sender tries again."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a store of metrics holds at most: active series, seconds of retention, the smallest bucket of an answer.

    *bucket_s_min* 0 means Datadog's 20 s divided by the clock's speed, never below 1 s: a drill at speed 30 is over in
    seconds, and its answers come in buckets of one second.
    """

    series_max: int = 20_000
    retention_s: int = 15 * 86_400
    bucket_s_min: int = 0


class MetricStore:
    """The points of all series; `write` is called on the event loop, what reads may be called on any thread."""

    def __init__(self, path: Path, clock: Clock, limits: Limits) -> None:
        self.clock = clock
        self.limits = limits
        self.bucket_s_min = limits.bucket_s_min or max(1, round(20 / clock.speed))
        self._path = path
        self._index = Index(limits.series_max, clock)
        self._heads: dict[int, Head] = {}
        self._metadata: dict[str, dict[str, Any]] = {}
        self._slices: list[set[int]] = [set() for _ in range(SLICES)]
        self._fill = [[0, 0] for _ in range(SLICES)]
        self._told_at = float("-inf")
        self._lock = threading.Lock()
        self._waiting = 0
        self._swept_at = clock.monotonic()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="metrics-writer")
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(READERS)

    @classmethod
    def open(cls, path: Path, clock: Clock, limits: Limits | None = None) -> "MetricStore":
        """Open or make the file at *path*; CannotRun when another process owns it or the disk is full."""
        store = cls(path, clock, limits or Limits())
        try:
            store._writer.submit(store._begin).result()
        except CannotRun:
            store._writer.shutdown()
            raise
        return store

    def close(self) -> None:
        """Finish what is being written and let the file go."""
        self._writer.submit(self._end).result()
        self._writer.shutdown()

    async def write(self, points: Sequence[Point]) -> None:
        """Keep *points*, durable on return; Busy when too much waits, SeriesLimit when series were refused, CannotRun
        when the disk takes no more.

        What belongs to series that are held already is kept even when SeriesLimit is raised.
        """
        if self._waiting >= WRITES_WAITING_MAX:
            raise Busy(f"{self._waiting} writes of metrics wait for the disk.", "Send them again in a while.")
        self._waiting += 1
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._write, points)
        except sqlite3.OperationalError as cause:
            raise CannotRun(f"Points cannot be kept in {self._path.name}: {cause}.", "Check the disk.") from cause
        finally:
            self._waiting -= 1

    def series(self, metric: str | None = None, from_s: int = 0) -> list[Series]:
        """Every series of *metric* (of all when None) that has a point at *from_s* or later, oldest series first."""
        with self._lock:
            return self._index.select(metric, from_s)

    def names(self, from_s: int = 0) -> list[str]:
        """The metrics that have a point at *from_s* or later, sorted."""
        with self._lock:
            return self._index.names(from_s)

    def points(self, series: Sequence[Series], from_s: int, to_s: int) -> list[Points]:
        """The points of each of *series* from *from_s* to *to_s*, both included; TooMuch when they are too many."""
        # Heads before chunks: what is packed in between is then seen twice, never missed.
        with self._lock:
            heads = [head.between(from_s, to_s) if (head := self._heads.get(one.id)) else None for one in series]
        found: dict[int, list[Points]] = {}
        with self._reader() as connection:
            asked = (msgspec.json.encode([one.id for one in series]).decode(), from_s, to_s)
            (count,) = connection.execute(f"SELECT count(*) {CHUNKS_ASKED}", asked).fetchone()
            if count > CHUNKS_MAX:
                raise TooMuch(
                    f"{len(series)} series over {to_s - from_s} s are some {count * POINTS_PACKED} points,"
                    f" {CHUNKS_MAX * POINTS_PACKED} the most.",
                    "Ask for a shorter range or fewer series.",
                )
            rows = connection.execute(f"SELECT series, from_s, to_s, body {CHUNKS_ASKED} ORDER BY id", asked)
            for sid, first_s, last_s, body in rows:
                points = unpack_chunk(body)
                if first_s < from_s or last_s > to_s:
                    points = _cut(points, from_s, to_s)
                found.setdefault(sid, []).append(points)
        return [
            merge([*found.get(one.id, ()), *([head] if head else [])]) for one, head in zip(series, heads, strict=True)
        ]

    def metadata(self, metric: str) -> dict[str, Any]:
        """What was put about *metric*: description, unit and so on; empty when nothing was."""
        return self._metadata.get(metric, {})

    async def put_metadata(self, metric: str, body: dict[str, Any]) -> None:
        """Keep *body* about *metric*, in the place of what was kept before."""
        row = (metric, msgspec.json.encode(body).decode())

        def put() -> None:
            with self._book.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO metadata (metric, body) VALUES (?, ?)", row)

        await asyncio.get_running_loop().run_in_executor(self._writer, put)
        self._metadata[metric] = body

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._readers.get(timeout=READ_WAIT_S_MAX)
        except queue.Empty:
            raise Busy("Every reader of metrics is at work.", "Ask again in a while.") from None
        try:
            yield connection
        finally:
            self._readers.put(connection)

    # What follows runs on the writer's thread.

    def _begin(self) -> None:
        self._book = Book.open(self._path, SCHEMA)
        connection = self._book.connection
        self._index.load(connection)
        for slice_, body in connection.execute("SELECT slice, body FROM journal ORDER BY id"):
            self._apply(slice_, *unpack_entry(body))
        for metric, body in connection.execute("SELECT metric, body FROM metadata"):
            self._metadata[metric] = msgspec.json.decode(body, type=dict[str, Any])
        for _ in range(READERS):
            reader = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, check_same_thread=False)
            self._readers.put(reader)

    def _end(self) -> None:
        for _ in range(READERS):
            self._readers.get(timeout=READ_WAIT_S_MAX).close()
        self._book.close()

    def _write(self, points: Sequence[Point]) -> None:
        entries: dict[int, tuple[list[int], list[int], list[float]]] = {}
        fresh: dict[Key, Series] = {}
        changed: dict[int, tuple[str, int, int]] = {}
        refused: set[Key] = set()
        for point in points:
            key = (point.metric, point.host, tuple(sorted(set(point.tags))))
            series = self._index.find(key) or fresh.get(key)
            if series is None:
                if not self._index.has_room(len(fresh)):
                    refused.add(key)
                    continue
                series = Series(self._index.next_id + len(fresh), *key, point.kind, point.interval_s)
                fresh[key] = series
            elif (series.kind, series.interval_s) != (point.kind, point.interval_s):
                changed[series.id] = (point.kind, point.interval_s, series.id)
            ids, instants, values = entries.setdefault(series.id % SLICES, ([], [], []))
            ids.append(series.id)
            instants.append(point.at_s)
            values.append(point.value)
        with self._book.transaction() as connection:
            connection.executemany(
                "INSERT INTO series (id, metric, host, tags, kind, interval_s) VALUES (?, ?, ?, ?, ?, ?)",
                [_row(series) for series in fresh.values()],
            )
            connection.executemany("UPDATE series SET kind = ?, interval_s = ? WHERE id = ?", changed.values())
            connection.executemany(
                "INSERT INTO journal (slice, body) VALUES (?, ?)",
                [(part, pack_entry(*entry)) for part, entry in entries.items()],
            )
        with self._lock:
            self._index.add(fresh.values())
            for kind, interval_s, series_id in changed.values():
                series = self._index.at(series_id)
                series.kind, series.interval_s = kind, interval_s
            for part, entry in entries.items():
                self._apply(part, *entry)
        self._pack_fullest()
        self._sweep()
        if refused:
            raise self._refuse(refused, sum(len(entry[0]) for entry in entries.values()))

    def _apply(self, part: int, ids: Iterable[int], instants: Iterable[int], values: Iterable[float]) -> None:
        now = self.clock.monotonic()
        fill = self._fill[part]
        fill[0] += 1
        for series_id, at_s, value in zip(ids, instants, values, strict=True):
            head = self._heads.get(series_id)
            if head is None:
                head = self._heads[series_id] = Head()
                self._slices[part].add(series_id)
            head.put(at_s, value)
            series = self._index.at(series_id)
            series.written_at = now
            series.first_s = min(series.first_s, at_s)
            series.last_s = max(series.last_s, at_s)
            fill[1] += 1

    def _pack_fullest(self) -> None:
        for fills in (1, 0):
            part = max(range(SLICES), key=lambda part: self._fill[part][fills])
            limit = POINTS_PACKED * max(1, len(self._slices[part])) if fills else ENTRIES_MAX
            if self._fill[part][fills] >= limit:
                self._pack(part)
                return

    def _pack(self, part: int) -> None:
        packed = sorted(self._slices[part])
        rows = []
        for series_id in packed:
            head = self._heads[series_id]
            rows.append((series_id, head.at[0], head.at[-1], pack_chunk((head.at, head.values))))
        with self._book.transaction() as connection:
            connection.executemany("INSERT INTO chunks (series, from_s, to_s, body) VALUES (?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM journal WHERE slice = ?", (part,))
        with self._lock:
            for series_id in packed:
                del self._heads[series_id]
            self._slices[part].clear()
            self._fill[part] = [0, 0]

    def _refuse(self, refused: set[Key], stored: int) -> SeriesLimit:
        refusal = self._index.refusal(refused, stored)
        now = self.clock.monotonic()
        if now - self._told_at >= TELL_S:
            self._told_at = now
            log.warning(refusal.sentence, extra={"fields": {"event": "series_limit", "refused": refusal.refused}})
        return refusal

    def _sweep(self) -> None:
        now = self.clock.monotonic()
        if now - self._swept_at < SWEEP_S / self.clock.speed:
            return
        self._swept_at = now
        end_s = int(self.clock.now().timestamp()) - self.limits.retention_s
        with self._lock:
            gone = [series for series in self._index.older_than(end_s) if series.id not in self._heads][:SWEEP_CHUNKS]
        with self._book.transaction() as connection:
            connection.execute(
                "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE to_s < ? LIMIT ?)", (end_s, SWEEP_CHUNKS)
            )
            connection.executemany("DELETE FROM chunks WHERE series = ?", [(series.id,) for series in gone])
            connection.executemany("DELETE FROM series WHERE id = ?", [(series.id,) for series in gone])
        with self._lock:
            self._index.remove(gone)


def _row(series: Series) -> tuple[int, str, str, str, str, int]:
    tags = msgspec.json.encode(series.tags).decode()
    return series.id, series.metric, series.host, tags, series.kind, series.interval_s


def _cut(points: Points, from_s: int, to_s: int) -> Points:
    at, values = points
    low, high = bisect_left(at, from_s), bisect_right(at, to_s)
    return at[low:high], values[low:high]
