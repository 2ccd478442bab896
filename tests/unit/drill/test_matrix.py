"""The matrix: its cells, its bookkeeping on disk, and what its table says."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.drill.customers import operations
from oddsock.drill.matrix.cells import find_cells, list_cells, plan_cell
from oddsock.drill.matrix.folder import MatrixFolder
from oddsock.drill.matrix.measure import Figures
from oddsock.drill.matrix.render import render_html, render_markdown
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.matrix.table import spell, tabulate
from oddsock.drill.plan import load_plan
from oddsock.drill.remedies import read_remedies, remedies
from oddsock.kit.errors import UsageError


def result(cell: str, seed: int, lost: int, doubles: int = 0, failed: str = "", **more: Any) -> CellResult:
    """A cell's result with so many lost and double charged, and *more* of its figures."""
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
    figures = msgspec.structs.replace(figures, **more)
    return CellResult(
        cell=cell,
        seed=seed,
        remedies=(),
        plan_sha256="sha",
        case=f"cases/{cell}-{seed}",
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
    assert [one.case for one in table.lines[0].results] == ["cases/none-1", "cases/none-2"]
    assert "| none | 10 | 3-4 | 6-7 |" in render_markdown(table)
    assert "saga failed: seed 1: it hung" in render_markdown(table)
    assert 'class="bad"' in render_html(table)


def test_a_remedy_that_only_helps_others_is_worth_what_all_without_it_loses() -> None:
    results = [result("none", 1, 5), result("idempotency", 1, 5), result("all", 1, 0)]
    results.append(result("all-idempotency", 1, 0, doubles=4))
    worth = {one.remedy: one for one in tabulate("p", results, [one.cell for one in results]).worth}
    assert worth["idempotency"].sentence == "saved 0"
    assert worth["idempotency"].left_out == "makes worse double charged (0 to 4)"


def test_a_pace_that_is_a_little_different_is_no_change() -> None:
    paces = (("none", 5.0), ("retry", 5.4), ("payment_queue", 7.0))
    results = [result(cell, 1, 5, accepted_per_min=pace) for cell, pace in paces]
    worth = {one.remedy: one.sentence for one in tabulate("p", results, [cell for cell, _ in paces]).worth}
    assert worth == {"retry": "saved 0", "payment_queue": "saved 0; raises accepted/min in the outage (5 to 7)"}


def test_never_is_told_apart_from_not_measured() -> None:
    results = [result("none", 1, 5, is_watched=True), result("breaker", 1, 5)]
    results += [result("alerts", seed, 5, is_watched=True, detect_plan_s=20.0 * seed) for seed in (1, 2)]
    table = tabulate("p", results, ["none", "breaker", "alerts"])
    assert [spell("detect_plan_s", line.values["detect_plan_s"]) for line in table.lines] == ["never", "-", "20-40"]
    told = {one.remedy: one.sentence for one in table.worth}
    assert told["alerts"] == "saved 0; is noticed after 20-40 plan s instead of never"


def test_the_orders_of_a_plan_without_a_load_stay_clear_of_inject_and_heal() -> None:
    plan = load_plan("payment-reply-lost")
    load = plan_cell(plan, plan.seed).load
    assert load is not None
    fault = plan.faults[0]
    assert fault.from_s == load.from_s
    assert load.until_s + load.patience < plan.heals_at_s(fault)


def test_a_slowed_cell_has_the_same_orders_at_the_same_plan_times() -> None:
    plan = load_plan("incident-3")
    full, slow = plan_cell(plan, 3), plan_cell(plan, 3, slowed=4.0)
    assert slow.speed == full.speed / 4
    assert operations(slow) == operations(full)
    assert slow.steady_state.boots_with["CALL_WALL_S_MIN"] == "4"


def test_telemetry_stands_only_where_it_can_tell_a_difference() -> None:
    watched = {cell.name for cell in list_cells() if cell.is_watched}
    assert watched == {"none", "alerts", "log_pipeline", "all", "all-alerts", "all-log_pipeline"}


def test_a_cell_begins_with_no_case_of_an_earlier_run(tmp_path: Path) -> None:
    folder = MatrixFolder(tmp_path)
    old = tmp_path / "cases" / "none-1"
    old.mkdir(parents=True)
    assert folder.clear_case("none", 1) == "none-1"
    assert not old.exists()


def test_a_cell_that_does_not_exist_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="did you mean `all-saga`"):
        find_cells("none,all-sage")


def test_a_remedy_that_does_not_exist_is_told_with_those_that_do() -> None:
    assert read_remedies("none") == []
    assert len(read_remedies("all")) == len(remedies())
    with pytest.raises(UsageError, match="did you mean `retry`"):
        read_remedies("retri")
