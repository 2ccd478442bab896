"""The loop over a matrix's cells: what one of them does to the others, to the pace, and to the table on the disk."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.cli import measuring
from oddsock.drill.matrix.cells import QUICK, Cell
from oddsock.drill.matrix.measure import Figures
from oddsock.drill.plan import Plan
from oddsock.kit.errors import CannotRun, Interrupted

FIGURES = Figures(
    wanted=4,
    paid=4,
    lost=0,
    double_charged=0,
    orphan_charges=0,
    stuck=0,
    untold=0,
    falsely_shown=0,
    odd=0,
    recovered_cents=0,
    accepted_in_outage=4,
)


class Cells:
    """Runs cells without a stack: *act* says what comes of the plan and the cell of each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self.load = 0.5
        self.act: Callable[[Plan, Cell], Figures] = lambda plan, cell: FIGURES

    async def run_cell(self, plan: Plan, cell: Cell, folder: Path, name: str, slowed: float = 1.0) -> Figures:
        """As the real one."""
        self.calls.append((cell.name, plan.speed))
        return self.act(plan, cell)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cells:
    made = Cells()
    monkeypatch.setenv("ODDSOCK_HOME", str(tmp_path))
    monkeypatch.setattr(measuring, "run_cell", made.run_cell)
    monkeypatch.setattr("os.getloadavg", lambda: (made.load, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return made


def run(resume: bool = False) -> int:
    """A quick matrix of incident-3 under one seed; its exit code."""
    return measuring.measure_matrix("incident-3", seeds=1, quick=True, told="", resume=resume, json=True)


def fail(error: Exception, at: str) -> Callable[[Plan, Cell], Figures]:
    """An act that raises *error* in the cell *at*."""

    def act(plan: Plan, cell: Cell) -> Figures:
        if cell.name == at:
            raise error
        return FIGURES

    return act


def table_of(tmp_path: Path) -> dict[str, Any]:
    """The table on the disk by cell."""
    document = json.loads((tmp_path / "matrices/incident-3/matrix.json").read_text())
    return {line["cell"]: line for line in document["lines"]}


@pytest.mark.parametrize("error", [CannotRun("No stack came up."), ValueError("a bug")])
def test_a_cell_that_fails_is_told_and_loses_no_other(cells: Cells, tmp_path: Path, error: Exception) -> None:
    cells.act = fail(error, "retry")
    assert run() == 1
    lines = table_of(tmp_path)
    assert str(error).rstrip(".") in lines["retry"]["results"][0]["failed"]
    assert [lines[name]["results"][0]["figures"] is None for name in QUICK] == [False, True, False, False]
    assert "retry failed" in (tmp_path / "matrices/incident-3/matrix.html").read_text()


def test_what_was_measured_before_an_interruption_stands_on_the_disk_and_is_not_run_again(
    cells: Cells, tmp_path: Path
) -> None:
    cells.act = fail(Interrupted("Stopped by SIGINT."), "all")
    with pytest.raises(Interrupted):
        run()
    assert set(table_of(tmp_path)) == {"none", "retry"}
    cells.calls.clear()
    cells.act = lambda plan, cell: FIGURES
    assert run(resume=True) == 0
    assert [name for name, _ in cells.calls] == ["all", "retry+idempotency"]
    assert set(table_of(tmp_path)) == set(QUICK)


def test_a_cell_for_which_the_machine_is_too_busy_is_run_again_slower(cells: Cells, tmp_path: Path) -> None:
    def act(plan: Plan, cell: Cell) -> Figures:
        return msgspec.structs.replace(FIGURES, late=20 if plan.speed > 60 else 0)

    cells.act = act
    assert run() == 0
    speeds = [speed for _, speed in cells.calls]
    assert speeds[:2] == [120.0, 60.0]
    assert set(speeds[2:]) == {60.0}
    assert table_of(tmp_path)["none"]["results"][0]["slowed"] == 2.0


def test_on_a_busy_machine_the_first_cell_begins_slower_and_those_that_are_in_time_get_faster(cells: Cells) -> None:
    cells.load = 8.0
    assert run() == 0
    assert [speed for _, speed in cells.calls] == [30.0] * len(QUICK)
    cells.calls.clear()
    measuring.measure_matrix("incident-3", seeds=2, quick=True, told="", resume=False, json=True)
    assert [speed for _, speed in cells.calls] == [30.0] * len(QUICK) + [60.0] * len(QUICK)


def test_a_machine_that_is_too_busy_at_any_speed_does_not_hold_the_matrix_up(cells: Cells) -> None:
    cells.act = lambda plan, cell: msgspec.structs.replace(FIGURES, late=20)
    assert run() == 0
    assert len(cells.calls) == len(QUICK) + 3
