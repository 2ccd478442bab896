"""The few figures of a case, and the exit code they come to."""

from typing import Any

import msgspec
import pytest

from oddsock.cli.summary import Summary, exit_code


def a_summary(**odd: Any) -> Summary:
    """The incident's figures with *odd* changed."""
    counts = {"before_total": 5, "after_total": 0, "carried_over_total": 1, "before": {"false status": 5}, "after": {}}
    return Summary(
        case="c",
        path="/c",
        report="/c/report.md",
        state="completed",
        ended_how="",
        verdicts={"fault": "ok", "system": "odd", "cleanup": "ok"},
        impact={"orders_attempted": 5, "orders_failed": 5, "customers_affected": 2, "at_risk_cents": 37422},
        recovery={"paid": 4, "declined": 1, "collected_cents": 25209, "declined_cents": 12213},
        odd={**counts, "carried_over": {}, **odd},
    )


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({}, 0),
        ({"after_total": 2}, 1),
        ({"after_total": None}, 1),
        ({"after_total": None, "before_total": 0}, 0),
        ({"after_total": None, "before_total": None}, 1),
    ],
)
def test_nothing_odd_is_0_and_what_nobody_can_tell_is_not(odd: dict[str, Any], code: int) -> None:
    assert exit_code(a_summary(**odd)) == code


def test_an_order_that_nobody_could_judge_is_no_silent_pass() -> None:
    assert exit_code(msgspec.structs.replace(a_summary(), undecided=1)) == 1


def test_a_person_reads_dollars_and_classes(capsys: pytest.CaptureFixture[str]) -> None:
    a_summary().show()
    shown = capsys.readouterr().out
    assert "5 of 5, $374.22 at risk" in shown
    assert "4, $252.09 collected" in shown
    assert "5 (false status 5)" in shown


def test_no_evidence_is_never_shown_as_zero(capsys: pytest.CaptureFixture[str]) -> None:
    a_summary(after_total=None, before_total=None).show()
    assert capsys.readouterr().out.count("not known: no evidence") == 2
