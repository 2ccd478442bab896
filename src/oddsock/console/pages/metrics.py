"""Metrics: an explorer for the language of metric queries; which metrics there are, and which tags they carry."""

from typing import Any, Protocol

from aiohttp import web

from oddsock.clients.datadog.records import FoundSeries
from oddsock.console.desk import Desk
from oddsock.console.lines import measure_all
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
