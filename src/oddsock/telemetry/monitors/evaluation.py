"""A monitor's query asked of the stores: one reading a group. What cannot be asked is a failed reading, never an error.

Windows are a monitor's plan seconds divided by the speed, never below two wall seconds: at speed 60 `last_5m` looks at
the last five seconds.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from oddsock.kit.clock import Clock
from oddsock.kit.errors import OddsockError
from oddsock.telemetry.monitors.definition import Definition
from oddsock.telemetry.monitors.event_rollup import roll_up_events
from oddsock.telemetry.monitors.query_tree import (
    CheckAlert,
    Composite,
    CountAlert,
    Joined,
    MetricAlert,
    Negated,
    Node,
    Part,
)
from oddsock.telemetry.monitors.states import GroupState, Reading, Status, wall_ms, worst
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.query.metric_buckets import Grid, reduce_values
from oddsock.telemetry.query.metric_eval import Line, queries_of
from oddsock.telemetry.query.metric_tree import Expression, Query
from oddsock.telemetry.records import Event, ServiceCheck
from oddsock.telemetry.store.aggregates import Bucket, Compute, Group
from oddsock.telemetry.store.events import as_log

ALL = "*"
"""The one group of a monitor without groups."""

GROUPS_MAX = 500
EVENTS_MAX = 10_000
BUCKETS = 300
EVALUATION_S_MAX = 10.0
"""Wall seconds one monitor's question may take."""

_STATUS_OF_CHECK = (Status.OK, Status.WARN, Status.ALERT, Status.UNKNOWN)


class LogSource(Protocol):
    """What a log alert needs of a store of logs."""

    async def aggregate(
        self, search: Search, from_ms: int, to_ms: int, computes: Sequence[Compute], groups: Sequence[Group]
    ) -> list[Bucket]:
        """The buckets from *from_ms* up to before *to_ms*."""
        ...


class EventSource(Protocol):
    """What an event alert needs of a store of events."""

    async def search(self, matches: Callable[[Event], bool], from_ms: int, to_ms: int, limit: int) -> list[Event]:
        """At most *limit* events from *from_ms* up to before *to_ms*."""
        ...


class CheckSource(Protocol):
    """What a service check monitor needs of a store of checks."""

    def history(self, check: str, limit: int) -> list[list[ServiceCheck]]:
        """The newest reports of every subject, newest first."""
        ...


@dataclass(frozen=True)
class Sources:
    """Where readings come from; *metric_lines* blocks and is called off the event loop."""

    logs: LogSource
    events: EventSource
    checks: CheckSource
    metric_lines: Callable[[Expression, Grid], list[Line]]


