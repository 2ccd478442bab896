"""Infrastructure: deployments, pods, Services with their endpoints and nodes as the cluster tells them, and the hosts
and containers that telemetry knows: views 1 to 3 of the report."""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Node
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import Page
from oddsock.kit.errors import Forbidden, OddsockError


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """/infrastructure[?query=TAGS] and its twin; the tags narrow what telemetry knows."""

    async def read(request: web.Request) -> dict[str, Any]:
        cluster = await desk.cluster()
        query = request.query.get("query", "").strip()
        return {"query": query, **await read_cluster(cluster), **await _read_telemetry(desk, query)}

    return Page("/infrastructure", "Infrastructure", "infrastructure.html", read).routes()


async def read_cluster(cluster: ClusterDoor) -> dict[str, Any]:
    """Everything of the namespace at one time; nodes are left out where the account may not see them."""
    deployments, pods, services, endpoints, events, nodes = await asyncio.gather(
        cluster.deployments(),
        cluster.pods(),
        cluster.services(),
        cluster.endpoints(),
        cluster.events(),
        _nodes(cluster),
    )
    behind = {one.name: one.addresses for one in endpoints}
    return {
        "namespace": cluster.namespace,
        "server": cluster.server,
        "summary": _summary([pod.phase for pod in pods], [one.ready for one in pods]),
        "deployments": deployments,
        "pods": pods,
        "services": [{"service": one, "addresses": behind.get(one.name, [])} for one in services],
        "nodes": nodes,
        "events": events[::-1][:100],
    }


def _summary(phases: list[str], ready: list[bool]) -> dict[str, Any]:
    return {"pods": len(phases), "ready": sum(ready), "phases": dict(Counter(phases))}


async def _nodes(cluster: ClusterDoor) -> list[Node]:
    try:
        return await cluster.nodes()
    except Forbidden:
        return []


async def _read_telemetry(desk: Desk, query: str) -> dict[str, Any]:
    """Hosts and containers with *query*'s tags; the reason in their place when telemetry cannot be asked."""
    try:
        door: TelemetryDoor = desk.telemetry()
        hosts, containers = await asyncio.gather(door.hosts(query), door.containers(",".join(query.split())))
    except OddsockError as cause:
        return {"hosts": [], "containers": [], "telemetry_away": str(cause)}
    return {"hosts": hosts, "containers": containers, "telemetry_away": ""}
