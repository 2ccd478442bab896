"""A matrix as a user runs it: a handful of cells of a small plan, in which retry without idempotency charges twice."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Oddsock

pytestmark = pytest.mark.e2e

PLAN = """
name: small
title: Half of payment's replies are lost
seed: 3
speed: 30
customers: []
load: {customers: 8, orders: 8, from: 2, until: 22, socks: [Crossed Socks]}
faults:
  - {fault: drop-reply, target: payment, from: 2, until: 30, settings: {caller: orders, percentage: 50, seed: 4}}
"""


def figures(table: dict[str, Any], cell: str) -> dict[str, Any]:
    """What *cell* of *table* came to."""
    line = next(line for line in table["lines"] if line["cell"] == cell)
    found: dict[str, Any] = line["results"][0]["figures"]
    return found


def test_a_quick_matrix_says_that_retry_charges_twice_and_idempotency_ends_that(
    oddsock: "Oddsock", tmp_path: Path
) -> None:
    plan = tmp_path / "small.yaml"
    plan.write_text(PLAN)
    table = oddsock.succeed("matrix", str(plan), "--quick", "--seeds", "1", "--json").json
    assert [line["cell"] for line in table["lines"]] == ["none", "retry", "all", "retry+idempotency"]
    none, retry = figures(table, "none"), figures(table, "retry")
    assert none["wanted"] == 8 and none["orphan_charges"] == none["lost"] > 0
    assert retry["paid"] == 8 and retry["double_charged"] == none["lost"]
    assert figures(table, "retry+idempotency")["double_charged"] == 0
    whole = figures(table, "all")
    assert [whole[name] for name in ("lost", "double_charged", "orphan_charges", "stuck", "untold", "odd")] == [0] * 6
    assert whole["paid"] == whole["drift_checkable"] == 8
    assert none["is_watched"] and none["detect_plan_s"] is None and not retry["is_watched"]

    folder = oddsock.home / "matrices/small"
    for line in table["lines"]:
        case = folder / line["results"][0]["case"]
        assert json.loads((case / "case.json").read_text())["state"] == "completed"
    assert "| retry | 8 | 8 | 0 |" in (folder / "matrix.md").read_text()
    assert "<h1>Remedy matrix of small</h1>" in (folder / "matrix.html").read_text()
    oddsock.wait_until_none_is_left()
    assert not list((oddsock.home / "stacks").iterdir())
