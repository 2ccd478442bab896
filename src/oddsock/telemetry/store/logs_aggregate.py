"""Aggregations of logs: counted by SQLite in rows of (columns, steps of time, how many), put together here.

Whatever streams and statuses decide is counted from the roll-up for whole minutes and from the logs at the two ends.
Rows of several files are put into the same tallies, so days need no second pass.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

import msgspec

from oddsock.kit.errors import UsageError
from oddsock.telemetry.query.log_sql import SEQUENCE_BITS, VALUES, listed
from oddsock.telemetry.query.log_values import Scalar, number, path_key, shown
from oddsock.telemetry.store.aggregates import Aggregation, Bucket, Compute, Group, Series, Value
from oddsock.telemetry.store.logs_day import MINUTE_MS
from oddsock.telemetry.store.logs_read import Reading

Key: TypeAlias = tuple[str | float, ...]

TALLIES_MAX = 200_000
"""More groups, times steps of time, than this are refused: nobody reads them, and memory is not for them."""

ROWS_KEPT_MAX = 10_000
_FRACTIONS = {"median": 0.5, "pc75": 0.75, "pc90": 0.9, "pc95": 0.95, "pc98": 0.98, "pc99": 0.99}


@dataclass(slots=True)
class Tally:
    """How many logs there are in a group (and step of time), and how often each value of the measure."""

    n: int = 0
    values: dict[str | float, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count *other* in."""
        self.n += other.n
        for value, n in other.values.items():
            self.values[value] = self.values.get(value, 0) + n

    def computed(self, aggregation: Aggregation, over_logs: bool) -> Value:
        """One number; percentiles interpolate between the two nearest values."""
        if aggregation == "count":
            return self.n if over_logs else sum(self.values.values())
        if aggregation == "cardinality":
            return len(self.values)
        counted = sorted(
            (measured, n) for value, n in self.values.items() if (measured := _measured(value)) is not None
        )
        if not counted:
            return None
        if aggregation in _FRACTIONS:
            return _percentile(counted, _FRACTIONS[aggregation])
        if aggregation in ("min", "max"):
            return counted[0 if aggregation == "min" else -1][0]
        total = sum(value * n for value, n in counted)
        return total if aggregation == "sum" else total / sum(n for _, n in counted)


def _measured(value: str | float) -> float | int | None:
    return number(value) if isinstance(value, str) else value


