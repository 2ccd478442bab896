"""Who may drill: a namespace that says so, and one drill at a time."""

from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.drill.case import Case
from oddsock.drill.lease import LEASE, LEASE_S, check_permission, drill_lease, lease_holder
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import Forbidden, OddsockError


def _ignore(_error: OddsockError) -> None:
    """Nobody is told."""


@pytest.mark.parametrize("annotations", [{}, {"oddsock.dev/drills": "no"}])
async def test_a_namespace_without_the_annotation_is_not_touched(annotations: dict[str, str]) -> None:
    cluster = MemoryCluster({"payment": 1}, annotations=annotations, server="https://elsewhere")
    with pytest.raises(Forbidden, match="Namespace sock-shop of https://elsewhere is not annotated") as raised:
        await check_permission(cluster)
    assert raised.value.hint.endswith("kubectl annotate namespace sock-shop oddsock.dev/drills=allowed")
    assert cluster.writes == []


async def test_an_annotated_namespace_may_be_drilled() -> None:
    await check_permission(MemoryCluster({}, annotations={"oddsock.dev/drills": "allowed"}))


async def test_a_second_drill_is_refused_and_told_who_drills(tmp_path: Path) -> None:
    clock = ManualClock()
    cluster = MemoryCluster({}, clock=clock)
    with Case.create(tmp_path / "a", "one", clock) as one, Case.create(tmp_path / "b", "two", clock) as two:
        async with drill_lease(cluster, one, clock, _ignore):
            with pytest.raises(Forbidden, match=f"is held by {one.name}@"):
                async with drill_lease(cluster, two, clock, _ignore):
                    pass
        async with drill_lease(cluster, two, clock, _ignore):
            pass


async def test_a_lease_that_ran_out_is_taken_over(tmp_path: Path) -> None:
    clock = ManualClock()
    cluster = MemoryCluster({}, clock=clock)
    await cluster.acquire_lease(LEASE, "dead@elsewhere", LEASE_S)
    with Case.create(tmp_path, "next", clock) as case:
        with pytest.raises(Forbidden):
            async with drill_lease(cluster, case, clock, _ignore):
                pass
        clock.advance(LEASE_S + 1)
        async with drill_lease(cluster, case, clock, _ignore):
            pass


async def test_the_lease_of_a_killed_drill_of_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    clock = ManualClock()
    cluster = MemoryCluster({}, clock=clock)
    with Case.create(tmp_path, "killed", clock) as killed:
        await cluster.acquire_lease(LEASE, lease_holder(killed.name), LEASE_S)
    with Case.create(tmp_path, "next", clock) as case:
        async with drill_lease(cluster, case, clock, _ignore):
            pass
