"""Remedies in force on a shop that is up: their switches are set like a fault, and put back when the drill is over.

They have an undo journal of their own, because the drill heals its faults before it looks at what the remedies saved.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.case import Case
from oddsock.drill.faults.set_env import SetEnv
from oddsock.drill.heal import heal_case, journal_of
from oddsock.drill.remedies import RemedyRow, merge_switches, remedies, remedies_in_force
from oddsock.drill.running import run_to_its_end
from oddsock.drill.steady_state import ready_deadline_s
from oddsock.drill.undo import inject
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import CannotRun

OFF = "off"
ROLL_S_MAX = 120.0
"""Plan seconds within which every deployment must run with its new variables; never less than a process needs."""

ROLL_POLL_WALL_S = 0.05


@asynccontextmanager
async def remedies_set(
    rows: Collection[RemedyRow], cluster: ClusterDoor, case: Case, clock: Clock
) -> AsyncIterator[None]:
    """The shop of *cluster* with exactly *rows* on; what it had is on the disk in *case* first and is put back.

    CannotRun when a deployment does not come up with them, CannotHeal when something could not be put back.
    """
    try:
        for deployment, env in (await _changes(rows, cluster)).items():
            await _set(deployment, env, cluster, case, clock)
        yield
    finally:
        await run_to_its_end(heal_case(case, cluster, clock))
    case.end("completed", "The remedies were put back as they were.")


async def find_remedies(cluster: ClusterDoor) -> list[str]:
    """The remedies that are in force by the variables of the deployments; those of telemetry are not told by any."""
    there = {deployment.name for deployment in await cluster.deployments()}
    names = [name for name in merge_switches(remedies().values()) if name in there]
    return remedies_in_force({name: await cluster.env(name) for name in names})


async def _changes(rows: Collection[RemedyRow], cluster: ClusterDoor) -> dict[str, dict[str, str | None]]:
    """What is to be set, by deployment: the wanted remedies on, every other remedy that is on off."""
    wanted = merge_switches(rows)
    changes: dict[str, dict[str, str | None]] = {}
    there = {deployment.name for deployment in await cluster.deployments()}
    for deployment, known in merge_switches(remedies().values()).items():
        if deployment not in there:
            continue
        now = await cluster.env(deployment)
        asked = {name: wanted.get(deployment, {}).get(name, OFF) for name in known}
        new = {name: value for name, value in asked.items() if now.get(name, OFF) != value}
        if new:
            changes[deployment] = dict(new)
    return changes


async def _set(deployment: str, env: dict[str, str | None], cluster: ClusterDoor, case: Case, clock: Clock) -> None:
    fault = SetEnv(target=deployment, env=env)
    undo = await inject(fault, f"remedies-{deployment}", cluster, journal_of(case), clock)

    async def is_in_force() -> bool:
        found = await cluster.deployment(deployment)
        ready = found is not None and found.is_settled_with(found.replicas)
        return ready and (await fault.took_effect(cluster, undo.changes)).took

    deadline_s = ready_deadline_s(ROLL_S_MAX, clock)
    if not await wait_for(is_in_force, clock, deadline_s, ROLL_POLL_WALL_S * clock.speed):
        raise CannotRun(f"{deployment} did not come up with {', '.join(sorted(env))} set.", "Look at its pod's log.")
