"""Matching by ids, and where a shop drops them by customer, time and amount; two candidates are never guessed."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def drop_ids(world: Any) -> None:
    """Make the shop one that passes no correlation on: no ids in any book, none in an answer without an order."""
    for book in ("journal", "charges", "shipments"):
        fields = {"request_id": "", "traceparent": ""} | ({} if book == "journal" else {"order_id": ""})
        world.rows[book] = [msgspec.structs.replace(row, **fields) for row in world.rows[book]]
    world.attempts = [msgspec.structs.replace(attempt, order_id="") for attempt in world.attempts]


@pytest.fixture
def dropping(clean: Any) -> Any:
    """The clean shop without any id."""
    for n, order_id in enumerate(("o1", "o2", "o3")):
        at_s = (200, 240, 280)[n] + 0.4
        clean.change("charges", order_id, at=clean.at(at_s))
        clean.change("shipments", order_id, at=clean.at(at_s))
    drop_ids(clean)
    return clean


def test_without_ids_orders_and_charges_are_matched_by_customer_time_and_amount(dropping: Any) -> None:
    account = dropping.account()
    assert (account.balanced, account.odd, account.indeterminate) == (3, 0, 0)
    assert all(outcome.attempts for outcome in account.outcomes)


def test_two_equal_attempts_at_one_time_are_ambiguous_and_indeterminate(world: Any) -> None:
    world.buy("o1", 200)
    world.buy("o2", 200.5)
    drop_ids(world)
    account = world.account()
    assert (account.odd, account.balanced) == (0, 0)
    attempts = [outcome for outcome in account.outcomes if outcome.attempts]
    assert [outcome.kind for outcome in attempts] == ["indeterminate", "indeterminate"]
    assert "the shop passes no ids on" in attempts[0].reason


def test_a_charge_that_could_be_either_orders_makes_both_indeterminate_and_neither_odd(world: Any) -> None:
    world.buy("o1", 200)
    world.buy("o2", 200.5, username="parvaiz")
    world.rows["charges"] = [
        msgspec.structs.replace(row, order_id="", customer_id="", at=world.at(200.7)) for row in world.rows["charges"]
    ]
    account = world.account()
    assert (account.odd, account.indeterminate, account.attempts) == (0, 2, 2)
    assert {check.id: check.verdict for check in account.checks}["C1"] == "unknown"


def test_an_order_id_in_a_charge_counts_more_than_the_request_it_came_with(clean: Any) -> None:
    clean.charge("ghost", 700, 300, request_id=clean.attempts[0].request_id)
    assert clean.account().odd_by_class == {"orphan charge": 1}


def test_a_trace_alone_ties_an_unanswered_attempt_to_its_order(clean: Any) -> None:
    clean.change_attempt(0, end="unknown", order_id="", request_id="")
    account = clean.account()
    assert next(outcome for outcome in account.outcomes if outcome.order_id == "o1").attempts == ["a0001"]


CHANCES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=0, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=CHANCES)
def test_whatever_happens_the_attempts_add_up_and_each_stands_in_one_outcome(steps: Any, world: Any) -> None:
    world.__init__()
    for n, (what, who) in enumerate(steps):
        at_s, username, order_id = 120 + 30 * n, ("Rayaan", "parvaiz", "eve")[who], f"o{n}"
        if what <= 2:
            world.buy(order_id, at_s, username=username)
        elif what == 3:
            world.fail(order_id, at_s, username=username)
        elif what == 4:
            world.attempt(at_s, username=username, end="unknown")
        elif what == 5:
            world.attempt(at_s, username=username, end="fail", told="error")
        elif what == 6:
            world.attempt(at_s, username=username, end="ok", order_id="lost")
        elif what == 7:
            world.charge(order_id, 999, at_s)
        else:
            world.missing["charges"] = "Connection refused"
    account = world.account()
    assert account.attempts == account.balanced + account.odd + account.not_placed + account.indeterminate
    stands_in = [operation for outcome in account.outcomes for operation in outcome.attempts]
    assert sorted(stands_in) == [attempt.operation for attempt in world.attempts]
    orphans = sum(not outcome.attempts for outcome in account.outcomes)
    assert account.attempts == len(world.attempts) + orphans
