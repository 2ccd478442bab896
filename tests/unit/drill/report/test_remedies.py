"""What the report says of a recommendation that a matrix measured."""

import json
from pathlib import Path

import msgspec
import pytest

from oddsock.drill.matrix.table import Table, Worth
from oddsock.drill.report.remedies import list_remedies
from oddsock.kit.errors import CannotRun

TABLE = Table(
    plan="p",
    seeds=[3, 4],
    lines=[],
    worth=[
        Worth(remedy="retry", sentence="saves lost (5 to 0)", left_out="nothing"),
        Worth(remedy="payment_queue", sentence="saves lost (5 to 1)"),
        Worth(remedy="resume", sentence="saved 0", left_out="makes worse stuck (0 to 1)"),
    ],
    switched={},
)


def test_a_measured_recommendation_has_its_worth_and_that_of_its_parts_and_the_others_the_command(
    tmp_path: Path,
) -> None:
    (tmp_path / "matrix.json").write_bytes(msgspec.json.encode(TABLE))
    states = {row.name: row.state for row in list_remedies(tmp_path, "p")}
    assert states["Implement Retry Logic"] == (
        "alone, under seeds 3, 4: saves lost (5 to 0); all without it, against all: nothing"
    )
    assert states["Payment Queue"] == (
        "alone, under seeds 3, 4: saves lost (5 to 1). Its part resume alone, under seeds 3, 4: saved 0; "
        "all without it, against all: makes worse stuck (0 to 1)"
    )
    assert states["Saga Pattern"].startswith("not measured in this run; `oddsock matrix p`")


def test_a_damaged_matrix_is_told_with_the_way_to_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "matrix.json").write_text(json.dumps({"plan": 3}))
    with pytest.raises(CannotRun, match="damaged"):
        list_remedies(tmp_path, "p")
