"""What a cluster that was named can do for a drill, looked at without changing anything in it."""

from oddsock.cli.machine import Symptom
from oddsock.cli.target import Wanted, connect
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.kit.errors import OddsockError


async def examine_named(wanted: Wanted) -> list[Symptom]:
    """What the cluster that *wanted* means can do; one that does not answer is `missing`."""
    try:
        cluster = await connect(wanted)
    except OddsockError as error:
        return [Symptom(what="cluster", verdict="missing", found=error.sentence)]
    try:
        return await examine_cluster(cluster)
    except OddsockError as error:
        return [Symptom(what="cluster", verdict="missing", found=error.sentence)]
    finally:
        await cluster.close()


async def examine_cluster(cluster: ClusterDoor) -> list[Symptom]:
    """Its version, whether its namespace is there, and which faults of the catalogue it cannot do."""
    from oddsock.drill.faults.catalog import FAULTS, lacking_types

    version = await cluster.version()
    deployments = len(await cluster.deployments())
    lacking = lacking_types(sorted(FAULTS), await cluster.fault_types())
    shop = Symptom(
        what="shop",
        verdict="ok" if deployments else "missing",
        found=f"{deployments} deployments in namespace {cluster.namespace}",
    )
    faults = Symptom(what="faults there", verdict="ok", found="all")
    if lacking:
        found = f"not {', '.join(lacking)}: it lacks the resource faults.oddsock.dev"
        faults = Symptom(what="faults there", verdict="without", found=found)
    return [Symptom(what="cluster", verdict="ok", found=f"{version} ({cluster.server})"), shop, faults]