class Evaluator:
    """Asks the questions of monitors."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock

    async def read(
        self, monitor: Definition, known: Mapping[str, GroupState], others: Mapping[int, Status]
    ) -> dict[str, Reading]:
        """One reading for each group that there is or was; *others* are the states of all monitors, for composites."""
        try:
            async with asyncio.timeout(EVALUATION_S_MAX):
                found = await self._ask(monitor, known, others)
        except TimeoutError:
            return _failed(known, f"The evaluation took longer than {EVALUATION_S_MAX:g} s.")
        except (OddsockError, sqlite3.Error) as error:
            return _failed(known, str(error))
        except Exception as error:  # noqa: BLE001  # a monitor that cannot be evaluated is Unknown, the others go on
            return _failed(known, f"The evaluation failed by a fault of ours: {type(error).__name__}: {error}")
        if len(found) > GROUPS_MAX:
            return _failed(known, f"The query finds {len(found)} groups, {GROUPS_MAX} are the most: narrow its scope.")
        return found

    async def _ask(
        self, monitor: Definition, known: Mapping[str, GroupState], others: Mapping[int, Status]
    ) -> dict[str, Reading]:
        match monitor.query:
            case MetricAlert() as query:
                return _completed(await self._ask_metric(monitor, query), monitor, known, Reading())
            case CountAlert(source="logs") as query:
                found = await self._ask_logs(monitor, query)
            case CountAlert() as query:
                found = await self._ask_events(monitor, query)
            case CheckAlert() as query:
                return _completed(self._ask_checks(monitor, query, known), monitor, known, Reading())
            case Composite(root=root):
                return {ALL: _combine(root, others)}
        nothing = Reading(value=0.0) if query.aggregation in {"count", "cardinality"} else Reading()
        return _completed(found, monitor, known, nothing)

    def _span(self, monitor: Definition) -> tuple[int, int]:
        """From and to of the window in wall milliseconds, *to* being now."""
        speed = self._clock.speed
        delay_ms = (monitor.body.options.evaluation_delay or 0) * 1000 / speed
        to_ms = round(self._clock.now().timestamp() * 1000 - delay_ms)
        return to_ms - wall_ms(monitor.window_s, speed), to_ms

    async def _ask_metric(self, monitor: Definition, query: MetricAlert) -> dict[str, Reading]:
        from_ms, to_ms = self._span(monitor)
        span_s = max(1, round((to_ms - from_ms) / 1000))
        to_s = to_ms // 1000
        # Ratios of counts are computed from the sums of the whole window, as Datadog does it: one bucket.
        counted = _is_of_counts(query.expression) and query.aggregator == "sum"
        step_s = span_s if counted else max(1, -(-span_s // BUCKETS))
        grid = Grid(to_s - span_s + 1, step_s, -(-span_s // step_s))
        lines = await asyncio.to_thread(self._sources.metric_lines, query.expression, grid)
        found = {}
        for line in lines:
            values = [value for value in line.values if value is not None]
            is_full = counted or any(value is not None for value in line.values[: max(1, len(line.values) // 5)])
            value = reduce_values(values, query.aggregator)
            found[",".join(line.tags) or ALL] = Reading(value=value, is_window_full=is_full)
        return found

    async def _ask_logs(self, monitor: Definition, query: CountAlert) -> dict[str, Reading]:
        from_ms, to_ms = self._span(monitor)
        compute = Compute(aggregation=query.aggregation, metric=query.measure or None)
        groups = [Group(facet=facet, limit=GROUPS_MAX) for facet in query.by]
        found = {}
        for bucket in await self._sources.logs.aggregate(query.search, from_ms, to_ms + 1, [compute], groups):
            value = bucket.computes[0]
            # A series is answered only where an interval was asked for.
            assert not isinstance(value, list)
            found[_group_name(bucket.by)] = Reading(value=None if value is None else float(value))
        return found

    async def _ask_events(self, monitor: Definition, query: CountAlert) -> dict[str, Reading]:
        from_ms, to_ms = self._span(monitor)
        accepts = predicate(query.search)
        events = await self._sources.events.search(lambda event: accepts(as_log(event)), from_ms, to_ms + 1, EVENTS_MAX)
        rolled = roll_up_events(events, query.aggregation, query.measure, query.by)
        return {_group_name(dict(by)): Reading(value=value) for by, value in rolled.items()}

    def _ask_checks(
        self, monitor: Definition, query: CheckAlert, known: Mapping[str, GroupState]
    ) -> dict[str, Reading]:
        now_ms = round(self._clock.now().timestamp() * 1000)
        stale_ms = now_ms - wall_ms(monitor.no_data_s, self._clock.speed)
        groups: dict[str, list[Reading]] = {}
        for reports in self._sources.checks.history(query.check, query.last):
            newest = reports[0]
            tags = {*newest.tags, *([f"host:{newest.host}"] if newest.host else [])}
            if not set(query.over) <= tags or set(query.excluded) & tags or newest.at_ms < stale_ms:
                continue
            name = _check_group(query, newest)
            before = known[name].status if name in known else Status.SKIPPED
            groups.setdefault(name, []).append(_read_check(monitor, reports, before))
        return {name: _worst_reading(readings) for name, readings in groups.items()}


def _is_of_counts(expression: Expression) -> bool:
    queries: list[Query] = list(queries_of(expression))
    return all(query.modifier == "as_count" and not query.rollup for query in queries)


def _read_check(monitor: Definition, reports: Sequence[ServiceCheck], before: Status) -> Reading:
    newest, limits = reports[0], monitor.thresholds
    alike = next((n for n, report in enumerate(reports) if report.status != newest.status), len(reports))
    wanted = (limits.ok, limits.warning, limits.critical, limits.unknown)[newest.status] or 1
    status = _STATUS_OF_CHECK[newest.status] if alike >= wanted else before
    return Reading(status=status, reason=newest.message)


def _worst_reading(readings: list[Reading]) -> Reading:
    status = worst([reading.status for reading in readings if reading.status is not None])
    return next(reading for reading in readings if reading.status is status)


def _check_group(query: CheckAlert, report: ServiceCheck) -> str:
    host = [f"host:{report.host}"] if report.host else []
    if query.by == (ALL,):
        return ",".join([*host, *report.tags]) or ALL
    tags = [*host, *report.tags]
    return ",".join(next((tag for tag in tags if tag.startswith(f"{key}:")), f"{key}:N/A") for key in query.by) or ALL


def _group_name(by: Mapping[str, str | float]) -> str:
    return ",".join(f"{facet.removeprefix('@')}:{value}" for facet, value in by.items()) or ALL


def _completed(
    found: dict[str, Reading], monitor: Definition, known: Mapping[str, GroupState], nothing: Reading
) -> dict[str, Reading]:
    """*found* and *nothing* for every group that was there before; a monitor without groups always has its one."""
    expected = [group for group in known if group != ALL] if monitor.is_grouped else [ALL]
    return {**dict.fromkeys(expected, nothing), **found}


def _failed(known: Mapping[str, GroupState], reason: str) -> dict[str, Reading]:
    return {group: Reading(is_failed=True, reason=reason) for group in known or [ALL]}


def _combine(root: Node, others: Mapping[int, Status]) -> Reading:
    """The composite's state: Alert and Warn are triggered, everything else is not; `!` turns the one into the other."""
    severity = {Status.ALERT: 2, Status.WARN: 1}

    def weigh(node: Node) -> int:
        match node:
            case Part(monitor_id=monitor_id):
                if (status := others.get(monitor_id)) is None:
                    raise OddsockError(f"Monitor {monitor_id}, which the query names, does not exist.")
                if status is Status.UNKNOWN:
                    raise OddsockError(f"Monitor {monitor_id}, which the query names, is Unknown.")
                return severity.get(status, 0)
            case Negated(child=child):
                return 0 if weigh(child) else 2
            case Joined(operator="&&", left=left, right=right):
                return min(weigh(left), weigh(right))
            case Joined(left=left, right=right):
                return max(weigh(left), weigh(right))

    return Reading(status=(Status.OK, Status.WARN, Status.ALERT)[weigh(root)])
