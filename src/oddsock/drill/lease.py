"""The Lease that forbids two drills of one namespace at once, and the permission the namespace itself gives."""

import asyncio
import contextlib
import platform
from collections.abc import AsyncIterator, Callable

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.case import Case, list_cases
from oddsock.drill.running import run_to_its_end
from oddsock.kit.clock import Clock
from oddsock.kit.errors import Forbidden, OddsockError, Unreachable

LEASE = "oddsock-drill"
LEASE_S = 30
"""Wall seconds that a drill which died keeps others out, unless its case is on this machine."""

RENEW_S = 8.0
"""Wall seconds between two renewals."""

CASES_LOOKED_AT = 20
"""How many of the newest cases are asked whether they died with the Lease in hand."""

ALLOWED_ANNOTATION = "oddsock.dev/drills"


def lease_holder(case_name: str) -> str:
    """How the drill of case *case_name* on this machine signs the Lease."""
    return f"{case_name}@{platform.node()}"


async def check_permission(cluster: ClusterDoor) -> None:
    """Return when the namespace is annotated for drills; Forbidden when it is not."""
    if (await cluster.namespace_annotations()).get(ALLOWED_ANNOTATION) != "allowed":
        raise Forbidden(
            f"Namespace {cluster.namespace} of {cluster.server} is not annotated for drills.",
            f"If it may be broken: kubectl annotate namespace {cluster.namespace} {ALLOWED_ANNOTATION}=allowed",
        )


@contextlib.asynccontextmanager
async def drill_lease(
    cluster: ClusterDoor, case: Case, clock: Clock, on_lost: Callable[[OddsockError], None]
) -> AsyncIterator[None]:
    """Hold the namespace's Lease in this block; Forbidden when a living drill has it; *on_lost* when it is lost."""
    holder = lease_holder(case.name)
    try:
        await cluster.acquire_lease(LEASE, holder, LEASE_S)
    except Forbidden:
        if not await _release_the_dead(cluster, case):
            raise
        await cluster.acquire_lease(LEASE, holder, LEASE_S)
    renewing = asyncio.create_task(_renew(cluster, holder, clock, on_lost))
    try:
        yield
    finally:
        await run_to_its_end(_give_back(cluster, holder, renewing))


async def _give_back(cluster: ClusterDoor, holder: str, renewing: asyncio.Task[None]) -> None:
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
    # A cluster that is gone keeps no Lease we could give back; it ends by itself.
    with contextlib.suppress(OddsockError):
        await cluster.release_lease(LEASE, holder)


async def _renew(cluster: ClusterDoor, holder: str, clock: Clock, on_lost: Callable[[OddsockError], None]) -> None:
    while True:
        await clock.sleep(RENEW_S * clock.speed)
        try:
            await cluster.renew_lease(LEASE, holder)
        except Unreachable:
            continue  # the drill's own calls say so; the Lease lasts until LEASE_S
        except OddsockError as error:
            on_lost(error)
            return


async def _release_the_dead(cluster: ClusterDoor, case: Case) -> bool:
    """Give back the Lease of drills of this machine that were killed; whether there was any that may have had it."""
    recent = list_cases(case.path.parent.parent)[-CASES_LOOKED_AT:]
    dead = [other for other in recent if other.path != case.path and not other.is_alive()]
    for other in dead:
        await cluster.release_lease(LEASE, lease_holder(other.name))
    return bool(dead)
