"""Collectors over recorded answers of a cluster: which metrics, values, tags; and what they do when it is away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, OddsockError
from oddsock.telemetry.agent.api_server import ApiServer
from oddsock.telemetry.agent.cluster_state import ClusterState
from oddsock.telemetry.agent.connectivity import Connectivity
from oddsock.telemetry.agent.heartbeat import Heartbeat
from oddsock.telemetry.agent.kubelet import Kubelet
from oddsock.telemetry.agent.machine import Machine
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.series import Findings
from oddsock.telemetry.agent.settings import Probe
from oddsock.telemetry.agent.shop import Shop, samples

TAGS = ("kube_cluster_name:sockshop-kind",)


def _pod(name: str, uid: str, **status: Any) -> dict[str, Any]:
    image = f"oddsock/sock-shop-{name.partition('-')[0]}:1.0"
    container = {"name": name.partition("-")[0], "image": image, "resources": {"limits": {"cpu": "300m"}}}
    state = {"name": container["name"], "containerID": f"oddsock://{uid}1", "ready": True, "restartCount": 2}
    state |= {"state": {"running": {"startedAt": "2025-10-30T08:00:00Z"}}}
    owner = {"kind": "ReplicaSet", "name": name.rpartition("-")[0], "controller": True}
    return {
        "metadata": {"name": name, "namespace": "sock-shop", "uid": uid, "ownerReferences": [owner]},
        "spec": {"nodeName": "sockshop-worker", "containers": [container]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{**state, **status}],
        },
    }


def _deployment(name: str, replicas: int) -> dict[str, Any]:
    have = {"replicas": replicas, "availableReplicas": replicas} if replicas else {}
    return {"metadata": {"name": name, "namespace": "sock-shop"}, "spec": {"replicas": replicas}, "status": have}


def _node(name: str) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True"}
    labels = {"oddsock.dev/machine": "same"}
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": [ready]}}


class Cluster:
    """Answers as an API server does, from a table of paths that tests change."""

    def __init__(self) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {
            "/api/v1/nodes": [_node("sockshop-control-plane"), _node("sockshop-worker")],
            "/apis/apps/v1/deployments": [_deployment("orders", 1), _deployment("payment", 0)],
            "/apis/apps/v1/replicasets": [],
            "/api/v1/services": [{"metadata": {"name": "payment", "namespace": "sock-shop"}, "spec": {}}],
            "/api/v1/endpoints": [{"metadata": {"name": "payment", "namespace": "sock-shop"}}],
        }
        self.documents: dict[str, Any] = {}
        self.texts: dict[str, tuple[int, str]] = {}
        self.server = ApiServer(
            httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer), base_url="http://127.0.0.1:1"), "here"
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path in self.texts:
            status, text = self.texts[path]
            return httpx2.Response(status, text=text)
        if path in self.documents:
            return httpx2.Response(200, json=self.documents[path])
        if path in self.items:
            return httpx2.Response(200, json={"metadata": {"resourceVersion": "1"}, "items": self.items[path]})
        return httpx2.Response(404, json={"kind": "Status", "message": "not here"})

    def summary(self, received: int, sent: int) -> None:
        """Orders has taken and sent so many bytes by now."""
        pod = {
            "podRef": {"name": "orders-7d9c8b6f5d-x2v4k", "namespace": "sock-shop", "uid": "a"},
            "containers": [
                {"name": "orders", "cpu": {"usageNanoCores": 7000}, "memory": {"usageBytes": 5, "rssBytes": 9}}
            ],
            "network": {"name": "service-proxy", "rxBytes": received, "txBytes": sent},
        }
        self.documents["/api/v1/nodes/sockshop-worker/proxy/stats/summary"] = {"pods": [pod]}
        self.documents["/api/v1/nodes/sockshop-control-plane/proxy/stats/summary"] = {"pods": []}


@pytest.fixture
def cluster() -> Cluster:
    """A cluster with one pod of orders and a payment that is scaled to zero."""
    return Cluster()


@pytest.fixture
def pods() -> Pods:
    """The pods as a watch has told them."""
    known = Pods()
    known.replace([_pod("orders-7d9c8b6f5d-x2v4k", "a")])
    return known


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """An agent's memory."""
    made = Memory.open(tmp_path)
    yield made
    made.close()


def _of(found: Findings, metric: str, *tags: str) -> list[float]:
    rows = [row for row in found.series if row["metric"] == metric and set(tags) <= set(row["tags"])]
    return [row["points"][0]["value"] for row in rows]


