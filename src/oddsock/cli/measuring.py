"""A matrix from its order on the line to its table: a stack a cell, a result a file, the table in three formats."""

import asyncio
import hashlib
import tempfile
from pathlib import Path

import msgspec

from oddsock.cli import screen
from oddsock.cli.running import run_to_end
from oddsock.cli.target import Wanted, connect
from oddsock.drill.case import Case, ClusterMeta
from oddsock.drill.matrix.cells import Cell, list_cells, plan_cell
from oddsock.drill.matrix.folder import CellResult, MatrixFolder
from oddsock.drill.matrix.measure import Figures, measure
from oddsock.drill.matrix.render import render_html, render_markdown
from oddsock.drill.matrix.table import COLUMNS, Table, spell, tabulate
from oddsock.drill.plan import Plan, load_plan
from oddsock.drill.remedies import boot_switches, merge_switches
from oddsock.drill.runner import run_drill
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_ODD, CannotRun, Interrupted, OddsockError
from oddsock.kit.files import write_whole
from oddsock.kit.settings import home

CELL_WALL_S_MAX = 90.0
"""Wall seconds after which a cell has failed."""


def measure_matrix(name: str, *, seeds: int, quick: bool, resume: bool, json: bool) -> int:
    """Measure the matrix of plan *name* under so many *seeds*, tell its table and answer the exit code."""
    plan = load_plan(name)
    cells = list_cells(quick)
    folder = MatrixFolder(home() / "matrices" / plan.name)
    results = run_to_end(_measure(plan, cells, seeds, resume, folder), "`--resume` keeps what is measured.")
    table = tabulate(plan.name, results, [cell.name for cell in cells])
    text = msgspec.json.format(msgspec.json.encode(table)).decode() + "\n"
    for file, content in (("json", text), ("md", render_markdown(table)), ("html", render_html(table))):
        write_whole(folder.path / f"matrix.{file}", content)
    if json:
        screen.say_json(table)
    else:
        _show(table)
        screen.say(f"matrix: {folder.path / 'matrix.md'}")
    return EXIT_ODD if any(line.failed for line in table.lines) else 0


async def _measure(plan: Plan, cells: list[Cell], seeds: int, resume: bool, folder: MatrixFolder) -> list[CellResult]:
    """The result of every cell under every seed; one that fails is kept as failed and the others go on."""
    results = []
    sha256 = hashlib.sha256(plan.text.encode()).hexdigest()
    wanted = [(seed, cell) for seed in range(plan.seed, plan.seed + seeds) for cell in cells]
    clock = SystemClock()
    for number, (seed, cell) in enumerate(wanted, 1):
        result = folder.find(cell.name, seed, sha256) if resume else None
        if result is None:
            began_s, figures, failed = clock.monotonic(), None, ""
            try:
                figures = await _run_cell(plan_cell(plan, seed), cell)
            except Interrupted:
                raise
            except OddsockError as error:
                failed = error.sentence
            result = CellResult(
                cell=cell.name,
                seed=seed,
                remedies=cell.remedies,
                plan_sha256=sha256,
                wall_s=round(clock.monotonic() - began_s, 2),
                figures=figures,
                failed=failed,
            )
            folder.keep(result)
        told = result.failed or f"{result.figures.paid if result.figures else 0} paid"
        screen.note(f"[{number}/{len(wanted)}] {cell.name}, seed {seed}: {told} ({result.wall_s:.1f} s)")
        results.append(result)
    return results


async def _run_cell(plan: Plan, cell: Cell) -> Figures:
    """The figures of *cell* on a stack of its own with empty books, of which nothing stays; CannotRun when it hangs."""
    try:
        async with asyncio.timeout(CELL_WALL_S_MAX) as deadline:
            return await _run(plan, cell)
    except (TimeoutError, Interrupted) as cause:
        if not deadline.expired():
            raise
        raise CannotRun(f"It was not over within {CELL_WALL_S_MAX:g} s.") from cause


async def _run(plan: Plan, cell: Cell) -> Figures:
    from oddsock.stack.boot import NAMESPACE, Stack, Wish
    from oddsock.stack.leftovers import own_name

    switches = {**plan.steady_state.switches, **boot_switches(merge_switches(cell.rows))}
    boots_with = {**plan.steady_state.boots_with, **switches}
    steady_state = msgspec.structs.replace(plan.steady_state, switches=switches)
    plan = msgspec.structs.replace(plan, steady_state=steady_state)
    wish = Wish(speed=plan.speed, kept_by="drill", switches=boots_with, telemetry=False)
    with tempfile.TemporaryDirectory(prefix="oddsock-cell-") as place:
        async with await Stack.start(home(), own_name(), wish) as stack:
            cluster = await connect(Wanted(name=stack.state.name, kubeconfig="", context="", namespace=NAMESPACE))
            try:
                meta = ClusterMeta(server=cluster.server, own=True, stack=stack.state.name)
                case = Case.create(
                    Path(place), plan.name, seed=plan.seed, speed=plan.speed, namespace=NAMESPACE, cluster=meta
                )
                with case:
                    await run_drill(plan, cluster, case, SystemClock(plan.speed))
                    return measure(case, plan)
            finally:
                await cluster.close()


def _show(table: Table) -> None:
    rows = [[line.cell, *(spell(column, line.values[column]) for column in COLUMNS)] for line in table.lines]
    screen.say_table(["remedies on", *COLUMNS.values()], rows, right=range(1, len(COLUMNS) + 1))
    for one in table.worth:
        screen.say(f"{one.remedy}: {one.sentence}")
    for line in table.lines:
        for reason in line.failed:
            screen.say(f"{line.cell} failed, {reason}")
