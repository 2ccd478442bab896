"""The series that a store of metrics holds, in memory: found by metric, host and tags, counted against a limit."""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from oddsock.kit.clock import Clock
from oddsock.kit.errors import OddsockError

Key = tuple[str, str, tuple[str, ...]]
"""Metric, host, sorted tags: what makes a series."""

ACTIVE_S = 3600.0
"""A series is active for so long after its last write, in plan seconds."""
KEPT_PER_ACTIVE = 10
"""So many times the limit of active series is kept in all, silent ones with them."""
RECOUNT_S = 1.0
NEVER_S = 1 << 62


class SeriesLimit(OddsockError):
    """New series were refused, *refused* of them; what belongs to known series was kept, *stored* points of it."""

    def __init__(self, series_max: int, refused: int, stored: int, example: Key) -> None:
        super().__init__(
            f"SeriesLimit: {series_max} metric series are active, {refused} new ones were refused, such as {example[0]}"
            f"{{{','.join(example[2])}}}.",
            "Send fewer tags of many values, or raise series_max.",
        )
        self.refused = refused
        self.stored = stored


@dataclass(slots=True)
class Series:
    """One series: the instants of its first and newest points, *kind* and *interval_s* as last written."""

    id: int
    metric: str
    host: str
    tags: tuple[str, ...]
    kind: str
    interval_s: int
    first_s: int = NEVER_S
    last_s: int = 0
    written_at: float = float("-inf")

    @property
    def all_tags(self) -> tuple[str, ...]:
        """The tags, and the host as a tag."""
        return (*self.tags, f"host:{self.host}") if self.host else self.tags


class Index:
    """All series of one store; its owner takes care of the threads."""

    def __init__(self, series_max: int, clock: Clock) -> None:
        self._max = series_max
        self._clock = clock
        self._by_key: dict[Key, Series] = {}
        self._by_metric: dict[str, list[Series]] = {}
        self._by_id: dict[int, Series] = {}
        self._active = 0
        self._counted_at = float("-inf")
        self.next_id = 1

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the table of series and the newest instant of each in the chunks."""
        rows = connection.execute(
            "SELECT s.id, s.metric, s.host, s.tags, s.kind, s.interval_s,"
            " (SELECT min(from_s) FROM chunks WHERE series = s.id), (SELECT max(to_s) FROM chunks WHERE series = s.id)"
            " FROM series s ORDER BY s.id"
        )
        for sid, metric, host, tags, kind, interval_s, first_s, last_s in rows:
            decoded = msgspec.json.decode(tags, type=tuple[str, ...])
            first_s = NEVER_S if first_s is None else first_s
            self.add([Series(sid, metric, host, decoded, kind, interval_s, first_s, last_s or 0)])

    def add(self, fresh: Iterable[Series]) -> None:
        """Take new series in."""
        for series in fresh:
            self._by_key[series.metric, series.host, series.tags] = series
            self._by_metric.setdefault(series.metric, []).append(series)
            self._by_id[series.id] = series
            self.next_id = max(self.next_id, series.id + 1)
            self._active += 1

    def remove(self, gone: Iterable[Series]) -> None:
        """Forget series that have no points any more."""
        for series in gone:
            del self._by_key[series.metric, series.host, series.tags]
            del self._by_id[series.id]
            of_metric = self._by_metric[series.metric]
            of_metric.remove(series)
            if not of_metric:
                del self._by_metric[series.metric]
        self._counted_at = float("-inf")

    def find(self, key: Key) -> Series | None:
        """The series of *key*, None when it is new."""
        return self._by_key.get(key)

    def at(self, series_id: int) -> Series:
        """The series of that id."""
        return self._by_id[series_id]

    def has_room(self, fresh: int) -> bool:
        """Whether one more than *fresh* new series may be taken in; who is active is counted once a second at most."""
        now = self._clock.monotonic()
        if self._active + fresh >= self._max and now - self._counted_at >= RECOUNT_S / self._clock.speed:
            since = now - ACTIVE_S / self._clock.speed
            self._active = sum(series.written_at >= since for series in self._by_id.values())
            self._counted_at = now
        return self._active + fresh < self._max and len(self._by_id) + fresh < KEPT_PER_ACTIVE * self._max

    def refusal(self, refused: Collection[Key], stored: int) -> SeriesLimit:
        """What the sender of *refused* series is told."""
        return SeriesLimit(self._max, len(refused), stored, min(refused))

    def select(self, metric: str | None, from_s: int) -> list[Series]:
        """The series of *metric*, or all, with a point at *from_s* or later."""
        among: Iterable[Series] = self._by_id.values() if metric is None else self._by_metric.get(metric, ())
        return [series for series in among if series.last_s >= from_s]

    def names(self, from_s: int) -> list[str]:
        """The metrics with a point at *from_s* or later, sorted."""
        return sorted(
            metric for metric, among in self._by_metric.items() if any(series.last_s >= from_s for series in among)
        )

    def older_than(self, at_s: int) -> list[Series]:
        """The series whose newest point is before *at_s*."""
        return [series for series in self._by_id.values() if series.last_s < at_s]
