"""Healing: back to what was there before, never over somebody else's change, and the same however often."""

from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.faults.delete_pods import DeletePods
from oddsock.drill.faults.fault import Fault
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.faults.set_env import SetEnv
from oddsock.drill.heal import close_killed_cases, heal_case, heal_fault, journal_of, unhealed_cases
from oddsock.drill.undo import Closed, UndoJournal, inject
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotHeal, CannotRun


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(speed=30)


@pytest.fixture
def cluster(clock: ManualClock) -> MemoryCluster:
    shop = MemoryCluster({"orders": 1, "payment": 2}, clock=clock)
    shop.variables["orders"] = {"SHOWN": "label"}
    return shop


async def _broken(home: Path, cluster: MemoryCluster, clock: ManualClock, *faults: Fault, own: bool = False) -> Case:
    """A case whose drill injected *faults* and was killed."""
    case = Case.create(home, "incident-3", clock, cluster=ClusterMeta(server=cluster.server, own=own), speed=30.0)
    case.history.append("note", "begin", actor="runner", phase="main", plan_s=10.0)
    for fault in faults:
        await inject(fault, f"{fault.target}-{fault.name}", cluster, journal_of(case), clock)
    case.unlock()
    return case


async def test_two_replicas_come_back_as_two(tmp_path: Path, cluster: MemoryCluster, clock: ManualClock) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    assert cluster.counts["payment"] == 0
    healed = await heal_case(case, cluster, clock)
    assert cluster.counts["payment"] == 2
    assert [one.result for one in healed] == ["restored"]
    assert healed[0].sentence == "payment spec.replicas put back to 2"


async def test_healing_again_changes_nothing(tmp_path: Path, cluster: MemoryCluster, clock: ManualClock) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    await heal_case(case, cluster, clock)
    written, lines = list(cluster.writes), len(list(case.history))
    assert await heal_case(case, cluster, clock) == []
    assert cluster.writes == written
    assert len(list(case.history)) == lines


