"""The faults: each says beforehand what it changes, does that, and sees whether it took effect."""

import msgspec
import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.drill.faults.catalog import FAULTS, make_fault
from oddsock.drill.faults.delete_pods import DeletePods
from oddsock.drill.faults.fault import Occasion
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.faults.set_env import SetEnv
from oddsock.kit.errors import CannotRun

OCCASION = Occasion(case="20251030-082400-incident-3", id="payment-away")

NEEDED: dict[str, dict[str, object]] = {
    "fault-point": {"point": "before-authorise", "action": "hang"},
    "clock-skew": {"ahead": 60},
    "set-env": {"env": {"A": "1"}},
    "latency": {"latency": "1.5s"},
    "bandwidth": {"bytes_per_second": 100},
    "scale": {"replicas": 3},
}


@pytest.fixture
def cluster() -> MemoryCluster:
    shop = MemoryCluster({"orders": 1, "payment": 2})
    shop.variables["orders"] = {"SHOWN": "label"}
    return shop


async def test_scaling_to_zero_remembers_any_count_and_takes_effect(cluster: MemoryCluster) -> None:
    fault = ScaleToZero(target="payment")
    changes = await fault.prepare(cluster, OCCASION)
    assert [(change.object, change.path, change.was, change.injected) for change in changes] == [
        ("Deployment/payment", "spec.replicas", 2, 0)
    ]
    before = await fault.took_effect(cluster, changes)
    assert (before.took, before.sentence) == (False, "payment is at 2/2, 2 pods running, 2 endpoints")
    await fault.inject(cluster, changes)
    after = await fault.took_effect(cluster, changes)
    assert (after.took, after.sentence) == (True, "payment is at 0/0, 0 pods running, 0 endpoints")


async def test_a_deployment_at_zero_cannot_be_scaled_to_zero(cluster: MemoryCluster) -> None:
    await cluster.scale("payment", 0)
    with pytest.raises(CannotRun, match="at 0 replicas already"):
        await ScaleToZero(target="payment").prepare(cluster, OCCASION)


async def test_a_missing_deployment_cannot_be_broken(cluster: MemoryCluster) -> None:
    for name in FAULTS:
        with pytest.raises(CannotRun):
            await make_fault(name, "stripe", NEEDED.get(name, {})).prepare(cluster, OCCASION)
    assert cluster.writes == []


async def test_the_pods_that_stood_there_are_deleted_and_no_others(cluster: MemoryCluster) -> None:
    fault = DeletePods(target="payment", grace_s=0)
    changes = await fault.prepare(cluster, OCCASION)
    assert changes[0].was == "payment-0-0 payment-0-1"
    await fault.inject(cluster, changes)
    effect = await fault.took_effect(cluster, changes)
    assert (effect.took, effect.sentence) == (True, "2 of 2 pods of payment are gone")
    assert [pod.name for pod in await cluster.pods("name=orders")] == ["orders-0-0"]


async def test_only_variables_that_differ_are_changed(cluster: MemoryCluster) -> None:
    fault = SetEnv(target="orders", env={"SHOWN": "label", "LIMIT": "1"})
    changes = await fault.prepare(cluster, OCCASION)
    assert [(change.path, change.was, change.injected) for change in changes] == [("env.orders.LIMIT", None, "1")]
    await fault.inject(cluster, changes)
    assert (await fault.took_effect(cluster, changes)).took


async def test_variables_that_are_set_already_break_nothing(cluster: MemoryCluster) -> None:
    with pytest.raises(CannotRun, match="has these variables already"):
        await SetEnv(target="orders", env={"SHOWN": "label"}).prepare(cluster, OCCASION)


def test_a_fault_is_made_by_the_name_and_settings_of_a_plan() -> None:
    assert make_fault("delete-pods", "payment", {"grace_s": 0}) == DeletePods(target="payment", grace_s=0)
    with pytest.raises(msgspec.ValidationError, match="unknown field `grace`"):
        make_fault("delete-pods", "payment", {"grace": 0})


def test_every_fault_says_what_it_does() -> None:
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.__doc__ and fault.__doc__.endswith(".")


@pytest.mark.parametrize("value", ["another", None])
def test_a_secret_is_neither_set_nor_taken_away_because_its_undo_would_keep_it(value: str | None) -> None:
    with pytest.raises(ValueError, match="GATEWAY_KEY is a secret by its name"):
        SetEnv(target="payment", env={"A": "1", "GATEWAY_KEY": value})


async def test_scaling_remembers_what_was_and_takes_effect_when_the_pods_are_there(cluster: MemoryCluster) -> None:
    fault = make_fault("scale", "payment", {"replicas": 3})
    changes = await fault.prepare(cluster, OCCASION)
    assert [(change.path, change.was, change.injected) for change in changes] == [("spec.replicas", 2, 3)]
    assert not (await fault.took_effect(cluster, changes)).took
    await fault.inject(cluster, changes)
    assert (await fault.took_effect(cluster, changes)).took
    assert fault.describe() == "payment scaled to 3 replicas"