async def test_a_scaled_down_deployment_runs_zero_pods_on_the_series_it_had(cluster: Cluster, pods: Pods) -> None:
    cluster.summary(0, 0)
    kubelet = Kubelet(cluster.server, pods, ManualClock(), TAGS)
    found = Findings(1)
    await kubelet.collect(found)
    assert _of(found, "kubernetes.pods.running", "deployment:orders", "kube_deployment:orders") == [1]
    assert _of(found, "kubernetes.pods.running", "deployment:payment") == [0]
    zero = next(row for row in found.series if "deployment:payment" in row["tags"])
    pods.change("ADDED", _pod("payment-7d9c8b6f5d-x2v4k", "b"))
    again = Findings(2)
    await kubelet.collect(again)
    one = next(row for row in again.series if "deployment:payment" in row["tags"] and row["metric"] == zero["metric"])
    assert (set(one["tags"]), one["points"][0]["value"]) == (set(zero["tags"]), 1)


async def test_told_as_the_real_agent_does_the_series_of_a_scaled_down_deployment_stops(
    cluster: Cluster, pods: Pods
) -> None:
    cluster.summary(0, 0)
    found = Findings(1)
    await Kubelet(cluster.server, pods, ManualClock(), TAGS, zero_when_scaled_down=False).collect(found)
    assert _of(found, "kubernetes.pods.running", "deployment:payment") == []


async def test_usage_and_restarts_are_told_of_the_container_by_its_pod(cluster: Cluster, pods: Pods) -> None:
    cluster.summary(0, 0)
    found = Findings(1)
    await Kubelet(cluster.server, pods, ManualClock(), TAGS).collect(found)
    name = "pod_name:orders-7d9c8b6f5d-x2v4k"
    assert _of(found, "kubernetes.cpu.usage.total", name, "container_id:a1") == [7000]
    assert _of(found, "kubernetes.memory.usage", name) == [5]
    assert _of(found, "kubernetes.memory.rss", name) == [9]
    assert _of(found, "kubernetes.cpu.limits", name) == [0.3]
    assert _of(found, "kubernetes.containers.restarts", name) == [2]
    assert {row["resources"][0]["name"] for row in found.series if name in row["tags"]} == {"sockshop-worker"}


async def test_a_waiting_container_says_why(cluster: Cluster, pods: Pods) -> None:
    cluster.summary(0, 0)
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"reason": "Error"}}}
    pods.replace([_pod("orders-7d9c8b6f5d-x2v4k", "a", **waiting)])
    found = Findings(1)
    await Kubelet(cluster.server, pods, ManualClock(), TAGS).collect(found)
    assert _of(found, "kubernetes.containers.state.waiting", "reason:crashloopbackoff") == [1]
    assert _of(found, "kubernetes.containers.last_state.terminated", "reason:error") == [1]
    assert _of(found, "kubernetes.containers.running") == []


async def test_network_bytes_are_a_rate_and_say_who_counted_them(cluster: Cluster, pods: Pods) -> None:
    clock = ManualClock()
    kubelet = Kubelet(cluster.server, pods, clock, TAGS)
    cluster.summary(100, 10)
    first = Findings(1)
    await kubelet.collect(first)
    assert _of(first, "kubernetes.network.rx_bytes") == []
    clock.advance(2)
    cluster.summary(300, 20)
    found = Findings(3)
    await kubelet.collect(found)
    assert _of(found, "kubernetes.network.rx_bytes", "source:service-proxy", "deployment:orders") == [100]
    assert _of(found, "kubernetes.network.tx_bytes", "source:service-proxy") == [5]


async def test_what_the_cluster_wants_and_has_is_told(cluster: Cluster, pods: Pods) -> None:
    found = Findings(1)
    await ClusterState(cluster.server, pods, (), TAGS).collect(found)
    for name, value in (("replicas_desired", 0), ("replicas_available", 0), ("replicas", 0)):
        assert _of(found, f"kubernetes_state.deployment.{name}", "deployment:payment") == [value]
    assert _of(found, "kubernetes_state.deployment.replicas_available", "kube_deployment:orders") == [1]
    assert _of(found, "kubernetes_state.service.count", "kube_namespace:sock-shop") == [1]
    assert _of(found, "kubernetes_state.endpoint.address_available", "kube_service:payment") == [0]
    assert _of(found, "kubernetes_state.pod.status_phase", "deployment:orders", "pod_phase:running") == [1]
    assert _of(found, "kubernetes_state.node.count") == [2]


async def test_both_nodes_are_told_the_one_machine_they_are(cluster: Cluster) -> None:
    machine, found = Machine(cluster.server, TAGS), Findings(1)
    await machine.collect(found)
    hosts = {row["resources"][0]["name"] for row in found.series if row["metric"] == "system.mem.total"}
    assert hosts == {"sockshop-control-plane", "sockshop-worker"}
    assert len(set(_of(found, "system.mem.total"))) == 1


async def test_the_heart_beats_for_the_nodes_that_were_known_while_the_cluster_is_away(cluster: Cluster) -> None:
    heart = Heartbeat(cluster.server, TAGS)
    await heart.collect(Findings(1))
    del cluster.items["/api/v1/nodes"]
    found = Findings(2)
    with pytest.raises(OddsockError):
        await heart.collect(found)
    assert _of(found, "datadog.agent.running") == [1, 1]


