"""A line of the history as a person watching a drill reads it."""

from typing import Any

import pytest

from oddsock.drill.history import Entry, Kind
from oddsock.drill.spelling import Speller, is_worth_showing, spell_plan_time


def entry(kind: Kind, verb: str, actor: str = "customer:Rayaan", operation: str = "a0001", **value: Any) -> Entry:
    """One line of a history."""
    return Entry(
        n=1,
        at="2025-10-30T08:24:46.328Z",
        plan_s=46.3,
        phase="main",
        kind=kind,
        actor=actor,
        operation=operation,
        verb=verb,
        value=value,
    )


def test_an_end_is_told_with_what_its_beginning_said() -> None:
    speller = Speller()
    speller.spell(entry("invoke", "add", socks={"Holy Cringle Socks": 1}))
    assert speller.spell(entry("ok", "add", http_status=201)) == "Rayaan put 1 Holy Cringle Socks into the cart"


def test_an_order_is_told_with_its_socks_its_total_and_what_the_customer_got() -> None:
    speller = Speller()
    lines = [{"quantity": 1, "name": "Holy Cringle Socks", "item_id": "x"}]
    begun = entry("invoke", "checkout", lines=lines, total_cents=10498)
    assert speller.spell(begun) == "Rayaan checks out 1 Holy Cringle Socks ($104.98)"
    ended = entry("unknown", "checkout", http_status=500, told="nothing", message="", order_id="")
    assert speller.spell(ended) == "Rayaan got HTTP 500, was told nothing"


def test_an_order_without_an_answer_says_why() -> None:
    ended = entry("unknown", "checkout", http_status=None, error="no answer in time", message="")
    assert Speller().spell(ended) == "Rayaan got no answer in time, was told nothing"


def test_a_failed_operation_says_why() -> None:
    assert Speller().spell(entry("fail", "login", http_status=401)) == "Rayaan logged in (fail: HTTP 401)"


def test_a_fault_is_told_by_what_was_seen_in_the_cluster() -> None:
    line = entry("ok", "inject", actor="fault:away", sentence="payment scaled", effect="payment is at 0/0")
    assert Speller().spell(line) == "inject away: payment is at 0/0"
    missed = entry("unknown", "inject", actor="fault:away", sentence="it did not take effect")
    assert Speller().spell(missed) == "inject away: it did not take effect"


def test_evidence_names_the_books_there_is_none_of() -> None:
    line = entry("unknown", "evidence", actor="runner", phase="during", missing={"charges": "refused"})
    assert Speller().spell(line) == "evidence during: no evidence of charges"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (entry("invoke", "add"), False),
        (entry("invoke", "checkout"), True),
        (entry("ok", "add"), True),
        (entry("note", "drill", actor="runner"), True),
    ],
)
def test_only_what_is_new_is_shown(line: Entry, shown: bool) -> None:
    assert is_worth_showing(line) is shown


def test_plan_time_is_minutes_and_seconds_and_rounds_over() -> None:
    assert [spell_plan_time(s) for s in (0, 59.96, 160.964)] == ["00:00.0", "01:00.0", "02:41.0"]
