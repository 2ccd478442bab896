"""Fault objects through the client, against our own API server and against one that lacks the resource."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.clients.kubernetes.objects import FAULT_TYPES, FaultSpec
from oddsock.drill.faults.catalog import FAULTS, make_fault
from oddsock.drill.faults.fault_object import ObjectFault
from oddsock.kit import http
from oddsock.kit.errors import CannotRun

SPEC = FaultSpec(
    type="latency", target={"service": "payment"}, caller={"deployment": "orders"}, latency_ms=1500, percentage=30
)
NEEDED: dict[str, dict[str, object]] = {
    "latency": {"latency": 1, "jitter": 0.5},
    "bandwidth": {"bytes_per_second": 1},
    "fault-point": {"point": "after-charge-before-save", "action": "crash"},
    "clock-skew": {"behind": "10m"},
}


@pytest.fixture
async def plain_cluster(connect: Callable[..., Awaitable[Cluster]]) -> Any:
    """A client of an API server that has a version and nothing else."""

    async def version(_: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.31.0"})

    async def nothing(_: web.Request) -> web.Response:
        told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        return web.json_response(told | {"message": "the server could not find the requested resource"}, status=404)

    served = web.Application()
    served.router.add_get("/version", version)
    served.router.add_route("*", "/{path:.*}", nothing)
    runner = await http.serve(served, "127.0.0.1", 0)
    yield await connect(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


async def test_our_cluster_knows_every_type(cluster: Cluster) -> None:
    assert await cluster.fault_types() == FAULT_TYPES


async def test_a_fault_is_made_read_listed_and_deleted(cluster: Cluster, world: Any) -> None:
    assert await cluster.faults() == []
    assert await cluster.fault("slow") is None
    made = await cluster.create_fault("slow", SPEC, "a-case")
    assert (made.name, made.type, made.target, made.case, made.hits) == ("slow", "latency", "payment", "a-case", 0)
    assert made.uid
    wire = world.store.get("Fault", "sock-shop", "slow")
    assert wire["spec"] == {
        "type": "latency",
        "target": {"service": "payment"},
        "caller": {"deployment": "orders"},
        "percentage": 30,
        "latencyMs": 1500,
    }
    world.store.update_status("Fault", "sock-shop", "slow", {"state": "Active", "hits": 4, "message": "so"})
    found = await cluster.fault("slow")
    assert found is not None
    assert (found.state, found.hits, found.message, found.uid) == ("Active", 4, "so", made.uid)
    assert await cluster.faults() == [found]
    await cluster.delete_fault("slow")
    await cluster.delete_fault("slow")
    assert await cluster.faults() == []


async def test_a_name_that_is_taken_and_a_spec_that_is_wrong_are_refused(cluster: Cluster) -> None:
    await cluster.create_fault("slow", SPEC, "a-case")
    with pytest.raises(CannotRun, match="refused fault slow"):
        await cluster.create_fault("slow", SPEC, "another-case")
    with pytest.raises(CannotRun, match=r"spec\.latencyMs: Required value"):
        await cluster.create_fault("other", FaultSpec(type="latency", target={"service": "payment"}), "a-case")


@pytest.mark.parametrize("name", [name for name, kind in FAULTS.items() if issubclass(kind, ObjectFault)])
async def test_what_a_plan_can_ask_for_the_cluster_accepts(name: str, cluster: Cluster) -> None:
    fault = make_fault(name, "payment", NEEDED.get(name, {}))
    assert isinstance(fault, ObjectFault)
    await cluster.create_fault(name, fault.spec(), "a-case")


async def test_a_cluster_without_the_resource_has_no_types_and_says_so(plain_cluster: Cluster) -> None:
    assert await plain_cluster.fault_types() == ()
    assert await plain_cluster.faults() == []
    assert await plain_cluster.fault("slow") is None
    await plain_cluster.delete_fault("slow")
    with pytest.raises(CannotRun, match=r"has no resource faults\.oddsock\.dev, so it knows no fault latency"):
        await plain_cluster.create_fault("slow", SPEC, "a-case")
