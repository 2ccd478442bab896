"""The customers of a plan are a pure, seeded generator of operations."""

from itertools import pairwise

import pytest

from oddsock.drill.customers import ARRIVE_LEAD_S, operations, password, people, trial_operations
from oddsock.drill.operation import Operation
from oddsock.drill.plan import load_plan, parse_plan

LOADED = """\
name: loaded
title: A plan with a load
seed: {seed}
customers:
  - {{username: Rayaan, card: {{number: "************1012"}}}}
operations:
  - {{at: 10, customer: Rayaan, do: register}}
load: {{customers: 4, orders: 30, socks: [Crossed Socks, Colourful Socks], from: 0, until: 5m}}
"""


def loaded(seed: int) -> list[Operation]:
    """The operations of the plan above under *seed*."""
    return operations(parse_plan(LOADED.format(seed=seed)))


def test_the_same_seed_gives_the_same_operations_and_another_seed_others() -> None:
    assert loaded(7) == loaded(7)
    assert loaded(7) != loaded(8)


def test_operations_are_numbered_by_time_with_the_lead_first() -> None:
    made = operations(load_plan("incident-3"))
    assert [one.id for one in made] == [f"a{n:04d}" for n in range(1, len(made) + 1)]
    phases = [one.phase for one in made]
    assert phases == sorted(phases), "lead sorts before main"
    for phase in ("lead", "main"):
        times = [one.at_s for one in made if one.phase == phase]
        assert times == sorted(times)


def test_a_load_places_exactly_its_orders_each_with_one_sock_in_the_cart() -> None:
    made = [one for one in loaded(7) if one.username.startswith("shopper-")]
    checkouts = [one for one in made if one.verb == "checkout"]
    assert len(checkouts) == 30
    assert all(0 <= one.at_s <= 300 for one in made)
    assert {one.username for one in checkouts} == {f"shopper-{n:02d}" for n in range(1, 5)}


def test_each_customer_of_a_load_registers_first_and_fills_the_cart_before_each_checkout() -> None:
    for name in (f"shopper-{n:02d}" for n in range(1, 5)):
        mine = [one for one in loaded(7) if one.username == name]
        assert mine[0].verb == "register"
        assert [one.verb for one in mine[1:]] == ["add", "checkout"] * ((len(mine) - 1) // 2)
        assert all(one.at_s <= other.at_s for one, other in pairwise(mine))


def test_customers_of_a_load_come_when_they_are_about_to_order_and_not_all_at_once() -> None:
    made = loaded(7)
    for name in (f"shopper-{n:02d}" for n in range(1, 5)):
        mine = [one for one in made if one.username == name]
        first = next(one.at_s for one in mine if one.verb == "checkout")
        assert mine[0].at_s == pytest.approx(max(0.0, first - ARRIVE_LEAD_S), abs=0.01)


def test_secrets_come_from_the_seed_and_the_name_alone() -> None:
    assert password(3, "Rayaan") == password(3, "Rayaan")
    assert len({password(3, "Rayaan"), password(4, "Rayaan"), password(3, "parvaiz")}) == 3


def test_a_masked_card_gets_its_other_digits_and_keeps_its_last_four() -> None:
    rayaan = people(parse_plan(LOADED.format(seed=1)))[0]
    assert rayaan.card_number.isdigit()
    assert len(rayaan.card_number) == 16
    assert rayaan.card_number.endswith("1012")


def test_the_customer_of_the_test_order_is_synthetic_and_nobody_else_is() -> None:
    plan = load_plan("incident-3")
    assert [(one.username, one.synthetic) for one in people(plan)] == [
        ("Rayaan", False),
        ("parvaiz", False),
        ("oddsock-test-order", True),
    ]
    trial = plan.recovery.test_order
    assert trial is not None
    made = trial_operations(trial, 21)
    assert [(one.id, one.verb) for one in made] == [
        ("a0021", "register"),
        ("a0022", "clear"),
        ("a0023", "add"),
        ("a0024", "checkout"),
    ]
    assert all(one.synthetic and one.phase == "recovery" for one in made)


def test_second_presses_belong_to_a_first_one_of_the_same_form_and_nothing_moves_an_arrival() -> None:
    text = LOADED.format(seed=7).replace("until: 5m", "until: 5m, double_clicks: 0.3, impatient: 0.3, vanishing: 0.2")
    made = operations(parse_plan(text))
    first = {one.order_token: one for one in made if one.verb == "checkout" and not one.beside}
    second = [one for one in made if one.beside]
    assert len(first) == 30
    assert second and any(one.if_untold for one in second) and any(one.vanishes for one in first.values())
    assert all(first[one.order_token].at_s < one.at_s for one in second)
    assert [one.at_s for one in first.values()] == [one.at_s for one in loaded(7) if one.verb == "checkout"]
