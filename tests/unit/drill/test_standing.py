"""A fault that stands until somebody heals it: undo first, healed by whoever comes, and a case like any other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.heal import close_killed_cases, heal_case, journal_of, unhealed_cases
from oddsock.drill.standing import FaultOrder, StandingFaults
from oddsock.drill.undo import Undo
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotHeal, CannotRun, Forbidden, PlanError, UsageError

AWAY = FaultOrder(type="scale-to-zero", target="payment")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(speed=30)


@pytest.fixture
def cluster(clock: ManualClock) -> MemoryCluster:
    return MemoryCluster({"orders": 1, "payment": 2}, clock=clock, annotations={"oddsock.dev/drills": "allowed"})


@pytest.fixture
async def faults(tmp_path: Path, cluster: MemoryCluster, clock: ManualClock) -> AsyncIterator[StandingFaults]:
    made = StandingFaults(tmp_path, cluster, clock, ClusterMeta(server=cluster.server, stack="a"), "somebody")
    yield made
    await made.close(5)


async def test_the_undo_is_on_the_disk_and_the_case_is_kept_while_the_fault_stands(
    tmp_path: Path, cluster: MemoryCluster, faults: StandingFaults
) -> None:
    case = await faults.begin(AWAY)

    (undo,) = journal_of(case).open_entries()
    assert cluster.counts["payment"] == 0
    assert (undo.fault, undo.values("was"), undo.values("injected")) == (
        "scale-to-zero",
        {"replicas": 2},
        {"replicas": 0},
    )
    assert case.name.endswith("-scale-to-zero-payment")
    assert (case.meta.operator, case.meta.state, case.meta.cluster.stack) == ("somebody", "running", "a")
    assert Case.open(case.path).is_kept()
    assert not Case.open(case.path).is_alive()


async def test_who_tidies_up_after_the_dead_leaves_it_and_who_asks_for_a_heal_means_it(
    tmp_path: Path, faults: StandingFaults
) -> None:
    case = await faults.begin(AWAY)

    assert unhealed_cases(tmp_path) == []
    assert close_killed_cases(tmp_path) == []
    assert [one.name for one in unhealed_cases(tmp_path, with_kept=True)] == [case.name]


async def test_healed_it_has_evidence_and_a_report(cluster: MemoryCluster, faults: StandingFaults) -> None:
    case = await faults.begin(AWAY)

    (healed,) = await faults.end(case.name)
    await faults.settle()

    assert cluster.counts["payment"] == 2
    assert healed.sentence == "payment spec.replicas put back to 2"
    assert (case.meta.state, case.meta.ended_how) == (
        "completed",
        "It was healed: payment spec.replicas put back to 2.",
    )
    assert (case.path / "report.md").exists()
    assert case.evidence_dir("after-heal").exists()
    assert [entry.verb for entry in case.history if entry.kind == "invoke"] == ["inject", "heal", "settle", "evidence"]
    assert faults.names == []
    assert not case.is_kept()


async def test_somebody_elses_heal_is_seen_and_the_case_is_ended(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock, faults: StandingFaults
) -> None:
    case = await faults.begin(AWAY)
    (found,) = unhealed_cases(tmp_path, with_kept=True)

    await heal_case(found, cluster, clock)
    assert found.meta.state == "running"
    await faults.finish_healed()
    await faults.settle()

    assert case.meta.state == "completed"
    assert case.meta.ended_how == "It was healed: somebody else did it."
    assert faults.names == []


async def test_what_somebody_changed_meanwhile_is_left_to_them(cluster: MemoryCluster, faults: StandingFaults) -> None:
    case = await faults.begin(AWAY)
    cluster.write_as("kubectl", "payment", "spec.replicas", 5)

    (healed,) = await faults.end(case.name)

    assert cluster.counts["payment"] == 5
    assert healed.result == "left"
    assert "kubectl" in healed.sentence


async def test_after_the_death_of_its_keeper_it_is_healed_like_any_other(
    tmp_path: Path, cluster: MemoryCluster, clock: ManualClock, faults: StandingFaults
) -> None:
    case = await faults.begin(AWAY)
    case.let_go()  # what the kernel does with the locks of a killed process

    (left,) = unhealed_cases(tmp_path)
    await heal_case(left, cluster, clock)

    assert cluster.counts["payment"] == 2
    assert left.meta.state == "interrupted"


async def test_a_killed_process_is_healed_at_once_and_nothing_stands(
    cluster: MemoryCluster, faults: StandingFaults
) -> None:
    case = await faults.begin(FaultOrder(type="kill-pods", target="payment"))
    await faults.settle()

    assert [line for line in cluster.writes if line.startswith("fault")] != []
    assert cluster.objects == {}
    assert faults.names == []
    assert case.meta.state == "completed"


async def test_a_fault_that_cannot_act_leaves_no_case(tmp_path: Path, faults: StandingFaults) -> None:
    with pytest.raises(CannotRun, match="at 2 already"):
        await faults.begin(FaultOrder(type="scale", target="payment", settings={"replicas": 2}))

    assert list((tmp_path / "cases").glob("*")) == []


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (FaultOrder(type="earthquake", target="payment"), "earthquake"),
        (FaultOrder(type="scale-to-zero", target="paiment"), "paiment"),
        (FaultOrder(type="scale-to-zero", target="<script>"), "a name of small letters"),
        (FaultOrder(type="scale", target="payment", settings={"replicas": 99}), "20"),
        (FaultOrder(type="scale", target="payment", settings={"colour": "red"}), "colour"),
    ],
)
async def test_an_order_that_no_plan_could_give_is_refused(
    tmp_path: Path, faults: StandingFaults, order: FaultOrder, said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        await faults.begin(order)
    assert not (tmp_path / "cases").exists()


async def test_a_namespace_that_is_not_for_drills_is_not_touched(
    cluster: MemoryCluster, faults: StandingFaults
) -> None:
    cluster.annotations.clear()

    with pytest.raises(Forbidden):
        await faults.begin(AWAY)
    assert cluster.writes == []


async def test_a_living_drill_keeps_the_console_from_breaking_anything(
    tmp_path: Path, cluster: MemoryCluster, faults: StandingFaults
) -> None:
    await cluster.acquire_lease("oddsock-drill", "another drill", 30)

    with pytest.raises(Forbidden, match="Another drill"):
        await faults.begin(AWAY)
    assert cluster.writes == []


async def test_an_effect_that_never_shows_is_still_there_to_be_healed(
    cluster: MemoryCluster, faults: StandingFaults
) -> None:
    case = await faults.begin(AWAY)
    cluster.failing = CannotRun("The disk of the cluster is full.")

    with pytest.raises(CannotHeal):
        await faults.end(case.name)
    assert faults.names == [case.name]
    assert not faults.is_ending(case.name)

    cluster.failing = None
    await faults.end(case.name)
    assert cluster.counts["payment"] == 2


async def test_who_ends_in_good_order_leaves_nothing_broken(cluster: MemoryCluster, faults: StandingFaults) -> None:
    case = await faults.begin(AWAY)

    await faults.close(5)

    assert cluster.counts["payment"] == 2
    assert next(type(line) for line in journal_of(case)) is Undo
    assert journal_of(case).open_entries() == []


async def test_a_case_that_does_not_stand_here_is_a_mistake_of_the_request(faults: StandingFaults) -> None:
    with pytest.raises(UsageError):
        await faults.end("20251030-082400-incident-3")
