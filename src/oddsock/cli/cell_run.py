"""One cell of a matrix: a stack of its own with empty books, the plan's run on it, its figures; nothing stays up."""

import asyncio
from pathlib import Path

import msgspec

from oddsock.cli.target import Wanted, connect
from oddsock.cli.telemetry import stack_telemetry
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.matrix.cells import Cell
from oddsock.drill.matrix.measure import BOOKS, Figures, measure
from oddsock.drill.matrix.noticed import Noticed, await_monitors, read_noticed
from oddsock.drill.plan import Plan
from oddsock.drill.remedies import boot_switches, merge_switches
from oddsock.drill.runner import Saving, run_drill
from oddsock.drill.telemetry_span import read_span
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import CannotRun, Interrupted
from oddsock.kit.settings import home
from oddsock.stack.boot import NAMESPACE, Stack, Wish
from oddsock.stack.leftovers import own_name

CELL_WALL_S_MAX = 90.0
"""Wall seconds after which a cell has failed."""

STILL_WALL_S = 1.5
"""Nothing changes any more in a cell where nothing has changed for so many wall seconds, or for STILL_PLAN_S.

Longer than a call of the shop may take.
"""

STILL_PLAN_S = 90.0
"""Longer than the longest wait between two tries of a parked order."""


async def run_cell(plan: Plan, cell: Cell, folder: Path, name: str, slowed: float = 1.0) -> Figures:
    """The figures of *cell*, whose case *name* is kept under *folder*; CannotRun when it hangs.

    *plan* is *slowed* times slower than on a machine with nothing else to do.
    """
    still_wall_s = max(STILL_WALL_S * slowed, STILL_PLAN_S / plan.speed)
    try:
        async with asyncio.timeout(CELL_WALL_S_MAX) as deadline:
            return await _run(plan, cell, folder, name, still_wall_s)
    except (TimeoutError, Interrupted) as cause:
        if not deadline.expired():
            raise
        raise CannotRun(f"It was not over within {CELL_WALL_S_MAX:g} s.") from cause


async def _run(plan: Plan, cell: Cell, folder: Path, name: str, still_wall_s: float) -> Figures:
    switches = {**plan.steady_state.switches, **boot_switches(merge_switches(cell.rows))}
    steady_state = msgspec.structs.replace(plan.steady_state, switches=switches)
    plan = msgspec.structs.replace(plan, steady_state=steady_state)
    wish = Wish(
        speed=plan.speed,
        kept_by="drill",
        switches={**plan.steady_state.boots_with, **switches},
        telemetry=cell.is_watched,
        alerts="monitors" in cell.installs,
        log_pipeline="pipelines" in cell.installs,
    )
    async with await Stack.start(home(), own_name(), wish) as stack:
        cluster = await connect(Wanted(name=stack.state.name, kubeconfig="", context="", namespace=NAMESPACE))
        try:
            meta = ClusterMeta(server=cluster.server, own=True, stack=stack.state.name)
            with Case.create(
                folder, plan.name, stem=name, seed=plan.seed, speed=plan.speed, namespace=NAMESPACE, cluster=meta
            ) as case:
                figures = await _drill(plan, cluster, case, stack, wish, still_wall_s)
                case.end("completed", "The cell ran to its end; nothing was mended.")
            return figures
        finally:
            await cluster.close()


async def _drill(plan: Plan, cluster: Cluster, case: Case, stack: Stack, wish: Wish, still_wall_s: float) -> Figures:
    clock = SystemClock(plan.speed)
    door = stack_telemetry(stack.state.name, stack.state.telemetry) if wish.telemetry else None
    saving = Saving(BOOKS, still_wall_s)
    noticed: Noticed | None = None
    try:
        if door and wish.alerts:
            await await_monitors(door, clock)
        await run_drill(plan, cluster, case, clock, saving=saving)
        span = read_span(case.history)
        if door and span:
            noticed = await read_noticed(door, cluster.namespace, span, clock)
    finally:
        if door:
            await door.close()
    return measure(case, plan, noticed)
