"""Before anything is broken: everything the plan names is there, and everything it wants ready is ready.

A name that leads nowhere is a mistake of the plan and is said with its place in the file; a service that is not ready
is waited for, and when the deadline has passed the drill does not begin.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.plan import Plan
from oddsock.drill.plan_complaint import suggest
from oddsock.drill.plan_source import Step
from oddsock.kit.clock import Clock, wait_for
from oddsock.kit.errors import CannotRun, Unreachable

READY_WALL_S_MIN = 45.0
"""A real process needs real time to start, at whatever speed: no wait for readiness ends before this."""

PROBLEMS_TOLD = 3
"""How many of the things that are not ready an error names."""

READY_POLL_S = 3.0
"""Plan seconds between two looks."""


def ready_deadline_s(plan_s: float, clock: Clock) -> float:
    """Plan seconds to wait for readiness: *plan_s*, or what READY_WALL_S_MIN is at this speed when that is longer."""
    return max(plan_s, READY_WALL_S_MIN * clock.speed)


async def check_services(plan: Plan, cluster: ClusterDoor) -> None:
    """Return when every deployment that *plan* names exists and has the plan's switches; PlanError at the first not."""
    names = [deployment.name for deployment in await cluster.deployments()]
    check_names(plan, names, cluster.namespace)
    if plan.steady_state.switches:
        check_switches(plan, {name: await cluster.env(name) for name in names})


def check_switches(plan: Plan, variables: Mapping[str, Mapping[str, str]]) -> None:
    """Return when every switch of *plan* has its value in *variables*, by deployment; PlanError at the first not.

    A switch may belong to several deployments, and then all of them must have the value; none at all is a mistake.
    """
    for name, wanted in plan.steady_state.switches.items():
        place = ("steady_state", "switches", name)
        found = {deployment: env[name] for deployment, env in variables.items() if name in env}
        if not found:
            known = sorted({variable for env in variables.values() for variable in env})
            raise plan.error(place, f"No deployment of this shop has a switch {name}{suggest(name, known)}")
        wrong = [f"{deployment} has {value!r}" for deployment, value in found.items() if value != wanted]
        if wrong:
            raise plan.error(
                place,
                f"The plan needs a shop with {name}={wanted}, and {_first_few(wrong)}.",
                "Run it without a stack, and it boots one that is so; or see `oddsock up --help`.",
            )


def check_names(plan: Plan, deployments: Collection[str], namespace: str) -> None:
    """Return when every deployment that *plan* names is among *deployments*; PlanError at the first that is not."""
    for steps, name in _named_services(plan):
        if name not in deployments:
            raise plan.error(
                steps, f"There is no deployment {name} in namespace {namespace}{suggest(name, deployments)}"
            )


async def check_socks(plan: Plan, shop: Shop) -> None:
    """Return when every sock that *plan* names is in the catalogue; PlanError at the first that is not."""
    known = [sock.name for sock in await shop.catalogue()]
    for steps, name in _named_socks(plan):
        if name not in known:
            raise plan.error(steps, f"The catalogue has no sock {name!r}{suggest(name, known)}")


async def await_steady_state(plan: Plan, cluster: ClusterDoor, shop: Shop, clock: Clock) -> str:
    """A sentence of what is steady, as soon as it is; CannotRun with what is not when the deadline has passed."""
    wanted = plan.steady_state
    deadline_s = ready_deadline_s(wanted.within, clock)
    unsteady: list[str] = []

    async def is_steady() -> bool:
        unsteady[:] = await _unready(cluster, dict(wanted.deployments)) or await _unhealthy(shop, wanted.healthy)
        return not unsteady

    if not await wait_for(is_steady, clock, deadline_s, READY_POLL_S):
        raise CannotRun(
            f"Steady state was not reached in {deadline_s / clock.speed:.0f} s: {_first_few(unsteady)}.",
            "Look at `kubectl get pods`, or run `oddsock heal`.",
        )
    count = len(wanted.deployments) or len(await cluster.deployments())
    return f"{count} deployments ready, {len(wanted.healthy)} services healthy"


def _first_few(problems: Sequence[str]) -> str:
    rest = len(problems) - PROBLEMS_TOLD
    return "; ".join(problems[:PROBLEMS_TOLD]) + (f"; and {rest} more" if rest > 0 else "")


async def await_healthy(services: Collection[str], shop: Shop, clock: Clock, deadline_s: float) -> list[str]:
    """What is still unhealthy of *services* after at most *deadline_s* plan seconds; empty as soon as all are well."""
    unhealthy: list[str] = []

    async def are_healthy() -> bool:
        unhealthy[:] = await _unhealthy(shop, services)
        return not unhealthy

    await wait_for(are_healthy, clock, deadline_s, READY_POLL_S)
    return unhealthy


async def _unready(cluster: ClusterDoor, wanted: dict[str, int]) -> list[str]:
    """A half sentence for each deployment that is not ready as *wanted*; without a wish, as its own spec asks."""
    found = {deployment.name: deployment for deployment in await cluster.deployments()}
    wanted = wanted or {name: deployment.replicas for name, deployment in found.items()}
    return [
        f"{name} has {found[name].ready} of {count} ready" if name in found else f"{name} does not exist"
        for name, count in wanted.items()
        if name not in found or found[name].ready < count or not found[name].is_settled_with(count)
    ]


async def _unhealthy(shop: Shop, services: Collection[str]) -> list[str]:
    problems = []
    for service in services:
        try:
            sick = [part.service for part in await shop.health(service) if part.status != "OK"]
        except Unreachable as error:
            problems.append(error.sentence.rstrip("."))
        else:
            problems += [f"{service} says that {name} is not OK" for name in sick]
    return problems


def _named_services(plan: Plan) -> Iterator[tuple[Sequence[Step], str]]:
    for at, fault in enumerate(plan.lead.faults):
        yield ("lead", "faults", at, "target"), fault.target
    for at, fault in enumerate(plan.faults):
        yield ("faults", at, "target"), fault.target
    for name in plan.steady_state.deployments:
        yield ("steady_state", "deployments", name), name
    for at, name in enumerate(plan.steady_state.healthy):
        yield ("steady_state", "healthy", at), name
    for at, name in enumerate(plan.recovery.health):
        yield ("recovery", "health", at), name


def _named_socks(plan: Plan) -> Iterator[tuple[Sequence[Step], str]]:
    for at, operation in enumerate(plan.lead.operations):
        yield from ((("lead", "operations", at, "socks", name), name) for name in operation.socks)
    for at, operation in enumerate(plan.operations):
        yield from ((("operations", at, "socks", name), name) for name in operation.socks)
    for at, name in enumerate(plan.load.socks if plan.load else []):
        yield ("load", "socks", at), name
    if plan.recovery.test_order:
        yield from ((("recovery", "test_order", "socks", name), name) for name in plan.recovery.test_order.socks)
