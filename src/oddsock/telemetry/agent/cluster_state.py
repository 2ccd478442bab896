"""Collector: kubernetes_state.* of deployments, ReplicaSets, Services, endpoints, pods, nodes, as the API has them.

Names are those of the Agent's kubernetes_state_core check.
"""

from collections import Counter
from collections.abc import Iterable

from oddsock.telemetry.agent.api_server import ApiServer, Obj
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.tags import deployment_of, deployment_tags, owner_tags, pod_tags


class ClusterState:
    """Reads what the cluster wants and what it has."""

    name = "kubernetes_state"

    def __init__(self, server: ApiServer, pods: Pods, namespaces: tuple[str, ...], tags: Iterable[str]) -> None:
        self._server = server
        self._pods = pods
        self._namespaces = namespaces
        self._tags = tuple(tags)

    async def collect(self, found: Findings) -> None:
        """One reading of each kind."""
        self._deployments(found, await self._items("/apis/apps/v1/deployments"))
        self._replica_sets(found, await self._items("/apis/apps/v1/replicasets"))
        self._services(found, await self._items("/api/v1/services"))
        self._endpoints(found, await self._items("/api/v1/endpoints"))
        self._pod_states(found, self._pods.here())
        self._nodes(found, await self._server.items("/api/v1/nodes"))

    async def _items(self, path: str) -> list[Obj]:
        rows = await self._server.items(path)
        return [row for row in rows if not self._namespaces or row["metadata"].get("namespace") in self._namespaces]

    def _deployments(self, found: Findings, rows: list[Obj]) -> None:
        for row in rows:
            meta, status = row["metadata"], row.get("status") or {}
            tags = [f"kube_namespace:{meta['namespace']}", *deployment_tags(meta["name"]), *self._tags]
            values = {
                "replicas": status.get("replicas", 0),
                "replicas_desired": row["spec"].get("replicas", 1),
                "replicas_available": status.get("availableReplicas", 0),
                "replicas_unavailable": status.get("unavailableReplicas", 0),
                "replicas_updated": status.get("updatedReplicas", 0),
                "replicas_ready": status.get("readyReplicas", 0),
            }
            for name, value in values.items():
                found.gauge(f"kubernetes_state.deployment.{name}", value, tags)
        self._number(found, "deployment", rows)

    def _replica_sets(self, found: Findings, rows: list[Obj]) -> None:
        for row in rows:
            meta, status = row["metadata"], row.get("status") or {}
            name = deployment_of(meta["name"])
            tags = [f"kube_namespace:{meta['namespace']}", f"kube_replica_set:{meta['name']}", *self._tags]
            tags += deployment_tags(name) if name else []
            found.gauge("kubernetes_state.replicaset.replicas", status.get("replicas", 0), tags)
            found.gauge("kubernetes_state.replicaset.replicas_ready", status.get("readyReplicas", 0), tags)
            found.gauge("kubernetes_state.replicaset.replicas_desired", row["spec"].get("replicas", 1), tags)

    def _services(self, found: Findings, rows: list[Obj]) -> None:
        kinds = Counter((row["metadata"]["namespace"], row["spec"].get("type") or "ClusterIP") for row in rows)
        for (namespace, kind), number in kinds.items():
            tags = [f"kube_namespace:{namespace}", f"type:{kind}", *self._tags]
            found.gauge("kubernetes_state.service.count", number, tags)

    def _endpoints(self, found: Findings, rows: list[Obj]) -> None:
        for row in rows:
            meta, parts = row["metadata"], row.get("subsets") or ()
            tags = [f"kube_namespace:{meta['namespace']}", f"kube_endpoint:{meta['name']}"]
            tags += [f"kube_service:{meta['name']}", *self._tags]
            ready = sum(len(part.get("addresses") or ()) for part in parts)
            not_ready = sum(len(part.get("notReadyAddresses") or ()) for part in parts)
            found.gauge("kubernetes_state.endpoint.address_available", ready, tags)
            found.gauge("kubernetes_state.endpoint.address_not_ready", not_ready, tags)

    def _pod_states(self, found: Findings, pods: list[Obj]) -> None:
        phases: Counter[tuple[str, ...]] = Counter()
        for pod in pods:
            status, host = pod.get("status") or {}, str(pod["spec"].get("nodeName", ""))
            phases[(*owner_tags(pod), f"pod_phase:{str(status.get('phase', 'Unknown')).lower()}")] += 1
            tags = [*pod_tags(pod), *self._tags]
            conditions = {row.get("type"): row.get("status") for row in status.get("conditions") or ()}
            found.gauge("kubernetes_state.pod.ready", 1 if conditions.get("Ready") == "True" else 0, tags, host)
            for row in status.get("containerStatuses") or ():
                own = [*tags, f"kube_container_name:{row['name']}"]
                is_running = 1 if "running" in (row.get("state") or {}) else 0
                found.gauge("kubernetes_state.container.running", is_running, own, host)
                found.gauge("kubernetes_state.container.ready", 1 if row.get("ready") else 0, own, host)
                found.gauge("kubernetes_state.container.restarts", row.get("restartCount", 0), own, host)
        for group, number in phases.items():
            found.gauge("kubernetes_state.pod.status_phase", number, [*group, *self._tags])

    def _nodes(self, found: Findings, rows: list[Obj]) -> None:
        found.gauge("kubernetes_state.node.count", len(rows), self._tags)
        for row in rows:
            name = row["metadata"]["name"]
            conditions = {one.get("type"): one.get("status") for one in (row.get("status") or {}).get("conditions", ())}
            is_ready = conditions.get("Ready") == "True"
            tags = [f"kube_node:{name}", *self._tags]
            found.gauge("kubernetes_state.node.by_condition", 1, [*tags, "condition:ready", f"status:{is_ready}"], name)
            found.check("kubernetes_state.node.ready", 0 if is_ready else 2, tags, name)

    def _number(self, found: Findings, kind: str, rows: list[Obj]) -> None:
        for namespace, number in Counter(row["metadata"]["namespace"] for row in rows).items():
            found.gauge(f"kubernetes_state.{kind}.count", number, [f"kube_namespace:{namespace}", *self._tags])
