"""A drill from its order on the line to its last line: plan, cluster, case, run, recovery, report, exit code."""

import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from oddsock.cli import screen
from oddsock.cli.asking import ask_on_terminal
from oddsock.cli.healing import heal_reachable
from oddsock.cli.options import REPLAYS
from oddsock.cli.running import run_to_end
from oddsock.cli.summary import exit_code, summarise
from oddsock.cli.target import Wanted, connect
from oddsock.cli.telemetry import connect_telemetry, stack_telemetry
from oddsock.cli.watching import choose_watcher
from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.drill.access import open_access
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.plan import Plan, load_plan
from oddsock.drill.recovery import run_recovery
from oddsock.drill.remedies import NONE, RemedyRow, boot_switches, merge_switches, read_remedies
from oddsock.drill.remedy_window import remedies_set
from oddsock.drill.report import write_report
from oddsock.drill.runner import run_drill
from oddsock.drill.steady_state import check_names, check_services
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_CANNOT_RUN, UsageError
from oddsock.kit.mask import is_secret
from oddsock.kit.settings import home


@dataclass(frozen=True, kw_only=True)
class DrillOrder:
    """What the line says."""

    plan: str
    speed: float | None
    seed: int | None
    name: str
    mend: bool | None
    replay: str
    kubeconfig: str
    context: str
    namespace: str
    switches: tuple[str, ...]
    remedies: str
    datadog: bool
    json: bool


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a drill takes place: the cluster, what the case says of it, its speed, network mode and telemetry."""

    cluster: Cluster
    meta: ClusterMeta
    speed: float
    mode: str
    telemetry: str = ""


def drill(order: DrillOrder) -> int:
    """Run the drill that *order* asks for and answer the exit code; the errors of kit.errors otherwise."""
    plan = _adjusted(load_plan(order.plan), order)
    return run_to_end(_drill(plan, order), "Nothing is left broken or running.")


def _adjusted(plan: Plan, order: DrillOrder) -> Plan:
    """*plan* with what the line says instead."""
    if order.replay and order.replay not in REPLAYS:
        raise UsageError(f"--replay cannot be {order.replay!r}.", f"It is one of {', '.join(REPLAYS)}.")
    mending = plan.recovery.mend
    if order.mend is not None:
        mending = msgspec.structs.replace(mending, apply=order.mend)
    if order.replay:
        mending = msgspec.structs.replace(mending, replay=REPLAYS[order.replay])
    steady_state = plan.steady_state
    if order.switches or order.remedies:
        remedies = boot_switches(merge_switches(_remedies(order)))
        switches = {**steady_state.switches, **remedies, **read_switches(order.switches)}
        steady_state = msgspec.structs.replace(steady_state, switches=switches)
    return msgspec.structs.replace(
        plan,
        steady_state=steady_state,
        seed=plan.seed if order.seed is None else order.seed,
        speed=order.speed or plan.speed,
        namespace=order.namespace or plan.namespace,
        recovery=msgspec.structs.replace(plan.recovery, mend=mending),
    )


def _remedies(order: DrillOrder) -> list[RemedyRow]:
    """The remedies that the line names; none when it says nothing."""
    return read_remedies(order.remedies or NONE)


def read_switches(told: Sequence[str]) -> dict[str, str]:
    """Switches by name; UsageError at the first of *told* that is not of the form NAME=VALUE.

    >>> read_switches(["TRACE_LOGS=on"])
    {'TRACE_LOGS': 'on'}
    """
    pairs = [one.partition("=") for one in told]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"--switch cannot be {name!r}.", "Write it as NAME=VALUE, such as TRACE_LOGS=on.")
        if is_secret(name):
            raise UsageError(f"--switch cannot be {name}: a secret is kept in no case.", "Set it with kubectl set env.")
    return {name: value for name, _, value in pairs}


async def _drill(plan: Plan, order: DrillOrder) -> int:
    await heal_reachable()
    async with _ground(plan, order) as ground:
        case = Case.create(
            home(),
            plan.name,
            seed=plan.seed,
            speed=ground.speed,
            namespace=ground.cluster.namespace,
            cluster=ground.meta,
            operator=plan.operator or getpass.getuser(),
            mode=ground.mode,
        )
        try:
            code = await _run(plan, order, ground, case)
        finally:
            case.unlock()
    if not order.json:
        screen.say(f"report: {case.path / 'report.md'}")
    return code


async def _run(plan: Plan, order: DrillOrder, ground: Ground, case: Case) -> int:
    clock = SystemClock(ground.speed)
    terminal = sys.stdout.isatty() and not order.json
    with choose_watcher(order.json, terminal) as watcher:
        access = open_access(plan, ground.cluster, clock, _telemetry(order, ground))
        result = await run_drill(plan, ground.cluster, case, clock, watcher, access)
        if result.state == "completed":
            ask = ask_on_terminal(watcher) if terminal and sys.stdin.isatty() else None
            access = open_access(plan, ground.cluster, clock, _telemetry(order, ground))
            await run_recovery(plan, ground.cluster, case, clock, watcher, access, ask=ask)
    write_report(case)
    summary = summarise(case)
    if order.json:
        screen.say_json(summary)
    else:
        summary.show()
    return exit_code(summary) if result.state == "completed" else EXIT_CANNOT_RUN


def _telemetry(order: DrillOrder, ground: Ground) -> TelemetryDoor | None:
    """The real Datadog when the line says so, else the stack's own; None on another cluster or without one."""
    if order.datadog:
        return connect_telemetry(order.name, True)
    return stack_telemetry(ground.meta.stack, ground.telemetry) if ground.telemetry else None


