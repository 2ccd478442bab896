"""Logs counted and measured: `POST /api/v2/logs/analytics/aggregate`; facets completed for the console."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from oddsock.kit import ids
from oddsock.kit.clock import Clock, iso
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.log_filters import Filter, Options, Range, convert, metadata, understand
from oddsock.telemetry.store.aggregates import Aggregation, Bucket, Compute, Group, Histogram, Sort
from oddsock.telemetry.store.logs import LogStore

COMPUTES_MAX = 10
GROUPS_MAX = 4
GROUP_LIMIT_MAX = 1000
FACET_VALUES_MAX = 100
STEPS = 60
"""How many steps a series has when no interval was asked for, about."""
STEPS_MAX = 10_000

TOTAL = "__TOTAL__"
"""What the bucket of a total is called when it was asked for without a name."""

_INTERVAL = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|w)?")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_STEPS_MS = (1_000, 5_000, 10_000, 20_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 14_400_000, 86_400_000)


class WantedCompute(msgspec.Struct):
    """One of `compute`."""

    aggregation: Aggregation = "count"
    metric: str | None = None
    type: Literal["total", "timeseries"] | None = None
    interval: str | int | float | None = None


class WantedSort(msgspec.Struct):
    """`sort` of a group."""

    aggregation: Aggregation | None = None
    metric: str | None = None
    order: Literal["asc", "desc"] = "desc"
    type: Literal["alphabetical", "measure"] | None = None


class WantedHistogram(msgspec.Struct):
    """`histogram` of a group."""

    interval: Annotated[float, Meta(gt=0)]
    min: float
    max: float


class WantedGroup(msgspec.Struct):
    """One of `group_by`."""

    facet: Annotated[str, Meta(min_length=1)]
    limit: Annotated[int, Meta(ge=1, le=GROUP_LIMIT_MAX)] | None = None
    sort: WantedSort | None = None
    missing: str | float | None = None
    total: bool | str | float | None = None
    histogram: WantedHistogram | None = None


class AggregateRequest(msgspec.Struct):
    """The body of an aggregation."""

    compute: Annotated[list[WantedCompute], Meta(max_length=COMPUTES_MAX)] | None = None
    filter: Filter | None = None
    options: Options | None = None
    group_by: Annotated[list[WantedGroup], Meta(max_length=GROUPS_MAX)] | None = None


class LogAggregates:
    """Answers aggregations from *store*."""

    def __init__(self, store: LogStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of aggregations."""
        return [
            web.post("/api/v2/logs/analytics/aggregate", self._aggregate),
            web.get("/_oddsock/facets", self._complete),
        ]

    async def _aggregate(self, request: web.Request) -> web.Response:
        begun = self._clock.monotonic()
        body = await read_json(request) if request.can_read_body else {}
        if isinstance(body, dict) and isinstance(body.get("group_by"), dict):
            # An official client sends its typed list so: told, for else nobody would miss the groups.
            raise ApiError(400, "group_by is an object: send a list of groups (with official clients, of plain dicts).")
        wanted = convert(body, AggregateRequest)
        asked = understand(wanted.filter or Filter(), wanted.options or Options(), self._now_ms())
        computes = [_compute(one, asked) for one in wanted.compute or [WantedCompute()]]
        groups = wanted.group_by or []
        buckets = await self._measure(asked, computes, groups) if asked.is_known_index else []
        meta = metadata(round((self._clock.monotonic() - begun) * 1000), ids.request_id(), asked)
        return answer_json({"data": {"buckets": [_write(bucket) for bucket in buckets]}, "meta": meta})

    async def _measure(self, asked: Range, computes: list[Compute], wanted: list[WantedGroup]) -> list[Bucket]:
        search, from_ms, to_ms = asked.search, asked.from_ms, asked.to_ms
        groups = [_group(one) for one in wanted]
        buckets = await self._store.aggregate(search, from_ms, to_ms, computes, groups)
        for place, one in enumerate(wanted):
            if one.total is None or one.total is False:
                continue
            name = TOTAL if one.total is True else one.total
            others = groups[:place] + groups[place + 1 :]
            for bucket in await self._store.aggregate(search, from_ms, to_ms, computes, others):
                buckets.append(Bucket({**bucket.by, one.facet: name}, bucket.computes))
        return buckets

    async def _complete(self, request: web.Request) -> web.Response:
        query = request.query
        facet, prefix = query.get("facet", "service"), query.get("prefix", "")
        filter_ = Filter(query=query.get("query"), start=query.get("from"), to=query.get("to"))
        asked = understand(filter_, Options(), self._now_ms())
        rows = await self._store.facet_values(facet, asked.from_ms, asked.to_ms, prefix, FACET_VALUES_MAX, asked.search)
        return answer_json({"facet": facet, "values": [{"value": value, "count": count} for value, count in rows]})

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _compute(wanted: WantedCompute, asked: Range) -> Compute:
    if wanted.aggregation != "count" and not wanted.metric:
        raise ApiError(400, f"compute {wanted.aggregation} needs a metric, such as @duration or service.")
    metric = None if wanted.aggregation == "count" else wanted.metric
    if wanted.type != "timeseries":
        return Compute(wanted.aggregation, metric)
    span_ms = asked.to_ms - asked.from_ms
    interval_ms = _interval_ms(wanted.interval, span_ms)
    if span_ms / interval_ms > STEPS_MAX:
        raise ApiError(400, f"interval {wanted.interval} makes more than {STEPS_MAX} steps: take a longer one.")
    return Compute(wanted.aggregation, metric, interval_ms)


def _interval_ms(interval: str | int | float | None, span_ms: int) -> int:
    """The step of a series; a plain number is milliseconds, none is about STEPS steps."""
    if interval is None:
        return next((step for step in _STEPS_MS if span_ms / step <= STEPS), _STEPS_MS[-1])
    found = _INTERVAL.fullmatch(str(interval))
    step = round(float(found.group(1)) * _UNIT_MS[found.group(2) or "ms"]) if found else 0
    if step < 1:
        raise ApiError(400, f"interval {str(interval)[:20]!r} is none: write 30s, 5m or 1h.")
    return step


def _group(wanted: WantedGroup) -> Group:
    sort = Sort()
    if wanted.sort is not None:
        measured = Compute(wanted.sort.aggregation or "count", wanted.sort.metric)
        sort = Sort(None if wanted.sort.type == "alphabetical" else measured, wanted.sort.order == "desc")
    histogram = None
    if (steps := wanted.histogram) is not None:
        if steps.min >= steps.max or (steps.max - steps.min) / steps.interval > GROUP_LIMIT_MAX:
            raise ApiError(400, f"histogram of {wanted.facet}: min < max and at most {GROUP_LIMIT_MAX} steps.")
        histogram = Histogram(steps.interval, steps.min, steps.max)
    return Group(wanted.facet, wanted.limit or 10, sort, wanted.missing, histogram)


def _write(bucket: Bucket) -> dict[str, Any]:
    computes: dict[str, Any] = {}
    for place, value in enumerate(bucket.computes):
        if isinstance(value, list):
            computes[f"c{place}"] = [{"time": _time(at_ms), "value": one} for at_ms, one in value]
        else:
            computes[f"c{place}"] = value
    return {"by": bucket.by, "computes": computes}


@lru_cache(STEPS_MAX)
def _time(at_ms: int) -> str:
    """A step's instant; every group of an answer has the same ones."""
    return iso(datetime.fromtimestamp(at_ms / 1000, UTC))
