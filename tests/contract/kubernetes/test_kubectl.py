"""A real kubectl prints what it should; skipped where none of at least 1.31 is installed, unlike the replay."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.kubernetes.conftest import World

Kubectl = Callable[..., Awaitable[str]]


def columns(printed: str) -> list[list[str]]:
    """The cells of a printed table, cut where two blanks are."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in printed.strip().splitlines()]


async def test_pods_show_readiness_state_and_restarts(kubectl: Kubectl) -> None:
    assert columns(await kubectl("get", "pods")) == [
        ["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        ["orders-7c9d-aaaaa", "1/1", "Running", "1 (50s ago)", "3m9s"],
        ["payment-5f6b-bbbbb", "1/1", "Running", "0", "3m9s"],
        ["payment-5f6b-ccccc", "0/1", "CrashLoopBackOff", "4 (2s ago)", "9s"],
    ]


@pytest.mark.parametrize(
    ("what", "row"),
    [
        ("deploy", ["payment", "1/2", "2", "1", "3m10s", "payment", "oddsock/sock-shop-payment:1", "name=payment"]),
        ("svc", ["front-end", "NodePort", "10.96.0.10", "<none>", "80:30001/TCP", "3m10s", "name=front-end"]),
        ("ep", ["orders", "10.244.1.2:8080", "3m10s"]),
        ("endpointslices", ["orders-x1", "IPv4", "8080", "10.244.1.2", "3m10s"]),
        ("ns", ["sock-shop", "Active", "4m"]),
    ],
)
async def test_wide_tables_show_the_wide_columns(what: str, row: list[str], kubectl: Kubectl) -> None:
    assert row in columns(await kubectl("get", what, "-o", "wide"))


async def test_all_shows_the_four_workload_kinds(kubectl: Kubectl) -> None:
    printed = await kubectl("get", "all", "-o", "wide")
    expected = ["pod/", "service/", "deployment.apps/", "replicaset.apps/"]
    assert [name for name in expected if f"\n{name}" not in printed] == []


async def test_json_and_jsonpath_come_from_the_object(kubectl: Kubectl) -> None:
    pods = json.loads(await kubectl("get", "pods", "-l", "name=payment", "-o", "json"))
    assert [pod["metadata"]["name"] for pod in pods["items"]] == ["payment-5f6b-bbbbb", "payment-5f6b-ccccc"]
    assert await kubectl("get", "deploy", "payment", "-o", "jsonpath={.spec.replicas}") == "2"


async def test_scale_changes_the_replicas_and_says_who_did(world: "World", kubectl: Kubectl) -> None:
    assert await kubectl("scale", "deployment", "payment", "--replicas=0") == "deployment.apps/payment scaled\n"
    payment = world.store.get("Deployment", "sock-shop", "payment")
    assert (payment["spec"]["replicas"], payment["metadata"]["generation"]) == (0, 2)
    written = payment["metadata"]["managedFields"][-1]
    assert (written["manager"], written["subresource"]) == ("kubectl", "scale")
    assert written["fieldsV1"] == {"f:spec": {"f:replicas": {}}}


async def test_logs_of_a_deployment_are_those_of_its_pod(kubectl: Kubectl) -> None:
    printed = await kubectl("logs", "deployment/orders", "--tail=3")
    assert printed == "Received order request\nConnection refused\n"


async def test_a_pod_is_deleted_as_soon_as_the_kubelet_lets_it_go(world: "World", kubectl: Kubectl) -> None:
    def let_go(type_: str, pod: dict[str, dict[str, str]]) -> None:
        if type_ == "MODIFIED" and "deletionTimestamp" in pod["metadata"]:
            world.store.remove("Pod", "sock-shop", pod["metadata"]["name"])

    world.store.subscribe("Pod", let_go)
    assert await kubectl("delete", "pod", "payment-5f6b-bbbbb") == 'pod "payment-5f6b-bbbbb" deleted\n'
    assert world.store.find("Pod", "sock-shop", "payment-5f6b-bbbbb") is None


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["deploy", "payment"], ["Replicas:", "2 desired | 2 updated | 2 total | 1 available", "ScalingReplicaSet"]),
        (["pod", "payment-5f6b-ccccc"], ["CrashLoopBackOff", "Restart Count:  4", "Back-off restarting failed"]),
        (["svc", "orders"], ["Endpoints:", "10.244.1.2:8080", "10.96.0.8"]),
        (["node", "sockshop-worker"], ["KubeletReady", "payment-5f6b-bbbbb", "HolderIdentity:  sockshop-worker"]),
    ],
)
async def test_describe_tells_the_object_and_its_events(words: list[str], shown: list[str], kubectl: Kubectl) -> None:
    printed = await kubectl("describe", *words)
    assert [text for text in shown if text not in printed] == []


async def test_env_and_image_are_set_by_strategic_patches(world: "World", kubectl: Kubectl) -> None:
    await kubectl("set", "env", "deploy/payment", "DECLINE_LIMIT-", "NEW=2")
    await kubectl("set", "image", "deploy/payment", "payment=oddsock/sock-shop-payment:2")
    container = world.store.get("Deployment", "sock-shop", "payment")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "NEW", "value": "2"}]
    assert container["image"] == "oddsock/sock-shop-payment:2"
    assert container["ports"] == [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]


async def test_waiting_and_rollout_status_end_when_the_deployment_is_available(kubectl: Kubectl) -> None:
    assert "condition met" in await kubectl("wait", "--for=condition=Available", "deploy/orders", "--timeout=5s")
    assert "successfully rolled out" in await kubectl("rollout", "status", "deploy/orders", "--timeout=5s")


async def test_what_is_not_there_is_named_in_the_refusal(kubectl: Kubectl) -> None:
    assert await kubectl("get", "pod", "nope", fails=True) == 'Error from server (NotFound): pods "nope" not found\n'
    assert "unicorns" in await kubectl("get", "unicorns", fails=True)


async def test_the_server_version_is_one_that_kubectl_knows(kubectl: Kubectl) -> None:
    assert "Server Version: v1.32." in await kubectl("version")
