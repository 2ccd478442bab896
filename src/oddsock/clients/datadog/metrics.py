"""Metric queries, in the v1 shape that every Datadog client reads."""

from typing import Any
from urllib.parse import quote

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.errors import QueryRefused
from oddsock.clients.datadog.records import FoundSeries, Series


class _Series(msgspec.Struct):
    metric: str | None = None
    expression: str = ""
    scope: str = ""
    tag_set: list[str] = []
    interval: int = 0
    pointlist: list[tuple[float, float | None]] = []
    unit: list[dict[str, Any] | None] | None = None


class MetricAnswer(msgspec.Struct):
    """The answer of `GET /api/v1/query`."""

    status: str = "ok"
    error: str = ""
    message: str = ""
    series: list[_Series] = []


class _Names(msgspec.Struct):
    metrics: list[str] = []


class _Tags(msgspec.Struct):
    tags: list[str] = []


class _TagsRow(msgspec.Struct):
    attributes: _Tags = msgspec.field(default_factory=_Tags)


class _AllTags(msgspec.Struct):
    data: _TagsRow = msgspec.field(default_factory=_TagsRow)


class Metrics:
    """The metric half of `Datadog`."""

    connection: Connection

    async def query_metric(self, query: str, from_s: int, to_s: int) -> FoundSeries:
        """What *query* gives between two instants in seconds since 1970; QueryRefused when the query is wrong."""
        answer = await self.connection.ask(
            MetricAnswer,
            "GET",
            "/api/v1/query",
            query={"query": query, "from": str(from_s), "to": str(to_s)},
            what="a metric query",
        )
        if answer.status != "ok":
            # The real Datadog answers some mistakes with 200.
            raise QueryRefused(answer.error or "The metric query was refused.")
        return FoundSeries(rows=[read_series(one) for one in answer.series], message=answer.message)

    async def metric_names(self, from_s: int) -> list[str]:
        """The metrics that had a point since *from_s*."""
        answer = await self.connection.ask(
            _Names, "GET", "/api/v1/metrics", query={"from": str(from_s)}, what="the names of metrics"
        )
        return sorted(answer.metrics)

    async def metric_tags(self, metric: str) -> list[str]:
        """Every tag, `key:value`, that points of *metric* carry; NotThere when it has none."""
        path = f"/api/v2/metrics/{quote(metric, safe='')}/all-tags"
        answer = await self.connection.ask(_AllTags, "GET", path, what="the tags of a metric")
        return sorted(answer.data.attributes.tags)


def read_series(one: _Series) -> Series:
    """One line of a query as version 1 writes it."""
    unit = next((str(part.get("short_name") or part.get("name") or "") for part in one.unit or [] if part), "")
    return Series(
        metric=one.metric or one.expression,
        expression=one.expression,
        scope=one.scope,
        tags=tuple(one.tag_set),
        interval_s=one.interval,
        unit=unit,
        points=tuple(one.pointlist),
    )