PAYMENT = "/api/v1/namespaces/sock-shop/services/payment:80/proxy/health"
REFUSED = '{"kind":"Status","message":"no endpoints available for service \\"payment:80\\""}'


@pytest.mark.parametrize(
    ("answer", "value", "status", "said"),
    [
        ((200, '{"health":[]}'), 1, 0, ""),
        ((500, "boom"), 1, 1, "payment answered 500"),
        ((503, REFUSED), 0, 2, 'no endpoints available for service "payment:80"'),
    ],
)
async def test_payment_can_be_connected_to_when_it_answers_itself(
    cluster: Cluster, answer: tuple[int, str], value: int, status: int, said: str
) -> None:
    cluster.texts[PAYMENT] = answer
    found = Findings(1)
    await Connectivity(cluster.server, Probe(name="payment", namespace="sock-shop"), "", TAGS).collect(found)
    assert _of(found, "network.tcp.can_connect", "deployment:payment") == [value]
    assert (found.checks[0]["check"], found.checks[0]["status"]) == ("payment.can_connect", status)
    assert found.checks[0].get("message", "") == said


METRICS = "/api/v1/namespaces/sock-shop/services/orders:80/proxy/metrics"


def _told(created: int, seconds: float = 0.0) -> tuple[int, str]:
    lines = [
        "# TYPE shop_orders_created_total counter",
        f"shop_orders_created_total {created}",
        f'shop_orders_by_status_total{{status="PAID"}} {created}',
        f'shop_order_duration_seconds_sum{{outcome="ok"}} {seconds}',
        f'shop_order_duration_seconds_count{{outcome="ok"}} {created}',
    ]
    return 200, "\n".join(lines) + "\n"


async def test_orders_are_counted_by_their_growth_over_restarts_of_agent_and_pod(
    cluster: Cluster, pods: Pods, memory: Memory
) -> None:
    def shop() -> Shop:
        return Shop(cluster.server, pods, memory, "sock-shop/orders:80", TAGS)

    counted = []
    reader = shop()
    for told in (2, 5, 9):
        if told == 9:
            reader = shop()
        cluster.texts[METRICS] = _told(told)
        found = Findings(told)
        await reader.collect(found)
        counted += _of(found, "shop.orders.created", "deployment:orders")
    assert counted == [2, 3, 4]
    pods.replace([_pod("orders-7d9c8b6f5d-zzzzz", "b")])
    cluster.texts[METRICS] = _told(1)
    found = Findings(20)
    await shop().collect(found)
    assert _of(found, "shop.orders.created") == [1]
    assert _of(found, "shop.orders.by_status", "status:paid") == [1]


async def test_the_duration_of_an_order_is_the_mean_of_those_since_the_last_reading(
    cluster: Cluster, pods: Pods, memory: Memory
) -> None:
    shop = Shop(cluster.server, pods, memory, "sock-shop/orders:80", TAGS)
    cluster.texts[METRICS] = _told(2, 1.0)
    await shop.collect(Findings(1))
    cluster.texts[METRICS] = _told(4, 4.0)
    found = Findings(2)
    await shop.collect(found)
    assert _of(found, "shop.order.duration", "outcome:ok") == [1.5]
    silent = Findings(3)
    await shop.collect(silent)
    assert _of(silent, "shop.order.duration") == []


async def test_the_orders_of_a_pod_that_was_long_there_are_no_news(
    cluster: Cluster, pods: Pods, memory: Memory
) -> None:
    old = _pod("orders-7d9c8b6f5d-x2v4k", "a")
    old["status"]["startTime"] = "2025-10-30T08:00:00Z"
    pods.replace([old])
    shop, at_s = Shop(cluster.server, pods, memory, "sock-shop/orders:80", TAGS), 1761812640
    counted = []
    for told in (700, 702):
        cluster.texts[METRICS] = _told(told)
        found = Findings(at_s + told)
        await shop.collect(found)
        counted += _of(found, "shop.orders.created")
    assert counted == [0, 2]


async def test_a_shop_that_is_away_is_told_and_counts_nothing(cluster: Cluster, pods: Pods, memory: Memory) -> None:
    cluster.texts[METRICS] = (503, REFUSED)
    with pytest.raises(CannotRun, match="no endpoints available"):
        await Shop(cluster.server, pods, memory, "sock-shop/orders:80", TAGS).collect(Findings(1))


def test_a_prometheus_text_is_read_by_its_samples() -> None:
    text = '# HELP a b\na 1\nb{c="d\\"e",f="g"} 2.5\nnot a sample\nd NaN2\n'
    assert [(one.name, one.labels, one.value) for one in samples(text)] == [
        ("a", (), 1.0),
        ("b", (("c", 'd\\"e'), ("f", "g")), 2.5),
    ]
