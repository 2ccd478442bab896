"""Which metrics there are, which tags they carry, and what somebody wrote about them (metadata)."""

from typing import Any

from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_int, read_object, read_text
from oddsock.telemetry.query.metric_scope import parse_scope
from oddsock.telemetry.query.metric_text import Text
from oddsock.telemetry.query.metric_tree import holds
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.store.metrics_index import Series

DAY_S = 86_400
NAMES_MAX = 10_000
TEXTS = {"description": 400, "integration": 100, "per_unit": 50, "short_name": 100, "type": 20, "unit": 50}


class MetricNames:
    """The lists of metrics of both versions, their metadata, the search for names and all tags of one."""

    def __init__(self, metrics: MetricStore, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/api/v1/metrics", self._active),
            web.get("/api/v1/metrics/{metric}", self._show),
            web.put("/api/v1/metrics/{metric}", self._put),
            web.get("/api/v1/search", self._search),
            web.get("/api/v2/metrics", self._list),
            web.get("/api/v2/metrics/{metric}/all-tags", self._all_tags),
        ]

    def _day_ago_s(self) -> int:
        return int(self._clock.now().timestamp()) - DAY_S

    def _series(self, metric: str) -> list[Series]:
        found = self._metrics.series(metric)
        if not found:
            raise ApiError(404, f"Metric {metric[:200]} not found: it has no points here.")
        return found

    async def _active(self, request: web.Request) -> web.Response:
        from_s = read_int(dict(request.query), "from", self._day_ago_s())
        wanted = [f"host:{host}"] if (host := request.query.get("host")) else []
        wanted += [request.query["tag_filter"]] if request.query.get("tag_filter") else []
        scopes = [parse_scope(Text(f"{{{scope}}}"))[0] for scope in wanted]
        names = {
            series.metric
            for series in self._metrics.series(None, from_s)
            if all(holds(scope, frozenset(tag.lower() for tag in series.all_tags)) for scope in scopes)
        }
        return answer_json({"from": str(from_s), "metrics": sorted(names)[:NAMES_MAX]})

    async def _show(self, request: web.Request) -> web.Response:
        metric = request.match_info["metric"]
        kind = self._series(metric)[-1].kind
        return answer_json({"type": kind, **self._metrics.metadata(metric)})

    async def _put(self, request: web.Request) -> web.Response:
        metric = request.match_info["metric"]
        fields = read_object(await read_json(request), "metadata")
        said: dict[str, Any] = {name: read_text(fields, name, most) for name, most in TEXTS.items() if name in fields}
        if "statsd_interval" in fields:
            said["statsd_interval"] = read_int(fields, "statsd_interval", 0)
        self._series(metric)
        merged = {**self._metrics.metadata(metric), **said}
        await self._metrics.put_metadata(metric, merged)
        return answer_json(merged)

    async def _search(self, request: web.Request) -> web.Response:
        wanted = request.query.get("q", "")
        found = self._metrics.names(self._day_ago_s()) if wanted.startswith("metrics:") or ":" not in wanted else []
        parts = wanted.removeprefix("metrics:").strip().lower().split("*")
        names = [name for name in found if all(part in name.lower() for part in parts)]
        return answer_json({"results": {"metrics": names[:NAMES_MAX]}})

    async def _list(self, _request: web.Request) -> web.Response:
        names = self._metrics.names(self._day_ago_s())[:NAMES_MAX]
        return answer_json({"data": [{"type": "metrics", "id": name} for name in names]})

    async def _all_tags(self, request: web.Request) -> web.Response:
        metric = request.match_info["metric"]
        tags = sorted({tag for series in self._series(metric) for tag in series.all_tags})
        attributes = {"tags": tags, "ingested_tags": tags}
        return answer_json({"data": {"type": "metrics", "id": metric, "attributes": attributes}})