async def test_a_field_that_somebody_changed_is_left_and_they_are_named(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    cluster.write_as("kubectl", "payment", "spec.replicas", 3)
    (healed,) = await heal_case(case, cluster, clock)
    assert cluster.counts["payment"] == 3
    assert healed.result == "left"
    assert healed.left[0].by == "kubectl at 2025-10-30T08:24:00.000Z"
    assert healed.left[0].sentence == (
        "payment spec.replicas was left at 3: kubectl at 2025-10-30T08:24:00.000Z set it after the fault "
        "(the fault had set 0, before it was 2)"
    )
    closed = [line for line in journal_of(case) if isinstance(line, Closed)]
    assert closed[0].left == healed.left


async def test_a_field_that_somebody_put_back_already_needs_nothing(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    cluster.write_as("kubectl", "payment", "spec.replicas", 2)
    (healed,) = await heal_case(case, cluster, clock)
    assert healed.result == "nothing"


async def test_variables_come_back_to_their_values_or_to_none(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, SetEnv(target="orders", env={"SHOWN": "order", "NEW": "1"}))
    assert cluster.variables["orders"] == {"SHOWN": "order", "NEW": "1"}
    await heal_case(case, cluster, clock)
    assert cluster.variables["orders"] == {"SHOWN": "label"}


async def test_one_changed_variable_is_left_and_the_other_comes_back(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, SetEnv(target="orders", env={"SHOWN": "order", "NEW": "1"}))
    cluster.write_as("kubectl-edit", "orders", "env.orders.NEW", "2")
    (healed,) = await heal_case(case, cluster, clock)
    assert cluster.variables["orders"] == {"SHOWN": "label", "NEW": "2"}
    assert (healed.result, [left.path for left in healed.left]) == ("left", ["env.orders.NEW"])


async def test_deleted_pods_are_only_waited_for(tmp_path: Path, cluster: MemoryCluster, clock: ManualClock) -> None:
    case = await _broken(tmp_path, cluster, clock, DeletePods(target="payment"))
    written = list(cluster.writes)
    (healed,) = await heal_case(case, cluster, clock)
    assert (healed.result, cluster.writes) == ("nothing", written)


async def test_a_deployment_that_never_gets_ready_cannot_be_healed_and_stays_open(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    cluster.stuck.add("payment")
    with pytest.raises(CannotHeal, match="after 60 s payment has 0 of 2 ready") as raised:
        await heal_case(case, cluster, clock)
    assert raised.value.exit_code == 4
    assert len(journal_of(case).open_entries()) == 1
    cluster.stuck.clear()
    await heal_case(case, cluster, clock)
    assert journal_of(case).open_entries() == []


async def test_one_fault_that_cannot_be_healed_does_not_keep_the_others_broken(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"), ScaleToZero(target="orders"))
    cluster.stuck.add("orders")
    with pytest.raises(CannotHeal, match="orders has 0 of 1 ready"):
        await heal_case(case, cluster, clock)
    assert cluster.counts == {"orders": 1, "payment": 2}
    assert [undo.id for undo in journal_of(case).open_entries()] == ["orders-scale-to-zero"]


async def test_a_full_disk_does_not_keep_the_cluster_broken(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    (undo,) = journal_of(case).open_entries()
    healed = await heal_fault(undo, cluster, UndoJournal(tmp_path / "no such folder" / "undo.jsonl"), clock)
    assert cluster.counts["payment"] == 2
    assert "undo.jsonl cannot be written" in healed.sentence


async def test_a_deployment_that_is_gone_is_said_and_closed(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    del cluster.counts["payment"]
    (healed,) = await heal_case(case, cluster, clock)
    assert healed.sentence == "deployment payment is gone, so nothing was put back into it"
    assert journal_of(case).open_entries() == []


async def test_a_killed_drill_is_found_healed_and_said_to_be_killed(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    clock.advance(2)
    assert [found.name for found in unhealed_cases(tmp_path)] == [case.name]
    await heal_case(case, cluster, clock)
    assert unhealed_cases(tmp_path) == []
    assert (case.meta.state, case.meta.ended_how) == (
        "interrupted",
        "the drill was killed before it could end; it was healed afterwards",
    )
    last = list(case.history)[-1]
    assert (last.verb, last.actor, last.phase, last.plan_s) == ("heal", "fault:payment-scale-to-zero", "main", 70.0)


async def test_a_living_drill_is_not_touched(tmp_path: Path, cluster: MemoryCluster, clock: ManualClock) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    with case:
        case.lock()
        assert unhealed_cases(tmp_path) == []
        assert close_killed_cases(tmp_path, clock) == []
        with pytest.raises(CannotRun, match="in use by a living process"):
            await heal_case(Case.open(case.path), cluster, clock)
    assert cluster.counts["payment"] == 0


async def test_the_drill_itself_heals_without_ending_its_case(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    with case:
        case.lock()
        lines = len(list(case.history))
        await heal_case(case, cluster, clock)
        assert case.is_locked
    assert (case.meta.state, len(list(case.history))) == ("running", lines)


async def test_another_cluster_is_never_healed_by_mistake(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"))
    other = MemoryCluster({"payment": 0}, clock=clock, server="http://elsewhere")
    with pytest.raises(CannotHeal, match="broke something in http://memory, not in http://elsewhere"):
        await heal_case(case, other, clock)
    assert other.counts == {"payment": 0}


async def test_a_cluster_that_died_with_its_drill_needs_no_healing(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock
) -> None:
    case = await _broken(tmp_path, cluster, clock, ScaleToZero(target="payment"), own=True)
    assert unhealed_cases(tmp_path) == []
    assert [closed.name for closed in close_killed_cases(tmp_path, clock)] == [case.name]
    assert journal_of(case).open_entries() == []
    assert (case.meta.state, case.meta.ended_how) == ("interrupted", "the drill was killed before it could end")
    assert close_killed_cases(tmp_path, clock) == []
