"""Collector: kubernetes.* of pods and containers, from each node's stats/summary and the pods' own status.

Names and units are those of the Agent's kubelet check. Network bytes are what the service proxies counted, and labelled
`source:service-proxy`: on one machine a pod has no interface of its own in every mode.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from oddsock.kit.clock import Clock
from oddsock.telemetry.agent.api_server import ApiServer, Obj
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.tags import container_tags, deployment_tags, owner_tags, pod_tags

_QUANTITY = re.compile(r"([0-9.]+)([a-zA-Z]*)")
_UNITS = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1,
    **{unit: 1000.0**n for n, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": 1024.0**n for n, unit in enumerate("KMGT", 1)},
}


class Kubelet:
    """Reads every node; with *zero_when_scaled_down* a deployment without pods runs 0 of them."""

    name = "kubelet"

    def __init__(
        self,
        server: ApiServer,
        pods: Pods,
        clock: Clock,
        tags: Iterable[str],
        zero_when_scaled_down: bool = True,
    ) -> None:
        self._server = server
        self._pods = pods
        self._clock = clock
        self._tags = tuple(tags)
        self._zero_when_scaled_down = zero_when_scaled_down
        self._traffic: dict[str, tuple[float, int, int]] = {}

    async def collect(self, found: Findings) -> None:
        """kubernetes.cpu, .memory, .network of what runs; .pods and .containers of what should."""
        pods = self._pods.here()
        deployments = await self._server.items("/apis/apps/v1/deployments") if self._zero_when_scaled_down else []
        self._count(found, pods, deployments)
        for pod in pods:
            self._states(found, pod)
        traffic = self._traffic
        self._traffic = {}
        for node in await self._server.items("/api/v1/nodes"):
            name = node["metadata"]["name"]
            summary = await self._server.get(f"/api/v1/nodes/{name}/proxy/stats/summary")
            for row in summary.get("pods") or ():
                self._usage(found, row, name, traffic)

    def _count(self, found: Findings, pods: list[Obj], deployments: list[Obj]) -> None:
        running: Counter[tuple[str, ...]] = Counter()
        containers: Counter[tuple[str, ...]] = Counter()
        for deployment in deployments:
            meta = deployment["metadata"]
            owner = [f"kube_namespace:{meta['namespace']}", "kube_ownerref_kind:replicaset"]
            running[(*owner, *deployment_tags(meta["name"]))] = 0
        for pod in pods:
            if (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
                running[tuple(owner_tags(pod))] += 1
            for row in _statuses(pod):
                if "running" in (row.get("state") or {}):
                    image = [tag for tag in container_tags(pod, row["name"]) if "image" in tag.partition(":")[0]]
                    containers[(*owner_tags(pod), f"kube_container_name:{row['name']}", *image)] += 1
        for tags, number in running.items():
            found.gauge("kubernetes.pods.running", number, [*tags, *self._tags])
        for tags, number in containers.items():
            found.gauge("kubernetes.containers.running", number, [*tags, *self._tags])

    def _states(self, found: Findings, pod: Obj) -> None:
        host = str(pod["spec"].get("nodeName", ""))
        for row in _statuses(pod):
            # Without the id: a restart goes on with the same series.
            tags = [tag for tag in container_tags(pod, row["name"]) if not tag.startswith("container_id:")]
            tags += self._tags
            found.gauge("kubernetes.containers.restarts", row.get("restartCount", 0), tags, host)
            for metric, states in (("state", row.get("state")), ("last_state", row.get("lastState"))):
                for kind in ("waiting", "terminated"):
                    if reason := ((states or {}).get(kind) or {}).get("reason"):
                        name = f"kubernetes.containers.{metric}.{kind}"
                        found.gauge(name, 1, [*tags, f"reason:{reason.lower()}"], host)

    def _usage(self, found: Findings, row: Obj, host: str, traffic: dict[str, tuple[float, int, int]]) -> None:
        pod = self._pods.find(row["podRef"].get("uid", ""))
        if pod is None:
            return
        for container in row.get("containers") or ():
            tags = [*container_tags(pod, container["name"]), *self._tags]
            cpu, memory = container.get("cpu") or {}, container.get("memory") or {}
            values = {
                "kubernetes.cpu.usage.total": cpu.get("usageNanoCores"),
                "kubernetes.memory.usage": memory.get("usageBytes"),
                "kubernetes.memory.working_set": memory.get("workingSetBytes"),
                "kubernetes.memory.rss": memory.get("rssBytes"),
                **_asked_for(pod, container["name"]),
            }
            for metric, value in values.items():
                if value is not None:
                    found.gauge(metric, value, tags, host)
        if network := row.get("network"):
            self._network(found, pod, network, host, traffic)

    def _network(
        self, found: Findings, pod: Obj, network: Obj, host: str, traffic: dict[str, tuple[float, int, int]]
    ) -> None:
        uid, now = pod["metadata"]["uid"], self._clock.monotonic()
        received, sent = int(network.get("rxBytes") or 0), int(network.get("txBytes") or 0)
        self._traffic[uid] = (now, received, sent)
        last = traffic.get(uid)
        if last is None or now <= last[0]:
            return
        source = "service-proxy" if network.get("name") == "service-proxy" else "kubelet"
        tags = [*pod_tags(pod), f"source:{source}", *self._tags]
        found.gauge("kubernetes.network.rx_bytes", max(received - last[1], 0) / (now - last[0]), tags, host)
        found.gauge("kubernetes.network.tx_bytes", max(sent - last[2], 0) / (now - last[0]), tags, host)


def quantity(text: str) -> float | None:
    """A Kubernetes quantity as a number; None when it is none.

    >>> quantity("300m"), quantity("64Mi"), quantity("2")
    (0.3, 67108864.0, 2.0)
    """
    found = _QUANTITY.fullmatch(text)
    if found is None or found[2] not in _UNITS:
        return None
    return round(float(found[1]) * _UNITS[found[2]], 9)


def _asked_for(pod: Obj, container: str) -> dict[str, float | None]:
    rows: dict[str, float | None] = {}
    for one in pod["spec"].get("containers") or ():
        if one["name"] == container:
            for kind in ("limits", "requests"):
                for resource in ("cpu", "memory"):
                    asked: Any = ((one.get("resources") or {}).get(kind) or {}).get(resource)
                    rows[f"kubernetes.{resource}.{kind}"] = None if asked is None else quantity(str(asked))
    return rows


def _statuses(pod: Obj) -> list[Obj]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())
