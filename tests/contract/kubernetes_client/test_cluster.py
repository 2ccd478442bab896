"""The Kubernetes client against our own API server: reads, writes, who wrote, refusals."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.doors import ClusterDoors
from oddsock.clients.sockshop.shop import Shop
from oddsock.kit.errors import CannotRun, Forbidden, Unreachable, UsageError

Connect = Callable[..., Awaitable[Cluster]]
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"


async def _patch_as(world: Any, manager: str, path: str, patch: object, content_type: str) -> None:
    """Change something as another client would."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer a-token-of-the-test"}) as session:
        url = f"{world.url}/apis/apps/v1/namespaces/sock-shop/deployments/{path}?fieldManager={manager}"
        async with session.patch(url, json=patch, headers={"Content-Type": content_type}) as answer:
            assert answer.status == 200, await answer.text()


async def test_the_client_is_what_the_drill_asks_for(cluster: Cluster) -> None:
    door: ClusterDoor = cluster
    assert (await door.version()).startswith("v1.32")
    assert await door.namespace_annotations() == {"oddsock.dev/drills": "allowed"}


async def test_the_address_is_shown_without_the_account(cluster: Cluster, world: Any) -> None:
    assert cluster.server == world.url


async def test_a_deployment_is_read_with_its_counts(cluster: Cluster) -> None:
    (row,) = await cluster.deployments()
    assert (row.name, row.replicas, row.ready, row.updated, row.container) == ("payment", 2, 2, 2, "payment")
    assert row.is_settled
    assert await cluster.deployment("payment") == row
    assert await cluster.deployment("stripe") is None
    with pytest.raises(CannotRun, match="has no deployment stripe in namespace sock-shop"):
        await cluster.replicas("stripe")


async def test_pods_services_endpoints_events_and_nodes_are_flat_rows(cluster: Cluster) -> None:
    (pod,) = await cluster.pods("name=payment")
    assert (pod.deployment, pod.phase, pod.ready, pod.restarts, pod.ip) == ("payment", "Running", True, 3, "10.244.1.3")
    assert await cluster.pods("name=orders") == []
    assert [row.name for row in await cluster.services()] == ["mailbox", "payment"]
    assert {row.name: row.addresses for row in await cluster.endpoints()} == {
        "mailbox": [],
        "payment": ["10.244.1.3:8080"],
    }
    (event,) = await cluster.events()
    assert (event.reason, event.kind, event.name, event.at) == (
        "ScalingReplicaSet",
        "Deployment",
        "payment",
        "2025-10-30T08:20:50.000Z",
    )
    assert [(row.name, row.ready) for row in await cluster.nodes()] == [("sockshop-worker", True)]


async def test_scaling_is_signed_and_makes_the_status_old(cluster: Cluster) -> None:
    await cluster.scale("payment", 0)
    row = await cluster.deployment("payment")
    assert row is not None
    assert (row.replicas, row.is_observed, row.is_settled) == (0, False, False)
    writer = await cluster.last_writer("payment", "spec.replicas")
    assert writer is not None
    assert str(writer) == "oddsock at 2025-10-30T08:24:00.000Z"


async def test_the_last_of_two_writers_is_named(cluster: Cluster, world: Any) -> None:
    await cluster.scale("payment", 0)
    world.clock.advance(60)
    await _patch_as(world, "kubectl", "payment/scale", {"spec": {"replicas": 3}}, MERGE)
    assert await cluster.replicas("payment") == 3
    assert str(await cluster.last_writer("payment", "spec.replicas")) == "kubectl at 2025-10-30T08:25:00.000Z"


async def test_variables_are_set_and_taken_away_one_by_one(cluster: Cluster, world: Any) -> None:
    assert await cluster.env("payment") == {"DECLINE_LIMIT": "105.00"}
    await cluster.set_env("payment", {"DECLINE_LIMIT": "1.00", "NEW": "x"})
    assert await cluster.env("payment") == {"DECLINE_LIMIT": "1.00", "NEW": "x"}
    assert str(await cluster.last_writer("payment", "env.payment.DECLINE_LIMIT")).startswith("oddsock at ")
    await cluster.set_env("payment", {"NEW": None})
    assert await cluster.env("payment") == {"DECLINE_LIMIT": "1.00"}
    assert await cluster.last_writer("payment", "env.payment.NEW") is None
    kept = world.store.get("Deployment", "sock-shop", "payment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}} in kept


async def test_the_writer_of_a_variable_is_named(cluster: Cluster, world: Any) -> None:
    patch = {
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "payment", "env": [{"name": "DECLINE_LIMIT", "value": "9"}]}]}
            }
        }
    }
    await _patch_as(world, "kubectl-set", "payment", patch, STRATEGIC)
    writer = await cluster.last_writer("payment", "env.payment.DECLINE_LIMIT")
    assert writer is not None and writer.manager == "kubectl-set"


