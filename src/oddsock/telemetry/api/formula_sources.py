"""What a formula may speak of beside metrics: logs, measured by their store, and events, counted."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.query.log_values import flatten, path_key, shown
from oddsock.telemetry.query.metric_buckets import Grid, Values
from oddsock.telemetry.query.metric_eval import NO_VALUE, Line
from oddsock.telemetry.records import Event, Log
from oddsock.telemetry.store.aggregates import AGGREGATIONS, Aggregation, Bucket, Compute, Group, Sort
from oddsock.telemetry.store.events import EventStore, as_log
from oddsock.telemetry.store.logs import LogStore

SOURCES = ("metrics", "logs", "events")
EVENTS_MAX = 10_000
GROUP_LIMIT_MAX = 1_000
ADDED_UP = frozenset({"count", "sum", "cardinality"})
"""What is 0, not unknown, where there was nothing to measure."""


class Searched(msgspec.Struct):
    """`search` of a query."""

    query: str = "*"


class Computed(msgspec.Struct):
    """`compute` of a query; *interval* is milliseconds."""

    aggregation: Aggregation = "count"
    metric: str | None = None
    interval: int | None = None


class Ordered(msgspec.Struct):
    """`sort` of a group."""

    aggregation: Aggregation = "count"
    metric: str | None = None
    order: str = "desc"


class Grouped(msgspec.Struct):
    """One of `group_by`."""

    facet: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=GROUP_LIMIT_MAX)] = 10
    sort: Ordered | None = None


class Measured(msgspec.Struct):
    """One query of a request, of any source."""

    data_source: str
    name: str = ""
    query: str = ""
    aggregator: str = "avg"
    search: Searched | None = None
    compute: Computed | None = None
    group_by: Annotated[list[Grouped], Meta(max_length=4)] | None = None


class Sources:
    """Measures logs and events."""

    def __init__(self, logs: LogStore, events: EventStore) -> None:
        self._logs = logs
        self._events = events

    async def measure(self, query: Measured, from_ms: int, to_ms: int, grid: Grid | None) -> list[Line]:
        """The lines of *query* in the buckets of *grid*, as one value each when that is None."""
        compute, groups = query.compute or Computed(), query.group_by or []
        if compute.aggregation not in AGGREGATIONS:
            raise ApiError(400, f"compute.aggregation is one of {', '.join(AGGREGATIONS)}.")
        if compute.aggregation != "count" and not compute.metric:
            raise ApiError(400, f"compute {compute.aggregation} needs a metric, such as @duration or service.")
        search = parse_search((query.search or Searched()).query or "*")
        if query.data_source == "logs":
            interval_ms = grid.step_s * 1000 if grid else None
            metric = None if compute.aggregation == "count" else compute.metric
            wanted = Compute(compute.aggregation, metric, interval_ms)
            buckets = await self._logs.aggregate(search, from_ms, to_ms, [wanted], [_group(one) for one in groups])
            return [_line(bucket, compute, grid) for bucket in buckets]
        if compute.aggregation != "count":
            raise ApiError(400, "Events can be counted only: compute.aggregation is count.")
        matches = predicate(search)
        found = await self._events.search(lambda event: matches(as_log(event)), from_ms, to_ms, EVENTS_MAX)
        if len(found) == EVENTS_MAX:
            raise ApiError(400, f"{EVENTS_MAX} events or more are asked for: take a shorter range.")
        return _counted(found, groups, grid)


def _group(wanted: Grouped) -> Group:
    order = wanted.sort or Ordered()
    metric = None if order.aggregation == "count" else order.metric
    return Group(wanted.facet, wanted.limit, Sort(Compute(order.aggregation, metric), order.order != "asc"))


def _line(bucket: Bucket, compute: Computed, grid: Grid | None) -> Line:
    tags = tuple(f"{facet}:{value}" for facet, value in bucket.by.items())
    (computed,) = bucket.computes
    values: Values
    if grid is None:
        assert not isinstance(computed, list)
        values = [None if computed is None else float(computed)]
    else:
        assert isinstance(computed, list)
        values = [None] * grid.count
        for at_ms, value in computed:
            place = (at_ms // 1000 - grid.start_s) // grid.step_s
            if value is not None and 0 <= place < grid.count:
                values[place] = float(value)
    return Line("", "", "*", tags, values, compute.aggregation, compute.aggregation in ADDED_UP)


def _counted(events: Iterable[Event], groups: list[Grouped], grid: Grid | None) -> list[Line]:
    counts: dict[tuple[str, ...], Counter[int]] = {} if groups else {(): Counter()}
    for event in events:
        log = as_log(event)
        tags = tuple(f"{one.facet}:{_value(log, one.facet)}" for one in groups)
        place = (event.at_ms // 1000 - grid.start_s) // grid.step_s if grid else 0
        counts.setdefault(tags, Counter())[place] += 1
    order = sorted(counts, key=lambda tags: -counts[tags].total())[: min([one.limit for one in groups], default=1)]
    buckets, nothing = (grid.count, None) if grid else (1, 0.0)
    return [
        Line("", "", "*", tags, [counts[tags].get(place, nothing) for place in range(buckets)], "count", counted=True)
        for tags in order
    ]


def _value(log: Log, facet: str) -> str:
    """The value of *facet* as a search names it: a field of the record, an attribute after @, else a tag."""
    if facet.startswith("@"):
        found: list[Any] = [*flatten(log.attributes).get(path_key(facet[1:]), ())]
    elif facet in {"service", "status", "host", "source"}:
        found = [getattr(log, facet)]
    else:
        found = [tag.partition(":")[2] for tag in log.tags if tag.partition(":")[0] == facet]
    return shown(found[0]) if found and found[0] != "" else NO_VALUE
