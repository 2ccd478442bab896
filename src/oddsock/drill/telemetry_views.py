"""Point-in-time views through the client: deployments as their metrics tell them, containers, hosts."""

from typing import Any

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.records import Series

LOOK_BACK_S = 120
"""How old a deployment's newest number may be, in wall seconds."""

NUMBERS = {
    "wanted": ("kubernetes_state.deployment.replicas_desired", "kube_deployment"),
    "available": ("kubernetes_state.deployment.replicas_available", "kube_deployment"),
    "endpoints": ("kubernetes_state.endpoint.address_available", "kube_service"),
}
"""The orchestration explorer has no public API, so its numbers are read as metrics."""


async def read_view(door: TelemetryDoor, kind: str, filter_: str, now_s: int) -> list[dict[str, Any]]:
    """The rows of a view of *kind* that *filter_* names, as they stand at *now_s*; the errors of the client."""
    if kind == "hosts":
        return [
            {"name": host.name, "is_up": host.is_up, "apps": list(host.apps), "metrics": host.metrics}
            for host in await door.hosts(filter_)
        ]
    if kind == "containers":
        return [
            {
                "name": one.name,
                "state": one.state,
                "host": one.host,
                "deployment": one.tag("kube_deployment"),
                "pod": one.tag("pod_name"),
                "started_at": one.started_at,
            }
            for one in await door.containers(",".join(filter_.split()))
        ]
    rows: dict[str, dict[str, Any]] = {}
    scope = ",".join(filter_.split())
    for name, (metric, tag) in NUMBERS.items():
        found = await door.query_metric(f"max:{metric}{{{scope}}} by {{{tag}}}", now_s - LOOK_BACK_S, now_s + 1)
        for series in found.rows:
            group, value = _group(series, tag), _last(series)
            if group and value is not None:
                rows.setdefault(group, {"deployment": group})[name] = value
    return [rows[group] for group in sorted(rows)]


def _group(series: Series, tag: str) -> str:
    told = [*series.tags, *series.scope.split(",")]
    return next((one.partition(":")[2] for one in told if one.partition(":")[0] == tag), "")


def _last(series: Series) -> float | None:
    return next((value for _, value in reversed(series.points) if value is not None), None)
