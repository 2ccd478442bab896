"""The infrastructure list, told from the metrics that carry a host: `GET /api/v1/hosts` and `/api/v1/hosts/totals`.

A host is up while points of it arrive. Its tags are those that all of its system.* series carry (all of its series
when it has none of these); its apps are the first words of its metrics' names; its figures are the newest of system.*.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_int
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.store.metrics_index import Series

UP_S = 300
"""A host without a point for so long is down, in plan seconds, and never sooner than `UP_S_MIN` wall seconds."""
UP_S_MIN = 10
KNOWN_S = 3 * 3_600
"""Hosts that were silent for longer are not listed."""
COUNT_MAX = 1_000
SORTS = ("name", "up", "cpu", "iowait", "load", "apps")
SYSTEM = "system."
FIGURES = {"cpu": "system.cpu.idle", "iowait": "system.cpu.iowait", "load": "system.load.norm.1"}


@dataclass
class Host:
    """What the series of one host say; *last_s* is the instant of its newest point."""

    name: str
    last_s: int = 0
    apps: set[str] = field(default_factory=set)
    tags: set[str] | None = None
    system_tags: set[str] | None = None
    figures: dict[str, float] = field(default_factory=dict)

    def see(self, series: Series) -> None:
        """Take one more series into account."""
        self.last_s = max(self.last_s, series.last_s)
        self.apps.add(series.metric.partition(".")[0].partition("_")[0])
        tags = set(series.tags)
        self.tags = tags if self.tags is None else self.tags & tags
        if series.metric.startswith(SYSTEM):
            self.system_tags = tags if self.system_tags is None else self.system_tags & tags

    def all_tags(self) -> list[str]:
        """Its tags, sorted, its name among them."""
        found = self.tags if self.system_tags is None else self.system_tags
        return sorted({*(found or ()), f"host:{self.name}"})


def routes(metrics: MetricStore, clock: Clock) -> list[web.RouteDef]:
    """`GET /api/v1/hosts` (filter, sort_field, sort_dir, start, count, from) and `GET /api/v1/hosts/totals`."""

    async def listing(request: web.Request) -> web.Response:
        fields, now_s = dict(request.query), int(clock.now().timestamp())
        start, count = read_int(fields, "start", 0), read_int(fields, "count", 100)
        if start < 0 or not 0 <= count <= COUNT_MAX:
            raise ApiError(400, f"start must not be negative, and count is {COUNT_MAX} at most.")
        hosts = await asyncio.to_thread(read_hosts, metrics, read_int(fields, "from", now_s - KNOWN_S), now_s)
        matching = [host for host in hosts if _matches(host, fields.get("filter", ""))]
        rows = _sorted([_show(host, is_up(host, now_s, clock.speed)) for host in matching], fields)
        page = rows[start : start + count]
        return answer_json({"host_list": page, "total_matching": len(rows), "total_returned": len(page)})

    async def totals(request: web.Request) -> web.Response:
        now_s = int(clock.now().timestamp())
        from_s = read_int(dict(request.query), "from", now_s - KNOWN_S)
        hosts = await asyncio.to_thread(read_hosts, metrics, from_s, now_s)
        up = sum(is_up(host, now_s, clock.speed) for host in hosts)
        return answer_json({"total_active": len(hosts), "total_up": up})

    return [web.get("/api/v1/hosts", listing), web.get("/api/v1/hosts/totals", totals)]


def is_up(host: Host, now_s: int, speed: float) -> bool:
    """Whether a point of *host* arrived lately."""
    return host.last_s >= now_s - max(UP_S_MIN, UP_S / speed)


def read_hosts(metrics: MetricStore, from_s: int, now_s: int) -> list[Host]:
    """The hosts with a point at *from_s* or later, by name, with their newest figures of the last five minutes."""
    hosts: dict[str, Host] = {}
    for series in metrics.series(None, from_s):
        if series.host:
            hosts.setdefault(series.host, Host(series.host)).see(series)
    for figure, metric in FIGURES.items():
        found = [series for series in metrics.series(metric, now_s - UP_S) if series.host in hosts]
        for series, (_, values) in zip(found, metrics.points(found, now_s - UP_S, now_s), strict=True):
            if values:
                hosts[series.host].figures[figure] = 100 - values[-1] if figure == "cpu" else values[-1]
    return [hosts[name] for name in sorted(hosts)]


def _matches(host: Host, wanted: str) -> bool:
    """Every word of *wanted* is a tag of the host or a part of its name, without regard to case."""
    tags = {tag.lower() for tag in host.all_tags()}
    words = wanted.lower().replace(",", " ").split()
    return all(word in tags or word in host.name.lower() for word in words)


def _show(host: Host, up: bool) -> dict[str, Any]:
    return {
        "id": int.from_bytes(host.name.encode()[-6:], "big"),
        "name": host.name,
        "host_name": host.name,
        "aliases": [host.name],
        "up": up,
        "is_muted": False,
        "mute_timeout": None,
        "last_reported_time": host.last_s,
        "apps": sorted(host.apps),
        "sources": ["agent"],
        "metrics": {figure: round(host.figures.get(figure, 0.0), 3) for figure in FIGURES},
        "tags_by_source": {"Datadog": host.all_tags()},
        "meta": {},
    }


def _sorted(rows: list[dict[str, Any]], fields: dict[str, str]) -> Sequence[dict[str, Any]]:
    name, direction = fields.get("sort_field", "name"), fields.get("sort_dir", "asc")
    if name not in SORTS or direction not in {"asc", "desc"}:
        raise ApiError(400, f"sort_field is one of {', '.join(SORTS)}; sort_dir is asc or desc.")
    return sorted(
        rows,
        key=lambda row: row["metrics"][name] if name in FIGURES else row[name],
        reverse=direction == "desc",
    )
