"""What pods and nodes cost: metrics.k8s.io/v1beta1 for `kubectl top`, and the kubelet's stats/summary.

Source of cpu and memory: the pods' process groups (memory: USS). Source of network: what the service proxies counted.
Both nodes are one machine, so a node's figures are those of its pods, and of the control plane on its own node.
Wire: https://github.com/kubernetes/metrics, https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

import os

from aiohttp import web

from oddsock.cluster.api.context import Context, context_of
from oddsock.cluster.api.media import answer
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.meters import WINDOW_S_MIN, Cost
from oddsock.cluster.status import MethodNotAllowed, NotFound
from oddsock.cluster.store import timestamp

GROUP = "metrics.k8s.io"
VERSION = "v1beta1"
ROOT = f"/apis/{GROUP}/{VERSION}/"
CONTAINER_ID = "oddsock://"
"""What stands before the number of its process in a container's id."""
CONTROL_PLANE_ROLE = "node-role.kubernetes.io/control-plane"


async def serve_metrics(request: web.Request, path: str) -> web.Response:
    """NodeMetrics and PodMetrics, of one or of all; *path* is below /apis/metrics.k8s.io/v1beta1/."""
    if request.method != "GET":
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    context, labels = context_of(request), request.query.get("labelSelector", "")
    match path.split("/"):
        case ["nodes"]:
            return answer(_list("Node", await _nodes(context, context.store.list("Node", labels=labels))))
        case ["nodes", name]:
            return answer((await _nodes(context, [context.store.get("Node", "", name)]))[0])
        case ["pods"]:
            return answer(_list("Pod", await _pods(context, context.store.list("Pod", labels=labels))))
        case ["namespaces", namespace, "pods"]:
            return answer(_list("Pod", await _pods(context, context.store.list("Pod", namespace, labels))))
        case ["namespaces", namespace, "pods", name]:
            if found := await _pods(context, [context.store.get("Pod", namespace, name)]):
                return answer(found[0])
            raise NotFound(f'podmetrics.metrics.k8s.io "{namespace}/{name}" not found')
    raise NotFound.resource()


async def serve_summary(request: web.Request, target: Target) -> web.Response:
    """The kubelet's summary of one node, below nodes/NAME/proxy/stats/summary; nothing else is behind that proxy."""
    if target.rest != "stats/summary" or request.method != "GET":
        raise NotFound.resource()
    context = context_of(request)
    node = context.store.get("Node", "", target.name)
    at = timestamp(context.clock.now())
    pods = _on_node(context, node)
    costs = await _costs(context, pods, with_own=True)
    return answer(
        {
            "node": {"nodeName": target.name, "startTime": None, **_stats(at, _node_cost(node, pods, costs))},
            "pods": [
                {
                    "podRef": {key: pod["metadata"][key] for key in ("name", "namespace", "uid")},
                    "startTime": (pod.get("status") or {}).get("startTime"),
                    "containers": [
                        {"name": name, "startTime": began, **_stats(at, costs[leader])}
                        for name, leader, began in _running(pod)
                        if leader in costs
                    ],
                    **_stats(at, _pod_cost(pod, costs)),
                    **_network(context, at, pod["metadata"]["uid"]),
                }
                for pod in pods
            ],
        }
    )


async def _nodes(context: Context, nodes: list[Obj]) -> list[Obj]:
    pods = [pod for node in nodes for pod in _on_node(context, node)]
    costs = await _costs(context, pods, with_own=True)
    return [
        {
            **_head(context, "NodeMetrics", node),
            "usage": _usage(_node_cost(node, _on_node(context, node), costs)),
        }
        for node in nodes
    ]


async def _pods(context: Context, pods: list[Obj]) -> list[Obj]:
    costs = await _costs(context, pods)
    rows = []
    for pod in pods:
        containers = [
            {"name": name, "usage": _usage(costs[leader])} for name, leader, _ in _running(pod) if leader in costs
        ]
        if containers:
            rows.append({**_head(context, "PodMetrics", pod), "containers": containers})
    return rows


async def _costs(context: Context, pods: list[Obj], with_own: bool = False) -> dict[int, Cost]:
    leaders = {leader for pod in pods for _, leader, _ in _running(pod)}
    return await context.meter.measure(leaders | ({os.getpgrp()} if with_own else set()))


def _on_node(context: Context, node: Obj) -> list[Obj]:
    return context.store.list("Pod", fields={"spec.nodeName": node["metadata"]["name"]})


def _running(pod: Obj) -> list[tuple[str, int, str]]:
    # (container, leader of its process group, when it began)
    rows = (pod.get("status") or {}).get("containerStatuses") or []
    return [
        (row["name"], int(row["containerID"].removeprefix(CONTAINER_ID)), row["state"]["running"].get("startedAt", ""))
        for row in rows
        if "running" in (row.get("state") or {}) and row.get("containerID", "").removeprefix(CONTAINER_ID).isdecimal()
    ]


def _pod_cost(pod: Obj, costs: dict[int, Cost]) -> Cost:
    return sum((costs.get(leader, Cost()) for _, leader, _ in _running(pod)), Cost())


def _node_cost(node: Obj, pods: list[Obj], costs: dict[int, Cost]) -> Cost:
    own = CONTROL_PLANE_ROLE in (node["metadata"].get("labels") or {})
    return sum((_pod_cost(pod, costs) for pod in pods), costs.get(os.getpgrp(), Cost()) if own else Cost())


def _head(context: Context, kind: str, obj: Obj) -> Obj:
    now, meta = context.clock.now(), obj["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace", "labels", "creationTimestamp") if key in meta}
    head = {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": kept}
    return {**head, "timestamp": timestamp(now), "window": f"{WINDOW_S_MIN:g}s"}


def _list(kind: str, items: list[Obj]) -> Obj:
    return {"kind": f"{kind}MetricsList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}


def _usage(cost: Cost) -> Obj:
    return {"cpu": f"{cost.cpu_nanocores}n", "memory": f"{cost.memory_bytes // 1024}Ki"}


def _stats(at: str, cost: Cost) -> Obj:
    memory = {"usageBytes": cost.memory_bytes, "workingSetBytes": cost.memory_bytes, "rssBytes": cost.rss_bytes}
    return {
        "cpu": {"time": at, "usageNanoCores": cost.cpu_nanocores, "usageCoreNanoSeconds": cost.cpu_ns},
        "memory": {"time": at, **memory},
    }


def _network(context: Context, at: str, uid: str) -> Obj:
    if context.pod_doors is None:
        return {}
    traffic = context.pod_doors.traffic(uid)
    return {"network": {"time": at, "name": "service-proxy", "rxBytes": traffic.received, "txBytes": traffic.sent}}
