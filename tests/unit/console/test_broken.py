"""What is broken and by whom, from the cases on the disk and from the cluster."""

from pathlib import Path

import pytest

from oddsock.clients.kubernetes.memory import MemoryCluster
from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.console.broken import OpenFaults, find_strangers
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.faults.scale_to_zero import ScaleToZero
from oddsock.drill.heal import heal_case, journal_of
from oddsock.drill.undo import inject
from oddsock.kit.clock import ManualClock


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster({"orders": 1, "payment": 2, "gateway": 0})


async def broken_case(home: Path, cluster: MemoryCluster, server: str = "http://memory") -> Case:
    case = Case.create(home, "incident-3", cluster=ClusterMeta(server=server), operator="parvaiz")
    await inject(ScaleToZero(target="payment"), "payment-away", cluster, journal_of(case), ManualClock())
    return case


async def test_an_open_fault_says_what_it_changed_and_whose_it_is(tmp_path: Path, cluster: MemoryCluster) -> None:
    case = await broken_case(tmp_path, cluster)
    faults = OpenFaults(tmp_path)

    (drill,) = faults.read(cluster.server, cluster.namespace)
    case.unlock()
    (left,) = faults.read(cluster.server, cluster.namespace)
    case.keep()
    (stands,) = faults.read(cluster.server, cluster.namespace)
    (healing,) = faults.read(cluster.server, cluster.namespace, [case.name])

    assert drill.sentence == "payment spec.replicas 2 → 0"
    assert (drill.state, left.state, stands.state, healing.state) == ("drill", "left", "stands", "healing")
    assert [one.can_be_healed for one in (drill, left, stands, healing)] == [False, True, True, False]
    assert drill.by.startswith("parvaiz")
    case.let_go()


async def test_a_healed_fault_is_not_listed(tmp_path: Path, cluster: MemoryCluster) -> None:
    case = await broken_case(tmp_path, cluster)
    faults = OpenFaults(tmp_path)
    assert len(faults.read(cluster.server, cluster.namespace)) == 1

    await heal_case(case, cluster, ManualClock())
    case.unlock()

    assert faults.read(cluster.server, cluster.namespace) == []


async def test_a_fault_on_another_cluster_is_told_and_not_healed_here(tmp_path: Path, cluster: MemoryCluster) -> None:
    case = await broken_case(tmp_path, cluster, server="http://elsewhere")
    case.unlock()

    (far,) = OpenFaults(tmp_path).read(cluster.server, cluster.namespace)

    assert (far.state, far.can_be_healed, f"oddsock heal {case.name}" in far.by) == ("far", False, True)


async def test_what_no_case_explains_is_told_with_who_did_it(tmp_path: Path, cluster: MemoryCluster) -> None:
    cluster.write_as("kubectl", "payment", "spec.replicas", 0)
    await cluster.create_fault("slow", FaultSpec(type="latency", target={"service": "orders"}), "")
    deployments, faults = await cluster.deployments(), await cluster.faults()

    strangers = await find_strangers(cluster, deployments, faults, [], frozenset({"gateway"}))
    told = {one.target: one.sentence for one in strangers}

    assert "by kubectl" in told["payment"]
    assert "by somebody without a case" in told["orders"]
    assert set(told) == {"payment", "orders"}


async def test_what_a_case_explains_is_no_stranger(tmp_path: Path, cluster: MemoryCluster) -> None:
    case = await broken_case(tmp_path, cluster)
    open_faults = OpenFaults(tmp_path).read(cluster.server, cluster.namespace)

    found = await find_strangers(cluster, await cluster.deployments(), [], open_faults, frozenset({"gateway"}))

    assert found == []
    case.unlock()
