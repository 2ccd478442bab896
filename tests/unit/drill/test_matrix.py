"""The matrix: its cells, its bookkeeping on disk, and what its table says."""

from pathlib import Path

import pytest

from oddsock.drill.matrix.cells import list_cells, plan_cell
from oddsock.drill.matrix.folder import CellResult, MatrixFolder
from oddsock.drill.matrix.measure import Figures
from oddsock.drill.matrix.render import render_html, render_markdown
from oddsock.drill.matrix.table import tabulate
from oddsock.drill.plan import load_plan
from oddsock.drill.remedies import read_remedies, remedies
from oddsock.kit.errors import UsageError


def result(cell: str, seed: int, lost: int, doubles: int = 0, failed: str = "") -> CellResult:
    """A cell's result with so many lost and double charged."""
    figures = Figures(
        wanted=10,
        paid=10 - lost,
        lost=lost,
        double_charged=doubles,
        orphan_charges=0,
        stuck=0,
        untold=0,
        falsely_shown=0,
        odd=0,
        recovered_cents=0,
        accepted_in_outage=0,
    )
    return CellResult(
        cell=cell,
        seed=seed,
        remedies=(),
        plan_sha256="sha",
        wall_s=1.0,
        figures=None if failed else figures,
        failed=failed,
    )


def test_a_matrix_has_none_each_alone_all_each_left_out_and_two_pairs() -> None:
    names = [cell.name for cell in list_cells()]
    assert len(names) == len(set(names)) == 2 * len(remedies()) + 4
    assert {"none", "all", "retry", "all-retry", "retry+idempotency", "payment_queue+idempotency"} <= set(names)


def test_every_cell_of_a_seed_has_the_same_load_and_the_faults_follow_the_seed() -> None:
    plan = load_plan("payment-reply-lost")
    assert plan_cell(plan, 7) == plan_cell(plan, 7)
    assert plan_cell(plan, plan.seed).faults[0].settings == plan.faults[0].settings
    assert plan_cell(plan, plan.seed + 1).faults[0].settings["seed"] == plan.faults[0].settings["seed"] + 1


def test_a_measured_cell_is_found_again_and_a_failed_one_or_another_plans_is_not(tmp_path: Path) -> None:
    folder = MatrixFolder(tmp_path)
    folder.keep(result("none", 1, 5))
    folder.keep(result("all", 1, 0, failed="no stack"))
    assert folder.find("none", 1, "sha") == result("none", 1, 5)
    assert folder.find("none", 1, "other") is None
    assert folder.find("all", 1, "sha") is None
    assert len(folder.results()) == 2


def test_the_table_says_what_is_saved_what_is_made_worse_and_what_saves_nothing() -> None:
    results = [result("none", seed, 5 + seed) for seed in (1, 2)]
    results += [result("retry", seed, 2, doubles=3) for seed in (1, 2)]
    results += [result("breaker", seed, 6) for seed in (1, 2)] + [result("saga", 1, 0, failed="it hung")]
    table = tabulate("p", results, ["none", "retry", "breaker", "saga"])
    told = {one.remedy: one.sentence for one in table.worth}
    assert told["retry"] == "saves lost (6-7 to 2); makes worse double charged (0 to 3)"
    assert told["breaker"] == "saved 0"
    assert "saga" not in told
    assert table.lines[-1].failed == ["seed 1: it hung"]
    assert "| none | 10 | 3-4 | 6-7 |" in render_markdown(table)
    assert "saga failed: seed 1: it hung" in render_markdown(table)
    assert 'class="bad"' in render_html(table)


def test_a_remedy_that_does_not_exist_is_told_with_those_that_do() -> None:
    assert read_remedies("none") == []
    assert len(read_remedies("all")) == len(remedies())
    with pytest.raises(UsageError, match="did you mean `retry`"):
        read_remedies("retri")
