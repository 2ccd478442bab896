"""Questions about metrics in one string: `GET /api/v1/query`, in buckets, with null where a bucket has no point."""

import asyncio
from typing import Any

from aiohttp import web

from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_int
from oddsock.telemetry.query.metric_eval import SeriesAnswer, evaluate, notes, queries_of
from oddsock.telemetry.query.metric_query import parse_query
from oddsock.telemetry.store.metrics import MetricStore


def routes(metrics: MetricStore) -> list[web.RouteDef]:
    """`GET /api/v1/query?from=S&to=S&query=...`."""

    async def query(request: web.Request) -> web.Response:
        from_s, to_s = read_range(dict(request.query))
        text = request.query.get("query", "")
        if not text:
            raise ApiError(400, "query is missing.")
        expressions = parse_query(text)
        series = await asyncio.to_thread(evaluate, metrics, text, from_s, to_s)
        keys = dict.fromkeys(key for one in expressions for query in queries_of(one) for key in query.by)
        body = {
            "status": "ok",
            "res_type": "time_series",
            "resp_version": 1,
            "query": text,
            "from_date": from_s * 1000,
            "to_date": to_s * 1000,
            "group_by": list(keys),
            "series": [show_series(metrics, one) for one in series],
            "values": [],
            "times": [],
            "message": " ".join(notes(metrics, text)),
        }
        return answer_json(body)

    return [web.get("/api/v1/query", query)]


def read_range(fields: dict[str, Any], per_second: int = 1) -> tuple[int, int]:
    """`from` and `to` in seconds, given in units of *per_second* to the second."""
    for name in ("from", "to"):
        if fields.get(name) is None:
            raise ApiError(400, f"{name} is missing.")
    from_at, to_at = read_int(fields, "from", 0), read_int(fields, "to", 0)
    if not 0 <= from_at <= to_at <= 2**33 * per_second:
        unit = "milliseconds" if per_second == 1000 else "seconds"
        raise ApiError(400, f"from and to are {unit} since 1970, and from is not after to.")
    return from_at // per_second, to_at // per_second


def show_series(metrics: MetricStore, series: SeriesAnswer) -> dict[str, Any]:
    """One series as version 1 writes it."""
    return {
        "metric": series.metric,
        "display_name": series.metric,
        "expression": series.expression,
        "scope": series.scope,
        "tag_set": list(series.tags),
        "aggr": series.aggregator or None,
        "interval": series.interval_s,
        "length": len(series.points),
        "start": series.points[0][0],
        "end": series.points[-1][0] + series.interval_s * 1000 - 1,
        "pointlist": [[float(at_ms), value] for at_ms, value in series.points],
        "query_index": series.query_index,
        "attributes": {},
        "unit": show_units(metrics, series.metric),
    }


def show_units(metrics: MetricStore, metric: str) -> list[dict[str, Any] | None]:
    """The unit and the per-unit of *metric*, as its metadata names them; null where it names none."""
    said = metrics.metadata(metric)
    return [_unit(said.get("unit")), _unit(said.get("per_unit"))]


def _unit(name: object) -> dict[str, Any] | None:
    if not isinstance(name, str) or not name:
        return None
    return {"family": "", "name": name, "plural": f"{name}s", "scale_factor": 1.0, "short_name": name}
