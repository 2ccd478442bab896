"""Verification: a report holds against its evidence, and one changed figure, file or book is named."""

import shutil
from pathlib import Path

import pytest

from oddsock.drill.case import Case
from oddsock.drill.report import verify_report, write_report

FILES = ("report.md", "report.html", "report.json", "report.xml")


def change(path: Path, old: str, new: str) -> None:
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")


def test_a_moved_case_still_verifies(reported_case: Case, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(reported_case.path, moved)
    assert verify_report(Case(moved)) == []


@pytest.mark.parametrize("kind", ["whole_case", "killed_case", "clean_case"])
def test_a_fresh_report_verifies(kind: str, request: pytest.FixtureRequest) -> None:
    case: Case = request.getfixturevalue(kind)
    write_report(case)
    assert verify_report(case) == []


def test_verification_finds_one_changed_figure_and_says_where_the_right_one_is(reported_case: Case) -> None:
    change(reported_case.path / "report.json", '"at_risk_cents": 37422', '"at_risk_cents": 37421')
    differences = verify_report(reported_case)
    assert len(differences) == 1
    assert "impact.at_risk_cents: it says 37421, the evidence gives 37422" in differences[0]
    assert "evidence/after-heal/orders.json" in differences[0]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("report.md", "$374.22", "$374.21"),
        ("report.html", 'data-figure="recovery.paid"', 'data-figure="recovery.pain"'),
        ("report.xml", 'failures="1"', 'failures="0"'),
        ("exports/failed-orders.csv", "690320cee2c84800016ceb4a", "690320cee2c84800016ceb40"),
    ],
)
def test_verification_finds_a_change_in_any_file(reported_case: Case, name: str, old: str, new: str) -> None:
    change(reported_case.path / name, old, new)
    differences = verify_report(reported_case)
    assert differences
    assert any(Path(name).name.split(".")[0] in line for line in differences)


def test_verification_finds_evidence_that_was_changed_afterwards(reported_case: Case) -> None:
    change(reported_case.path / "evidence/after-heal/orders.json", '"total_cents":10498', '"total_cents":10499')
    differences = verify_report(reported_case)
    assert any("files.evidence/after-heal/orders.json" in line for line in differences)
    assert len(differences) > 1


def test_verification_of_a_case_without_a_report_says_what_is_missing(whole_case: Case) -> None:
    differences = verify_report(whole_case)
    assert [f"{name} is missing" in differences for name in FILES] == [True] * 4


def test_damaged_evidence_is_a_difference_and_no_traceback(reported_case: Case) -> None:
    (reported_case.path / "evidence/after-heal/orders.json").write_text("{", encoding="utf-8")
    differences = verify_report(reported_case)
    assert len(differences) == 1
    assert differences[0].startswith("evidence: ")
