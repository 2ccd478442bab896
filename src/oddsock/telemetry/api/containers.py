"""The containers, told from the metrics that carry a container_id: `GET /api/v2/containers`.

A container is running while points of it arrive and exited from then on; after `KNOWN_S` it is not listed any more. A
service whose pods are taken away therefore has no running container, and the ones that ran are shown as exited. When it
started is not told by metrics: `started_at` is the instant of its first point.
"""

import asyncio
import base64
import binascii
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.kit.clock import Clock, iso
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_int
from oddsock.telemetry.query.metric_scope import parse_scope
from oddsock.telemetry.query.metric_text import Text
from oddsock.telemetry.query.metric_tree import Everything, Scope, holds
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.store.metrics_index import NEVER_S, Series

RUNNING_S = 45
"""Three of the Agent's rounds, in plan seconds; never less than `RUNNING_S_MIN` wall seconds."""
RUNNING_S_MIN = 3
KNOWN_S = 900
"""In plan seconds; never less than `KNOWN_S_MIN` wall seconds."""
KNOWN_S_MIN = 60
PAGE_MAX, PAGE_DEFAULT = 10_000, 1_000
SORTS = ("name", "-name", "started_at", "-started_at")


@dataclass
class Container:
    """What the series of one container say; instants are seconds since 1970."""

    id: str
    host: str
    tags: set[str] = field(default_factory=set)
    first_s: int = NEVER_S
    last_s: int = 0

    def see(self, series: Series) -> None:
        """Take one more series into account."""
        self.first_s = min(self.first_s, series.first_s)
        self.last_s = max(self.last_s, series.last_s)
        self.tags.update(series.tags)

    def value(self, key: str) -> str:
        """The value of its tag *key*, empty without it."""
        return next((tag.partition(":")[2] for tag in sorted(self.tags) if tag.startswith(f"{key}:")), "")


def routes(metrics: MetricStore, clock: Clock) -> list[web.RouteDef]:
    """`GET /api/v2/containers` with filter[tags], group_by, sort, page[size] and page[cursor]."""

    async def listing(request: web.Request) -> web.Response:
        query, now_s = request.query, int(clock.now().timestamp())
        size = read_int(dict(query), "page[size]", PAGE_DEFAULT)
        if not 1 <= size <= PAGE_MAX:
            raise ApiError(400, f"page[size] is 1 to {PAGE_MAX}.")
        running_since_s = now_s - max(RUNNING_S_MIN, RUNNING_S / clock.speed)
        scope = _scope(query.get("filter[tags]", ""))
        known_since_s = now_s - round(max(KNOWN_S_MIN, KNOWN_S / clock.speed))
        found = await asyncio.to_thread(read_containers, metrics, scope, known_since_s)
        if query.get("group_by"):
            rows = _groups(found, [key.strip() for key in query["group_by"].split(",") if key.strip()])
        else:
            rows = [_show(one, one.last_s >= running_since_s) for one in found]
        rows = _sorted(rows, query.get("sort", ""))
        start = _read_cursor(query.get("page[cursor]", ""))
        page = rows[start : start + size]
        paging: dict[str, Any] = {"type": "cursor_limit", "limit": size, "total": len(rows), "prev_cursor": None}
        paging["cursor"] = query.get("page[cursor]", "")
        if start + size < len(rows):
            paging["next_cursor"] = _cursor(start + size)
        links = {"self": request.path_qs, "first": request.path, "next": None, "prev": None, "last": None}
        return answer_json({"data": page, "links": links, "meta": {"pagination": paging}})

    return [web.get("/api/v2/containers", listing)]


def read_containers(metrics: MetricStore, scope: Scope, from_s: int) -> list[Container]:
    """The containers in *scope* with a point at *from_s* or later, by name."""
    found: dict[str, Container] = {}
    for series in metrics.series(None, from_s):
        container_id = next((tag[13:] for tag in series.tags if tag.startswith("container_id:")), "")
        if container_id:
            found.setdefault(container_id, Container(container_id, series.host)).see(series)
    wanted = [one for one in found.values() if holds(scope, frozenset(_lower(one)))]
    return sorted(wanted, key=lambda one: (one.value("container_name"), one.value("pod_name"), one.id))


def _lower(container: Container) -> set[str]:
    return {tag.lower() for tag in container.tags} | {f"host:{container.host}".lower()}


def _scope(text: str) -> Scope:
    return parse_scope(Text(f"{{{text}}}"))[0] if text.strip() else Everything()


def _show(container: Container, is_running: bool) -> dict[str, Any]:
    image = container.value("image_name")
    tag = container.value("image_tag")
    began = iso(datetime.fromtimestamp(container.first_s, UTC))
    return {
        "type": "container",
        "id": container.id,
        "attributes": {
            "container_id": container.id,
            "name": container.value("container_name") or container.value("kube_container_name"),
            "image_name": image or None,
            "image_tags": [tag] if tag else None,
            "image_digest": None,
            "host": container.host,
            "state": "running" if is_running else "exited",
            "created_at": began,
            "started_at": began,
            "tags": sorted(container.tags),
        },
    }


def _groups(containers: list[Container], keys: list[str]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in containers:
        groups[tuple(one.value(key) for key in keys)].append(one.id)
    rows = []
    for values, members in sorted(groups.items()):
        name = ",".join(f"{key}:{value}" for key, value in zip(keys, values, strict=True))
        tags = {key: [value] if value else [] for key, value in zip(keys, values, strict=True)}
        related = f"/api/v2/containers?filter[tags]={quote(name)}"
        rows.append(
            {
                "type": "container_group",
                "id": name,
                "attributes": {"count": len(members), "tags": tags},
                "relationships": {"containers": {"data": members, "links": {"related": related}}},
            }
        )
    return rows


def _sorted(rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    if not order:
        return rows
    if order not in SORTS:
        raise ApiError(400, f"sort is one of {', '.join(SORTS)}.")
    key = order.removeprefix("-")
    return sorted(rows, key=lambda row: str(row["attributes"].get(key, row["id"])), reverse=order.startswith("-"))


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        start = int(base64.urlsafe_b64decode(cursor.encode()) or b"0")
    except (ValueError, binascii.Error):
        start = -1
    if start < 0:
        raise ApiError(400, "page[cursor] is none of ours: take meta.pagination.next_cursor of the page before.")
    return start
