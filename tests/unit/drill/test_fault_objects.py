"""Faults that are objects of our cluster: what they say, that they need the resource, that heal ends ours only."""

from pathlib import Path

import msgspec
import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.clients.kubernetes.objects import FAULT_TYPES
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.fault_windows import check_faults
from oddsock.drill.faults.catalog import FAULTS, make_fault
from oddsock.drill.faults.fault import Occasion
from oddsock.drill.faults.fault_object import ObjectFault
from oddsock.drill.heal import heal_case, journal_of
from oddsock.drill.plan_fields import PlannedFault
from oddsock.drill.seconds import Seconds
from oddsock.drill.undo import Undo, inject
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotHeal, CannotRun, Unreachable

CASE = "20251030-082400-payment-hang"
OCCASION = Occasion(case=CASE, id="payment-hang")
SETTINGS: dict[str, dict[str, object]] = {
    "latency": {"latency": 2},
    "bandwidth": {"bytes_per_second": 100},
    "fault-point": {"point": "before-authorise", "action": "crash"},
    "clock-skew": {"behind": "10m"},
}
OBJECT_FAULTS = [name for name, kind in FAULTS.items() if issubclass(kind, ObjectFault)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(speed=30)


@pytest.fixture
def cluster(clock: ManualClock) -> MemoryCluster:
    return MemoryCluster({"orders": 1, "payment": 2}, clock=clock)


async def _broken(home: Path, cluster: MemoryCluster, clock: ManualClock, name: str = "freeze-pods") -> Case:
    """A case whose drill injected *name* on payment and was killed."""
    case = Case.create(home, "payment-hang", clock, cluster=ClusterMeta(server=cluster.server), speed=30.0)
    fault = make_fault(name, "payment", SETTINGS.get(name, {}))
    with case:
        await inject(fault, "payment-hang", cluster, journal_of(case), clock)
    return case


def test_every_type_of_object_is_a_fault_of_a_plan() -> None:
    kinds = [kind for kind in FAULTS.values() if issubclass(kind, ObjectFault)]
    assert sorted(kind.type for kind in kinds) == sorted(FAULT_TYPES)


@pytest.mark.parametrize("name", OBJECT_FAULTS)
async def test_one_object_is_made_that_names_the_case_and_is_in_force(name: str, cluster: MemoryCluster) -> None:
    fault = make_fault(name, "payment", SETTINGS.get(name, {}))
    (change,) = await fault.prepare(cluster, OCCASION)
    assert cluster.writes == []
    assert (change.object, change.path) == ("Fault/payment-hang-0755ff", "exists")
    assert (change.was, change.injected, change.deployment, change.ready) == (None, CASE, "payment", 2)
    assert not (await fault.took_effect(cluster, [change])).took
    await fault.inject(cluster, [change])
    assert cluster.objects[change.name].case == CASE
    effect = await fault.took_effect(cluster, [change])
    state = "Done" if name == "kill-pods" else "Active"
    assert (effect.took, effect.sentence) == (True, f"fault payment-hang-0755ff is {state}")


@pytest.mark.parametrize(
    ("name", "settings", "spec", "said"),
    [
        ("freeze-pods", {}, {"type": "freeze", "target": {"deployment": "payment"}}, "the pods of payment frozen"),
        ("kill-pods", {}, {"type": "kill", "target": {"deployment": "payment"}}, "the processes of payment killed"),
        (
            "latency",
            {"latency": "1.5s", "jitter": 0.2, "caller": "orders"},
            {"type": "latency", "caller": {"deployment": "orders"}, "latencyMs": 1500, "jitterMs": 200},
            "every request from orders to payment delayed by 1.5 s ± 0.2 s",
        ),
        (
            "http-error",
            {"status": 500, "percentage": 30, "seed": 7},
            {"type": "http-error", "status": 500, "percentage": 30, "seed": 7},
            "30 % of the requests to payment answered with HTTP 500",
        ),
        ("http-error", {}, {"type": "http-error", "status": 503}, "every request to payment answered with HTTP 503"),
        (
            "fault-point",
            {"point": "after-charge-before-save", "action": "crash", "nth": 2},
            {
                "type": "fault-point",
                "target": {"deployment": "payment"},
                "point": "after-charge-before-save",
                "action": "crash",
                "nth": 2,
            },
            "payment crashes at after-charge-before-save, time 2 it gets there",
        ),
        ("disk-full", {}, {"type": "disk-full", "target": {"deployment": "payment"}}, "the disk of payment full"),
        (
            "clock-skew",
            {"behind": "10m"},
            {"type": "clock-skew", "target": {"deployment": "payment"}, "offsetMs": -600_000},
            "the clock of payment is 600 s slow",
        ),
        (
            "clock-skew",
            {"ahead": 1.5},
            {"type": "clock-skew", "target": {"deployment": "payment"}, "offsetMs": 1500},
            "the clock of payment is 1.5 s fast",
        ),
        ("reset", {}, {"type": "reset"}, "every request to payment reset"),
        ("drop-reply", {}, {"type": "drop-reply"}, "the reply lost to every request to payment"),
        ("black-hole", {}, {"type": "black-hole"}, "nothing passes to payment"),
        (
            "bandwidth",
            {"bytes_per_second": 64},
            {"type": "bandwidth", "bytesPerSecond": 64},
            "every request to payment carried at 64 bytes a second",
        ),
    ],
)
async def test_settings_of_a_plan_become_the_spec_on_the_wire(
    name: str, settings: dict[str, object], spec: dict[str, object], said: str, cluster: MemoryCluster
) -> None:
    fault = make_fault(name, "payment", settings)
    await fault.inject(cluster, await fault.prepare(cluster, OCCASION))
    (made,) = cluster.specs.values()
    assert msgspec.to_builtins(made) == {"target": {"service": "payment"}, **spec}
    assert fault.describe() == said


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("latency", {}),
        ("latency", {"latency": "soon"}),
        ("http-error", {"status": 200}),
        ("drop-reply", {"percentage": 0}),
        ("reset", {"percentage": 101}),
        ("reset", {"caller": "No Name"}),
        ("bandwidth", {"bytes_per_second": 0}),
        ("black-hole", {"percentage": 50}),
        ("freeze-pods", {"seed": 1}),
        ("fault-point", {"point": "before-authorise"}),
        ("clock-skew", {}),
        ("clock-skew", {"ahead": 1, "behind": 1}),
        ("fault-point", {"point": "before-authorise", "action": "delay"}),
        ("fault-point", {"point": "before-authorise", "action": "crash", "nth": 1, "percentage": 5}),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, settings: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        make_fault(name, "payment", settings)


async def test_nothing_is_broken_where_nothing_is_there(cluster: MemoryCluster) -> None:
    with pytest.raises(CannotRun, match="no deployment front-end in sock-shop to be the fault's caller"):
        await make_fault("reset", "payment", {"caller": "front-end"}).prepare(cluster, OCCASION)
    cluster.counts["payment"] = 0
    with pytest.raises(CannotRun, match="has no pod, so freeze-pods would break nothing"):
        await make_fault("freeze-pods", "payment", {}).prepare(cluster, OCCASION)


async def test_a_cluster_without_the_resource_is_told_before_anything_begins(cluster: MemoryCluster) -> None:
    cluster.types = ()
    planned = [PlannedFault(fault=name, target="payment", from_s=Seconds(0)) for name in ("scale-to-zero", "reset")]
    with pytest.raises(CannotRun, match=r"http://memory has no reset: it lacks the resource"):
        await check_faults(planned, cluster)
    with pytest.raises(CannotRun, match="has no reset"):
        await make_fault("reset", "payment", {}).prepare(cluster, OCCASION)
    await check_faults(planned[:1], cluster)


async def test_the_undo_is_on_the_disk_before_the_object_is_made(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    cluster.failing = Unreachable("The Kubernetes API", "http://memory", "gone")
    with pytest.raises(Unreachable):
        await _broken(tmp_path, cluster, clock)
    cluster.failing = None
    (case,) = (Case.open(path) for path in (tmp_path / "cases").iterdir())
    (undo,) = journal_of(case).open_entries()
    assert isinstance(undo, Undo)
    assert [(one.was, one.injected) for one in undo.changes] == [(None, case.name)]
    assert (undo.values("was"), undo.values("injected")) == (
        {undo.changes[0].object: "absent"},
        {undo.changes[0].object: "in force"},
    )


@pytest.mark.parametrize("name", OBJECT_FAULTS)
async def test_heal_deletes_the_object_of_a_killed_drill(
    name: str, tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, name)
    (made,) = await cluster.faults()
    cluster.set_fault(made.name, hits=3)
    (healed,) = await heal_case(case, cluster, clock)
    assert cluster.objects == {}
    kind = FAULTS[name]
    assert issubclass(kind, ObjectFault)
    assert healed.result == "restored"
    assert healed.sentence == f"fault {made.name} ({kind.type} on payment) ended after 3 hits"
    assert await heal_case(case, cluster, clock) == []
    last = list(case.history)[-1]
    assert (last.value["target"], last.value["now"]) == ("payment", {f"Fault/{made.name}": "absent"})


async def test_an_object_that_was_never_made_or_is_gone_needs_nothing(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock)
    cluster.objects.clear()
    (healed,) = await heal_case(case, cluster, clock)
    assert healed.result == "nothing"


async def test_an_object_of_somebody_else_is_left_and_said(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock)
    (made,) = await cluster.faults()
    cluster.set_fault(made.name, case="")
    (healed,) = await heal_case(case, cluster, clock)
    assert list(cluster.objects) == [made.name]
    assert healed.result == "left"
    assert healed.sentence == (
        f"fault {made.name} was left: it is not of case {case.name} but of somebody who named no case"
    )


async def test_heal_waits_until_as_many_are_ready_as_before(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock)
    cluster.stuck.add("payment")
    with pytest.raises(CannotHeal, match="payment has 0 of 2 ready"):
        await heal_case(case, cluster, clock)
    assert cluster.objects == {}
    cluster.stuck.clear()
    (healed,) = await heal_case(case, cluster, clock)
    assert healed.result == "nothing"


async def test_a_fault_that_failed_did_not_take_effect_and_says_why(cluster: MemoryCluster) -> None:
    fault = make_fault("freeze-pods", "payment", {})
    changes = await fault.prepare(cluster, OCCASION)
    await fault.inject(cluster, changes)
    cluster.set_fault(changes[0].name, state="Failed", message="no pod can be frozen here")
    effect = await fault.took_effect(cluster, changes)
    assert (effect.took, effect.sentence) == (
        False,
        f"fault {changes[0].name} is Failed: no pod can be frozen here",
    )


async def test_a_killed_drill_of_a_long_name_still_finds_its_object(tmp_path: Path, clock: ManualClock) -> None:
    cluster = MemoryCluster({"payment": 1}, clock=clock)
    case = Case.create(tmp_path, "p" * 63, clock, cluster=ClusterMeta(server=cluster.server), speed=30.0)
    await inject(make_fault("reset", "payment", {}), "f" * 63, cluster, journal_of(case), clock)
    case.unlock()
    (made,) = await cluster.faults()
    assert (len(made.case), len(made.name)) == (63, 70)
    (healed,) = await heal_case(case, cluster, clock)
    assert (healed.result, cluster.objects) == ("restored", {})
