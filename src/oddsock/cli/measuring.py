"""A matrix from its order on the line to its table: a cell after the other, a result a file, the table after each."""

import hashlib
import os
from collections.abc import Sequence

from oddsock import __version__
from oddsock.cli import screen
from oddsock.cli.cell_run import run_cell
from oddsock.cli.running import run_to_end
from oddsock.drill.matrix.cells import Cell, find_cells, list_cells, plan_cell
from oddsock.drill.matrix.folder import MatrixFolder
from oddsock.drill.matrix.measure import Figures
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.matrix.table import COLUMNS, Table, spell, tabulate
from oddsock.drill.plan import Plan, load_plan
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_ODD, Interrupted, OddsockError
from oddsock.kit.settings import home
from oddsock.stack.leftovers import sweep


def measure_matrix(name: str, *, seeds: int, quick: bool, told: str, resume: bool, json: bool) -> int:
    """Measure the matrix of plan *name* under so many *seeds*, tell its table and answer the exit code.

    All its cells, with *quick* a handful, or those that were *told*.
    """
    plan = load_plan(name)
    cells = find_cells(told) if told else list_cells(quick)
    folder = MatrixFolder(home() / "matrices" / plan.name)
    sweep(home())
    table = run_to_end(_measure(plan, cells, seeds, resume, folder), GO_ON)
    if json:
        screen.say_json(table)
    else:
        _show(table)
        screen.say(f"matrix: {folder.path / 'matrix.md'}")
    return EXIT_ODD if any(line.failed for line in table.lines) else 0


GO_ON = "`--resume` goes on with the cells that are missing."

LATE_MAX = 2
"""With more customers late than this the machine was too busy, and the cell is run again at half the speed."""

SLOWED_MAX = 8.0
"""How many times slower than planned a cell is run at the most."""

GUESSES = ((1.5, 1.0), (3.0, 2.0), (6.0, 4.0))
"""How many times slower the first cell is run on a machine with fewer processes a processor than that."""

IN_TIME = 4
"""After so many cells in a row for which the machine was fast enough, they run faster again."""


async def _measure(plan: Plan, cells: Sequence[Cell], seeds: int, resume: bool, folder: MatrixFolder) -> Table:
    """The table of every cell under every seed, written anew after each; one that fails is kept as failed."""
    results: list[CellResult] = []
    names = [cell.name for cell in cells]
    wanted = [(seed, cell) for seed in range(plan.seed, plan.seed + seeds) for cell in cells]
    sha256 = hashlib.sha256(f"{__version__}\n{plan.text}".encode()).hexdigest()
    table = tabulate(plan.name, results, names)
    pace = _Pace(os.getloadavg()[0] / (os.cpu_count() or 1))
    for number, (seed, cell) in enumerate(wanted, 1):
        result = folder.find(cell.name, seed, sha256) if resume else None
        is_kept = result is not None
        result = result or await _run(plan, seed, cell, sha256, folder, pace)
        results.append(result)
        table = tabulate(plan.name, results, names)
        folder.keep_table(table)
        screen.note(_progress(number, len(wanted), result, is_kept, results))
    return table


class _Pace:
    """How many times slower than planned cells run at the moment; a busy machine needs them slower."""

    def __init__(self, busy: float) -> None:
        """Begin with a guess at a machine that is *busy*: processes that want to run, for each processor."""
        self.slowed = next((slowed for below, slowed in GUESSES if busy < below), SLOWED_MAX)
        self._in_time = 0

    def is_too_fast(self, figures: Figures | None) -> bool:
        """Whether the cell of *figures* was too fast for the machine; the next one is slower then."""
        if figures is None or figures.late <= LATE_MAX:
            self._in_time += 1
            if self._in_time >= IN_TIME and self.slowed > 1:
                self.slowed, self._in_time = self.slowed / 2, 0
            return False
        self._in_time = 0
        if self.slowed >= SLOWED_MAX:
            return False
        self.slowed *= 2
        return True


async def _run(plan: Plan, seed: int, cell: Cell, sha256: str, folder: MatrixFolder, pace: _Pace) -> CellResult:
    clock = SystemClock()
    began_s, failed = clock.monotonic(), ""
    figures: Figures | None = None
    while True:
        case, slowed = folder.clear_case(cell.name, seed), pace.slowed
        try:
            figures = await run_cell(plan_cell(plan, seed, slowed), cell, folder.path, case, slowed)
        except Interrupted as cause:
            told = f"The matrix was interrupted in cell {cell.name}, seed {seed}; nothing is left running."
            raise Interrupted(told, GO_ON) from cause
        except OddsockError as error:
            failed = error.sentence
        except Exception as error:  # noqa: BLE001  # whatever broke one cell must not lose the others
            failed = f"{type(error).__name__}: {error}"
        if not pace.is_too_fast(figures):
            break
        screen.note(f"{cell.name}, seed {seed}: the machine is too busy for it, so once more at half the speed")
    result = CellResult(
        cell=cell.name,
        seed=seed,
        remedies=cell.remedies,
        plan_sha256=sha256,
        wall_s=round(clock.monotonic() - began_s, 2),
        slowed=slowed,
        case=f"cases/{case}" if (folder.path / "cases" / case).is_dir() else "",
        figures=figures,
        failed=failed,
    )
    folder.keep(result)
    return result


def _progress(number: int, total: int, result: CellResult, is_kept: bool, results: Sequence[CellResult]) -> str:
    """One line of progress, with the time that the rest will take at the pace so far."""
    told = result.failed or f"{result.figures.paid if result.figures else 0} paid"
    took = "kept" if is_kept else f"{result.wall_s:.1f} s"
    left_s = (total - number) * sum(one.wall_s for one in results) / len(results)
    rest = f", {left_s / 60:.0f} min left" if left_s >= 60 else ""
    return f"[{number}/{total}] {result.cell}, seed {result.seed}: {told} ({took}{rest})"


def _show(table: Table) -> None:
    rows = [[line.cell, *(spell(column, line.values[column]) for column in COLUMNS)] for line in table.lines]
    screen.say_table(["remedies on", *COLUMNS.values()], rows, right=range(1, len(COLUMNS) + 1))
    for one in table.worth:
        screen.say(f"{one.remedy}: {one.sentence}")
    for line in table.lines:
        for reason in line.failed:
            screen.say(f"{line.cell} failed, {reason}")
