"""What pods cost, evictions, and which node takes pods: over the wire and by kubectl."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from oddsock.kit.clock import SystemClock, wait_for

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import Pods

Kubectl = Callable[..., Awaitable[str]]

METRICS = "apis/metrics.k8s.io/v1beta1"
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "payment"}}
POD = "api/v1/namespaces/sock-shop/pods/payment"
GONE_S_MAX = 10.0


async def test_a_running_pod_costs_memory_and_a_node_what_its_pods_cost(pods: "Pods") -> None:
    async with pods.session.get(f"{METRICS}/namespaces/sock-shop/pods/payment") as answered:
        row = (await answered.json())["containers"][0]
    assert row["name"] == "payment"
    assert int(row["usage"]["memory"].removesuffix("Ki")) > 1000
    assert int(row["usage"]["cpu"].removesuffix("n")) > 0
    async with pods.session.get(f"{METRICS}/nodes") as answered:
        nodes = {row["metadata"]["name"]: row["usage"] for row in (await answered.json())["items"]}
    assert int(nodes["sockshop-worker"]["memory"].removesuffix("Ki")) > 1000
    async with pods.session.get(f"{METRICS}/namespaces/sock-shop/pods/nope") as answered:
        assert answered.status == 404


async def test_the_summary_of_a_node_tells_the_bytes_that_went_through_services(pods: "Pods") -> None:
    async with pods.session.get("api/v1/namespaces/sock-shop/services/payment/proxy/health") as answered:
        assert await answered.text() == "OK\n"

    async def counted() -> int:
        async with pods.session.get("api/v1/nodes/sockshop-worker/proxy/stats/summary") as answered:
            (pod,) = (await answered.json())["pods"]
        assert pod["podRef"]["name"] == "payment"
        assert pod["containers"][0]["memory"]["workingSetBytes"] == pod["memory"]["workingSetBytes"] > 0
        return int(pod["network"]["txBytes"])

    assert await wait_for(counted, SystemClock(), GONE_S_MAX, poll_s=0.05)
    async with pods.session.get("api/v1/nodes/sockshop-worker/proxy/metrics") as answered:
        assert answered.status == 404


async def test_an_eviction_in_rehearsal_evicts_nobody_and_a_real_one_does(pods: "Pods") -> None:
    for rehearsal in (
        {"params": {"dryRun": "All"}, "json": EVICTION},
        {"json": {**EVICTION, "deleteOptions": {"dryRun": ["All"]}}},
    ):
        async with pods.session.post(f"{POD}/eviction", **rehearsal) as answered:
            assert answered.status == 201
        async with pods.session.get(POD) as answered:
            assert "deletionTimestamp" not in (await answered.json())["metadata"]
    # As the official Python client sends it.
    async with pods.session.post(f"{POD}/eviction", json={"metadata": {"name": "payment"}}) as answered:
        assert answered.status == 201

    async def is_gone() -> bool:
        async with pods.session.get(POD) as answered:
            return answered.status == 404

    assert await wait_for(is_gone, SystemClock(), GONE_S_MAX, poll_s=0.02)


async def test_what_is_no_eviction_of_this_pod_is_refused(pods: "Pods") -> None:
    for body in ({**EVICTION, "kind": "Pod"}, {**EVICTION, "metadata": {"name": "orders"}}):
        async with pods.session.post(f"{POD}/eviction", json=body) as answered:
            assert answered.status == 400


async def test_kubectl_shows_what_pods_and_nodes_cost(kubectl_in_pods: Kubectl) -> None:
    rows = [line.split() for line in (await kubectl_in_pods("top", "pods")).splitlines()]
    assert rows[0] == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert rows[1][0] == "payment"
    assert rows[1][2].endswith("Mi")
    assert "sockshop-worker" in await kubectl_in_pods("top", "nodes")


async def test_kubectl_drains_a_node_by_evictions_and_gives_it_back(kubectl_in_pods: Kubectl) -> None:
    printed = await kubectl_in_pods("drain", "sockshop-worker", "--force", "--dry-run=server")
    assert "(server dry run)" in printed
    assert "payment" in await kubectl_in_pods("get", "pods")
    printed = await kubectl_in_pods("drain", "sockshop-worker", "--force")
    assert "pod/payment evicted" in printed
    assert "SchedulingDisabled" in await kubectl_in_pods("get", "node", "sockshop-worker")
    assert "uncordoned" in await kubectl_in_pods("uncordon", "sockshop-worker")