async def test_a_pod_is_deleted_once_and_may_be_gone(cluster: Cluster, world: Any) -> None:
    await cluster.delete_pod("payment-5f6b-bbbbb", grace_s=30)
    (pod,) = await cluster.pods()
    assert pod.deleted_at
    await cluster.delete_pod("no-such-pod")


async def test_a_log_is_read_to_its_limit_and_a_missing_one_is_empty(cluster: Cluster, world: Any) -> None:
    line = "2025-10-30T08:23:12.000000001Z stdout F Started\n"
    (world.folder / "payment-5f6b-bbbbb.log").write_text(line * 3)
    assert await cluster.pod_log("payment-5f6b-bbbbb") == "Started\n" * 3
    assert await cluster.pod_log("payment-5f6b-bbbbb", limit_bytes=4) == "Star"
    assert await cluster.pod_log("payment-5f6b-bbbbb", previous=True) == ""
    assert await cluster.pod_log("no-such-pod") == ""


async def test_a_lease_has_one_living_holder(cluster: Cluster, world: Any) -> None:
    await cluster.acquire_lease("oddsock-drill", "case-1", 30)
    await cluster.acquire_lease("oddsock-drill", "case-1", 30)
    with pytest.raises(Forbidden, match=r"is held by case-1 until 2025-10-30T08:24:30\.000Z"):
        await cluster.acquire_lease("oddsock-drill", "case-2", 30)
    world.clock.advance(20)
    await cluster.renew_lease("oddsock-drill", "case-1")
    world.clock.advance(20)
    with pytest.raises(Forbidden, match="is held by case-1"):
        await cluster.acquire_lease("oddsock-drill", "case-2", 30)
    world.clock.advance(20)
    await cluster.acquire_lease("oddsock-drill", "case-2", 30)
    with pytest.raises(Forbidden, match="is held by case-2"):
        await cluster.renew_lease("oddsock-drill", "case-1")


async def test_only_its_holder_gives_a_lease_back(cluster: Cluster) -> None:
    await cluster.release_lease("oddsock-drill", "case-1")
    await cluster.acquire_lease("oddsock-drill", "case-1", 30)
    await cluster.release_lease("oddsock-drill", "case-2")
    with pytest.raises(Forbidden):
        await cluster.acquire_lease("oddsock-drill", "case-2", 30)
    await cluster.release_lease("oddsock-drill", "case-1")
    await cluster.acquire_lease("oddsock-drill", "case-2", 30)


async def test_a_service_of_our_cluster_is_reached_at_its_own_address(cluster: Cluster) -> None:
    assert (await cluster.service_url("mailbox")).url == "http://127.0.0.1:1"
    smtp = await cluster.service_url("mailbox", "smtp")
    assert (smtp.url, smtp.host, smtp.port) == ("smtp://127.0.0.1:2", "127.0.0.1", 2)
    with pytest.raises(Unreachable, match=r"Service stripe at .* does not answer: there is no such service"):
        await cluster.service_url("stripe")


async def test_a_service_without_an_address_is_reached_through_the_api_server(
    cluster: Cluster, world: Any, payment_server: list[Any]
) -> None:
    door = await cluster.service_url("payment")
    assert door.url == f"{world.url}/api/v1/namespaces/sock-shop/services/payment:80/proxy"
    assert door.headers == {"Authorization": "Bearer a-token-of-the-test"}
    shop = Shop(ClusterDoors(cluster))
    assert [part.status for part in await shop.health("payment")] == ["OK"]
    await shop.close()
    assert payment_server[0].headers["X-Request-Id"]


async def test_a_wrong_token_is_forbidden(connect: Connect) -> None:
    with pytest.raises(Forbidden, match="forbids"):
        await connect(token="another")


async def test_a_dead_server_is_named_with_its_address(connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"The Kubernetes API at http://127.0.0.1:1 does not answer"):
        await connect(server="http://127.0.0.1:1")


async def test_a_missing_namespace_is_one_clear_error(world: Any) -> None:
    cluster = await Cluster.connect(world.kubeconfig(), None, "elsewhere")
    with pytest.raises(CannotRun, match="has no namespace elsewhere"):
        await cluster.namespace_annotations()
    await cluster.close()


async def test_no_cluster_is_used_that_nobody_named(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(world.kubeconfig()))
    with pytest.raises(UsageError, match="No cluster was named"):
        await Cluster.connect(None, None, "sock-shop")


@pytest.mark.parametrize("text", ["", "{", "clusters: 3", "clusters: []\ncontexts: []\nusers: []\n"])
async def test_a_broken_kubeconfig_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(UsageError):
        await Cluster.connect(path, None, "sock-shop")
    with pytest.raises(UsageError, match="not found"):
        await Cluster.connect(tmp_path / "none", None, "sock-shop")


async def test_an_unknown_context_is_a_usage_error(connect: Connect) -> None:
    with pytest.raises(UsageError, match="Context 'other' not found"):
        await connect(context="other")
