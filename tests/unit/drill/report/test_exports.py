"""Exports: whole and read back; an empty or short one is a failed check, loudly."""

import csv
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.clients.sockshop.books import Line, Order
from oddsock.drill.case import Case
from oddsock.drill.exports import check_exports, export_row, render_export, require_exports, write_exports
from oddsock.drill.report import write_report
from oddsock.drill.report.context import build_context
from oddsock.drill.report.facts import collect_facts
from oddsock.drill.report.writer import _account
from oddsock.kit.errors import CannotRun


def order(order_id: str = "o1", **more: Any) -> Order:
    fields: dict[str, Any] = {
        "customer_id": "c",
        "username": "Rayaan",
        "status": "PAID",
        "total_cents": 2214,
        "total_wire": 22.14,
    }
    fields |= {"lines": [Line(item_id="s", quantity=1, unit_cents=1715)], "shipment_id": None, "placed_at": "", **more}
    return Order(id=order_id, **fields)


def test_both_exports_hold_their_orders_in_both_formats(reported_case: Case) -> None:
    folder = reported_case.path / "exports"
    counts = {}
    for name in ("orders", "failed-orders"):
        counts[name] = msgspec.json.decode((folder / f"{name}.json").read_bytes())["count"]
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as text:
            assert len(list(csv.DictReader(text))) == counts[name]
    assert counts == {"orders": 9, "failed-orders": 5}


def test_a_failed_order_is_exported_with_what_it_was_and_what_it_is(reported_case: Case) -> None:
    rows = msgspec.json.decode((reported_case.path / "exports/failed-orders.json").read_bytes())["orders"]
    assert [(row["status_at_failure"], row["status"]) for row in rows][3] == ("PAYMENT_FAILED", "CANCELLED")


@pytest.mark.parametrize("content", ["", '{"format":"","count":0,"orders":[]}', '{"count":5,"orders":[]}'])
def test_an_empty_export_is_a_failed_check_in_every_place_it_shows(reported_case: Case, content: str) -> None:
    (reported_case.path / "exports/failed-orders.json").write_text(content, encoding="utf-8")
    report = collect_facts(build_context(reported_case, _account, []))
    step = report.recovery.steps[3]
    assert not step.done
    assert step.proof.startswith("FAILED: exports/failed-orders.json")
    exported = next(row for row in report.closure if row.name == "Failed orders exported")
    assert not exported.done


def test_a_short_export_is_named_with_both_counts(tmp_path: Path) -> None:
    rows = [export_row(order(name), None) for name in ("o1", "o2")]
    write_exports(tmp_path, {"orders": rows})
    checks = check_exports(tmp_path, {"orders": ["o1", "o2", "o3"]})
    assert [check.problem for check in checks] == [
        "exports/orders.json holds 2 orders, expected are 3",
        "exports/orders.csv holds 2 orders, expected are 3",
    ]
    with pytest.raises(CannotRun, match="holds 2 orders"):
        require_exports(checks)


def test_an_export_of_the_right_length_with_a_wrong_order_is_found(tmp_path: Path) -> None:
    write_exports(tmp_path, {"orders": [export_row(order("o1"), None)]})
    checks = check_exports(tmp_path, {"orders": ["o9"]})
    assert all("holds other orders than expected: o1, o9" in check.problem for check in checks)


def test_a_name_that_looks_like_a_formula_is_harmless_in_a_spreadsheet() -> None:
    text = render_export([export_row(order(username="=1+1"), None)], "csv")
    assert "'=1+1" in text


def test_a_missing_export_is_said_to_be_missing(tmp_path: Path) -> None:
    assert [check.problem for check in check_exports(tmp_path, {"orders": []})] == [
        "exports/orders.json was not written",
        "exports/orders.csv was not written",
    ]


def test_a_case_without_orders_exports_nothing_at_all(killed_case: Case) -> None:
    (killed_case.path / "evidence").rename(killed_case.path / "away")
    write_report(killed_case)
    assert not (killed_case.path / "exports").exists()
