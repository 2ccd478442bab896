"""What `oddsock doctor` finds of a cluster."""

from pathlib import Path

from oddsock.cli.cluster_symptoms import examine_cluster, examine_named
from oddsock.cli.target import Wanted
from oddsock.clients.kubernetes.memory import MemoryCluster


async def test_our_own_cluster_can_do_every_fault() -> None:
    found = await examine_cluster(MemoryCluster({"payment": 1}))
    assert [(one.what, one.verdict) for one in found] == [("cluster", "ok"), ("shop", "ok"), ("faults there", "ok")]


async def test_a_cluster_without_the_resource_names_the_faults_it_lacks() -> None:
    cluster = MemoryCluster({})
    cluster.types = ()
    _, shop, faults = await examine_cluster(cluster)
    assert (shop.verdict, faults.verdict) == ("missing", "without")
    assert faults.found == (
        "not bandwidth, black-hole, clock-skew, disk-full, drop-reply, fault-point, freeze-pods, http-error, "
        "kill-pods, latency, reset: it lacks the resource faults.oddsock.dev"
    )


async def test_a_cluster_that_cannot_be_named_is_missing(tmp_path: Path) -> None:
    wanted = Wanted(name="", kubeconfig=str(tmp_path / "none"), context="", namespace="sock-shop")
    (found,) = await examine_named(wanted)
    assert (found.what, found.verdict) == ("cluster", "missing")