@asynccontextmanager
async def _ground(plan: Plan, order: DrillOrder) -> AsyncIterator[Ground]:
    """The cluster the drill is for: another one, the stack that is up, or a stack of the drill's own."""
    from oddsock.stack.state import find

    wanted = Wanted(name=order.name, kubeconfig=order.kubeconfig, context=order.context, namespace=plan.namespace)
    state = None if wanted.is_other else find(home(), order.name)
    if wanted.is_other or state is not None:
        cluster = await connect(wanted)
        try:
            speed = order.speed or (state.speed if state else plan.speed)
            meta = ClusterMeta(server=cluster.server, own=False, stack=state.name if state else "")
            async with _remedied(plan, order, cluster, meta, speed):
                await check_services(plan, cluster)
                yield Ground(
                    cluster=cluster,
                    meta=meta,
                    speed=speed,
                    mode=state.mode if state else "other",
                    telemetry=state.telemetry if state else "",
                )
        finally:
            await cluster.close()
        return
    async with _own_stack(plan, order) as ground:
        yield ground


@asynccontextmanager
async def _remedied(
    plan: Plan, order: DrillOrder, cluster: Cluster, meta: ClusterMeta, speed: float
) -> AsyncIterator[None]:
    """A shop that is up, with the remedies of the line and no others as long as the drill lasts."""
    if not order.remedies:
        yield
        return
    rows = _remedies(order)
    for row in rows:
        if row.telemetry:
            screen.note(f"{row.name}: the {row.telemetry} of a stack that is up stay as it was booted with.")
    case = Case.create(
        home(), f"{plan.name}-remedies", seed=plan.seed, speed=speed, namespace=cluster.namespace, cluster=meta
    )
    try:
        async with remedies_set(rows, cluster, case, SystemClock(speed)):
            yield
    finally:
        case.unlock()
    case.remove()


@asynccontextmanager
async def _own_stack(plan: Plan, order: DrillOrder) -> AsyncIterator[Ground]:
    """A stack that lives as long as this drill, however the drill ends."""
    from oddsock.stack.boot import NAMESPACE, Stack, Wish
    from oddsock.stack.leftovers import own_name, sweep
    from oddsock.stack.manifests import deployment_names

    if plan.namespace != NAMESPACE:
        raise UsageError(
            f"A stack of this machine has its shop in namespace {NAMESPACE}, not in {plan.namespace}.",
            "Change the plan's namespace, or name another cluster with --kubeconfig or --context.",
        )
    # A name that leads nowhere is told before anything is started.
    check_names(plan, deployment_names(), NAMESPACE)
    sweep(home())
    if not order.json:
        screen.say(f"No stack is up: booting one for this drill (speed {plan.speed:g}).")
    switches = {**plan.steady_state.boots_with, **plan.steady_state.switches}
    installed = {row.telemetry for row in _remedies(order)}
    wish = Wish(
        speed=plan.speed,
        kept_by="drill",
        switches=switches,
        alerts=not order.remedies or "monitors" in installed,
        log_pipeline="pipelines" in installed,
    )
    async with await Stack.start(home(), own_name(), wish) as stack:
        cluster = await connect(Wanted(name=stack.state.name, kubeconfig="", context="", namespace=NAMESPACE))
        try:
            meta = ClusterMeta(server=cluster.server, own=True, stack=stack.state.name)
            yield Ground(
                cluster=cluster,
                meta=meta,
                speed=plan.speed,
                mode=stack.state.mode,
                telemetry=stack.state.telemetry,
            )
        finally:
            await cluster.close()
