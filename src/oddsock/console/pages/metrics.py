"""Metrics: an explorer for the language of metric queries; which metrics there are, and which tags they carry."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Protocol

from aiohttp import web

from oddsock.clients.datadog.records import FoundSeries, Series
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import PLOT_STYLES, Page, answer
from oddsock.console.span import PRESETS, Span, read_span
from oddsock.kit.errors import UsageError

SERIES_MAX = 50
"""How many lines a chart and its table show; the rest is counted."""

NAMES_S = 86_400
"""Metrics that had a point within so many seconds are told."""


class _Metrics(Protocol):
    """What the explorer needs of telemetry."""

    async def query_metric(self, query: str, from_s: int, to_s: int) -> FoundSeries: ...

    async def metric_names(self, from_s: int) -> list[str]: ...


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """/metrics and its twin, /metrics/names.json and /metrics/tags.json for who completes a query."""

    async def read(request: web.Request) -> dict[str, Any]:
        query = request.query.get("query", "").strip()
        told: dict[str, Any] = {
            "query": query,
            "from": request.query.get("from", "").strip() or PRESETS[1],
            "to": request.query.get("to", "").strip() or "now",
            "presets": PRESETS,
            "refused": None,
            "warnings": [],
            "names": [],
            "series": [],
            "more": 0,
        }
        try:
            span = read_span(request.query, desk.clock, PRESETS[1])
            return {**told, **span.document(), **await explore(desk.telemetry(), query, span)}
        except UsageError as cause:
            if request.path.endswith(".json"):
                raise
            column = getattr(cause, "column", None)
            return {**told, "refused": {"sentence": cause.sentence, "hint": cause.hint, "column": column}}

    async def names(request: web.Request) -> web.Response:
        since_s = int(desk.clock.now().timestamp()) - NAMES_S
        return answer({"names": await desk.telemetry().metric_names(since_s)})

    async def tags(request: web.Request) -> web.Response:
        metric = request.query.get("metric", "")
        if not metric:
            raise UsageError("metric is missing.", "Write /metrics/tags.json?metric=system.load.1.")
        return answer({"metric": metric, "tags": await desk.telemetry().metric_tags(metric)})

    page = Page(
        "/metrics", "Metrics", "metrics.html", read, ("metrics.js",), ("search.css", *PLOT_STYLES, "metrics.css")
    )
    return [web.get("/metrics/names.json", names), web.get("/metrics/tags.json", tags), *page.routes()]


async def explore(metrics: _Metrics, query: str, span: Span) -> dict[str, Any]:
    """The lines that *query* gives within *span*; the names of all metrics while nothing is asked."""
    if not query:
        return {"names": await metrics.metric_names(span.to_ms // 1000 - NAMES_S)}
    found = await metrics.query_metric(query, span.from_ms // 1000, -(-span.to_ms // 1000))
    rows = measure_all(found.rows[:SERIES_MAX])
    told = [found.message] if found.message else []
    return {"series": rows, "more": max(0, len(found.rows) - SERIES_MAX), "warnings": told}


def measure_all(rows: Sequence[Series]) -> list[dict[str, Any]]:
    """*rows* as a chart tells them; lines of one metric are called by their tags only."""
    is_one = len({one.metric for one in rows}) == 1 and all(one.tags for one in rows)
    return [{**measure(one), **({"name": ", ".join(one.tags)} if is_one else {})} for one in rows]


def measure(series: Series) -> dict[str, Any]:
    """*series* as the page tells it: its name, last, least, greatest and mean value, and its points.

    >>> told = measure(Series(metric="system.load.1", scope="host:a", points=((0, 1.0), (1000, 3.0))))
    >>> told["name"], told["last"], told["avg"]
    ('system.load.1 {host:a}', 3.0, 2.0)
    """
    held = [value for _, value in series.points if value is not None]
    return {
        "name": name_series(series),
        "metric": series.metric,
        "expression": series.expression,
        "tags": series.tags,
        "unit": series.unit,
        "interval_s": series.interval_s,
        "last": held[-1] if held else None,
        "min": min(held, default=None),
        "max": max(held, default=None),
        "avg": fmean(held) if held else None,
        "points": series.points,
    }


def name_series(series: Series) -> str:
    """What a legend calls *series*: its tags tell one line of a metric from another, its scope when it has none."""
    told = ", ".join(series.tags) or series.scope
    name = series.metric or series.expression
    return f"{name} {{{told}}}" if told and told != "*" else name