def _percentile(counted: Sequence[tuple[float | int, int]], fraction: float) -> float:
    rank = fraction * (sum(n for _, n in counted) - 1)
    below, seen = int(rank), 0
    lower: float | None = None
    for value, n in counted:
        seen += n
        if lower is None and seen > below:
            lower = value
        if seen > below + 1 or (lower is not None and rank == below):
            assert lower is not None
            return lower + (value - lower) * (rank - below)
    return counted[-1][0]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What one statement counts: values of *metric* (None: logs) in steps of *interval_ms* (None: altogether)."""

    metric: str | None
    interval_ms: int | None


class Gathering:
    """One aggregation while the files are gone through."""

    def __init__(self, computes: Sequence[Compute], groups: Sequence[Group]) -> None:
        self._computes = computes
        self._groups = groups
        sorts = [group.sort.compute for group in groups if group.sort.compute is not None]
        wanted = [_measure(compute) for compute in computes]
        wanted += [_Measure(_metric(compute), None) for compute in sorts]
        # A series holds its total, so the total of the same metric needs no statement of its own.
        in_steps = {measure.metric for measure in wanted if measure.interval_ms is not None}
        self._tallies: dict[_Measure, dict[Key, dict[int, Tally]]] = {
            measure: {} for measure in wanted if measure.interval_ms is not None or measure.metric not in in_steps
        }
        self._size = 0

    def add(self, current: Reading, low: int, high: int) -> None:
        """Count what *current* finds between the ids *low* and *high*."""
        if current.plan.is_empty or low > high:
            return
        for measure, tallies in self._tallies.items():
            facets = [_Facet(group.facet, current) for group in self._groups]
            metric = None if measure.metric is None else _Facet(measure.metric, current)
            grouped = list(dict.fromkeys(facet.column for facet in facets))
            places = [grouped.index(facet.column) for facet in facets]
            columns = list(dict.fromkeys([*grouped, *([metric.column] if metric else [])]))
            place_of_metric = columns.index(metric.column) if metric else 0
            kept: dict[tuple[Any, ...], list[dict[int, Tally]]] = {}
            for row, step, n in _counted(current, columns, measure.interval_ms, low, high):
                group = row[: len(grouped)]
                belonging = kept.get(group)
                if belonging is None:
                    found = [facet.values(group[place]) for facet, place in zip(facets, places, strict=True)]
                    belonging = [tallies.setdefault(key, {}) for key in self._keys(found)]
                    if len(kept) < ROWS_KEPT_MAX:
                        kept[group] = belonging
                measured = metric.values(row[place_of_metric]) if metric else ()
                for steps in belonging:
                    tally = steps.get(step) or self._begin(steps, step)
                    tally.n += n
                    for value in measured:
                        tally.values[value] = tally.values.get(value, 0) + n

    def _begin(self, steps: dict[int, Tally], step: int) -> Tally:
        self._size += 1
        if self._size > TALLIES_MAX:
            raise UsageError(
                f"There are more than {TALLIES_MAX} groups and steps of time.", "Narrow the search or the range."
            )
        found = steps[step] = Tally()
        return found

    def _keys(self, values: Sequence[Sequence[str | float]]) -> Iterable[Key]:
        """The groups that one row belongs to: one, or as many as its lists have members, or none."""
        choices = []
        for group, found in zip(self._groups, values, strict=True):
            steps: Sequence[str | float] = found
            if group.histogram is not None:
                bars = group.histogram
                inside = [measured for value in found if (measured := _measured(value)) is not None]
                steps = [
                    bars.low + (value - bars.low) // bars.interval * bars.interval
                    for value in inside
                    if bars.low <= value < bars.high
                ]
            if not steps and group.missing is not None:
                steps = [group.missing]
            choices.append(list(dict.fromkeys(steps)))
        return product(*choices)

    def buckets(self) -> list[Bucket]:
        """Every group in the order asked for; without groups the one bucket there is, empty or not."""
        if not self._groups:
            return [Bucket({}, self._values([()]))]
        keys = list(dict.fromkeys(key for tallies in self._tallies.values() for key in tallies))
        return list(self._level(keys, 0))

    def _level(self, keys: list[Key], depth: int) -> Iterator[Bucket]:
        if depth == len(self._groups):
            yield Bucket(dict(zip((group.facet for group in self._groups), keys[0], strict=True)), self._values(keys))
            return
        group = self._groups[depth]
        parts: dict[str | float, list[Key]] = {}
        for key in keys:
            parts.setdefault(key[depth], []).append(key)
        ranked = sorted(parts, key=_order)
        if group.sort.compute is not None:
            by = group.sort.compute
            value = {name: self._value(parts[name], by) for name in ranked}
            known = [name for name in ranked if value[name] is not None]
            known.sort(key=lambda name: value[name] or 0, reverse=group.sort.descending)
            ranked = known + [name for name in ranked if value[name] is None]
        elif group.sort.descending:
            ranked.reverse()
        for name in ranked[: group.limit]:
            yield from self._level(parts[name], depth + 1)

    def _values(self, keys: Sequence[Key]) -> tuple[Value | Series, ...]:
        return tuple(
            self._value(keys, compute) if compute.interval_ms is None else self._series(keys, compute)
            for compute in self._computes
        )

    def _value(self, keys: Sequence[Key], compute: Compute) -> Value:
        metric, total = _metric(compute), Tally()
        measure = next(measure for measure in self._tallies if measure.metric == metric)
        for tally in self._merged(keys, measure).values():
            total.add(tally)
        return total.computed(compute.aggregation, metric is None)

    def _series(self, keys: Sequence[Key], compute: Compute) -> Series:
        merged = self._merged(keys, _measure(compute))
        over_logs = _metric(compute) is None
        if over_logs and compute.aggregation == "count":
            return [(step, tally.n) for step, tally in sorted(merged.items())]
        return [(step, tally.computed(compute.aggregation, over_logs)) for step, tally in sorted(merged.items())]

    def _merged(self, keys: Sequence[Key], measure: _Measure) -> dict[int, Tally]:
        tallies = self._tallies[measure]
        if len(keys) == 1:
            return tallies.get(keys[0], {})
        merged: dict[int, Tally] = {}
        for key in keys:
            for step, tally in tallies.get(key, {}).items():
                merged.setdefault(step, Tally()).add(tally)
        return merged


def _metric(compute: Compute) -> str | None:
    return None if compute.metric in (None, "", "*") else compute.metric


def _measure(compute: Compute) -> _Measure:
    return _Measure(_metric(compute), compute.interval_ms)


def _order(value: str | float) -> tuple[int, float, str]:
    return (1, 0.0, value) if isinstance(value, str) else (0, value, "")


class _Facet:
    """Where the values of a facet or a measure come from: one column of the rows, and what it means."""

    def __init__(self, name: str, current: Reading) -> None:
        self._streams = current.day.streams
        self._statuses = self._streams.statuses()
        name = name.encode("utf-8", "replace").decode()
        self._name = {"sources": "source"}.get(name, name)
        if name.startswith("@"):
            path = path_key(name[1:]).replace("'", "''")
            self.column = f"""{VALUES} -> '$."{path}"'"""
        elif self._name in ("status", "trace_id"):
            self.column = f"l.{self._name}"
        else:
            self.column = "l.stream"

    def values(self, raw: Any) -> list[str | float]:
        """The values that a row has in this column, none when it has none."""
        if raw is None:
            return []
        if self._name.startswith("@"):
            value = msgspec.json.decode(raw)
            members: list[Scalar] = value if isinstance(value, list) else [value]
            return [shown(member) if isinstance(member, bool | str) else member for member in members]
        if self._name == "status":
            return [self._statuses.get(raw) or self._streams.statuses()[raw]]
        if self._name == "trace_id":
            return [raw]
        service, host, source, tags = self._streams.stream(raw)
        if self._name == "tags":
            return list(tags)
        own = {"service": service, "host": host, "source": source}.get(self._name, "")
        prefix = f"{self._name}:"
        return [*([own] if own else []), *(tag[len(prefix) :] for tag in tags if tag.startswith(prefix))]


Counted: TypeAlias = Iterator[tuple[tuple[Any, ...], int, int]]
"""(values of the columns, step of time, how many logs)."""


def _counted(current: Reading, columns: Sequence[str], interval_ms: int | None, low: int, high: int) -> Counted:
    """What there is between two ids, from the roll-up where it knows."""
    rolled = current.plan.is_counted and set(columns) <= {"l.stream", "l.status"}
    unit = MINUTE_MS << SEQUENCE_BITS
    first, last = -(-low // unit), (high + 1) // unit
    if not rolled or (interval_ms or MINUTE_MS) % MINUTE_MS or first >= last:
        yield from _from_logs(current, columns, interval_ms, low, high)
        return
    yield from _from_logs(current, columns, interval_ms, low, first * unit - 1)
    yield from _from_minutes(current, columns, interval_ms, first, last - 1)
    yield from _from_logs(current, columns, interval_ms, last * unit, high)


def _from_logs(current: Reading, columns: Sequence[str], interval_ms: int | None, low: int, high: int) -> Counted:
    if low > high:
        return
    step = [f"(l.id >> {SEQUENCE_BITS}) / {interval_ms}"] if interval_ms else []
    sql = f"SELECT COUNT(*), {', '.join([*step, *columns]) or 'NULL'} {current.source()}{_grouped(step, columns)}"
    for row in current.execute(sql, low, high, words=current.plan.words):
        if interval_ms:
            yield row[2:], row[1] * interval_ms, row[0]
        else:
            yield row[1:], 0, row[0]


def _from_minutes(current: Reading, columns: Sequence[str], interval_ms: int | None, first: int, last: int) -> Counted:
    made = current.plan
    where = ["l.minute BETWEEN :first AND :last"]
    where += [f"+l.stream IN ({listed(made.streams)})"] if made.streams is not None else []
    where += [f"+l.status IN ({listed(made.statuses)})"] if made.statuses is not None else []
    # Minutes are put together to longer steps by whoever counts: this way the rows come grouped as the table has them.
    step = ["l.minute"] if interval_ms else []
    table = "minutes" if made.streams is not None or "l.stream" in columns else "minutes_of_all"
    sql = f"SELECT SUM(l.n), {', '.join([*step, *columns]) or 'NULL'} FROM {table} l WHERE {' AND '.join(where)}"
    for row in current.execute(sql + _grouped(step, columns), 0, 0, first=first, last=last):
        if interval_ms:
            yield row[2:], row[1] * MINUTE_MS // interval_ms * interval_ms, row[0]
        else:
            yield row[1:], 0, row[0]


def _grouped(step: Sequence[str], columns: Sequence[str]) -> str:
    """GROUP BY what was selected behind the count; by nothing, so that no logs are no row."""
    return f" GROUP BY {', '.join(str(at) for at in range(2, 2 + len(step) + len(columns))) or 'NULL'}"
