"""Before anything else: what a killed drill left broken is put back, and a case whose owner died says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from oddsock.cli import screen
from oddsock.cli.target import Wanted, connect, name_its_cluster
from oddsock.drill.heal import Healed, close_killed_cases, heal_case, unhealed_cases, write_off
from oddsock.kit.clock import SystemClock
from oddsock.kit.settings import home
from oddsock.stack.state import DEFAULT_NAME, find

if TYPE_CHECKING:
    from oddsock.clients.kubernetes.cluster import Cluster
    from oddsock.clients.kubernetes.door import ClusterDoor
    from oddsock.drill.case import Case

GONE = "the stack it ran on has ended, and everything that was broken with it"


@asynccontextmanager
async def open_cluster(wanted: Wanted) -> AsyncIterator["Cluster"]:
    """The cluster that *wanted* means, with what killed drills left on it put back first."""
    cluster = await connect(wanted)
    try:
        await heal_what_the_dead_left(cluster)
        yield cluster
    finally:
        await cluster.close()


async def heal_what_the_dead_left(cluster: "ClusterDoor") -> list["Case"]:
    """Heal on *cluster* every open fault of a drill that was killed; CannotHeal when one cannot be."""
    healed = []
    for case in unhealed_cases(home()):
        meta = case.meta
        if (meta.cluster.server, meta.namespace) == (cluster.server, cluster.namespace):
            await heal_and_say(case, cluster)
            healed.append(case)
    bury_the_dead()
    return healed


async def heal_reachable() -> None:
    """Heal the open faults of killed drills on every stack that is up; a note for those on other clusters."""
    for case in unhealed_cases(home()):
        state = find(home(), case.meta.cluster.stack or DEFAULT_NAME)
        if state is not None and state.server == case.meta.cluster.server:
            cluster = await connect(Wanted(name=state.name, kubeconfig="", context="", namespace=case.meta.namespace))
            try:
                await heal_and_say(case, cluster)
            finally:
                await cluster.close()
        elif not is_on_a_stack_that_ended(case):
            screen.note(f"oddsock: {name_its_cluster(case)}")
    bury_the_dead()


async def heal_and_say(case: "Case", cluster: "ClusterDoor") -> list[Healed]:
    """Heal *case* on *cluster* and say on stderr what was put back."""
    done = await heal_case(case, cluster, SystemClock(case.meta.speed))
    for one in done:
        screen.note(f"Healed case {case.name}, fault {one.id}: {one.sentence}.")
    return done


def bury_the_dead() -> None:
    """Close the cases whose owner is dead, and the open faults of stacks that are gone."""
    close_killed_cases(home())
    for case in unhealed_cases(home()):
        if is_on_a_stack_that_ended(case):
            case.lock()
            try:
                write_off(case, SystemClock())
            finally:
                case.unlock()


def is_on_a_stack_that_ended(case: "Case") -> bool:
    """Whether *case* ran on a stack that is no more; a stack of the same name that was booted later is another one."""
    meta = case.meta
    if not meta.cluster.stack:
        return False
    state = find(home(), meta.cluster.stack)
    return state is None or state.server != meta.cluster.server
