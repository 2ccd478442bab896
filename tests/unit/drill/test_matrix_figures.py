"""What a matrix counts: carts that somebody wanted to buy, judged by the books."""

from typing import Any

import msgspec

from oddsock.clients.sockshop.browser import VANISHED
from oddsock.drill.customers import operations
from oddsock.drill.matrix.measure import Figures, count
from oddsock.drill.matrix.noticed import Noticed
from oddsock.drill.plan import parse_plan
from oddsock.drill.telemetry_span import Span

PLAN = parse_plan(
    """
name: p
title: Two customers
speed: 10
customers: [{username: Rayaan}, {username: parvaiz}]
operations:
  - {at: 0, customer: Rayaan, do: register}
  - {at: 0, customer: parvaiz, do: register}
  - {at: 150, customer: Rayaan, do: add, socks: {Crossed Socks: 1}}
  - {at: 200, customer: Rayaan, do: checkout}
  - {at: 250, customer: Rayaan, do: checkout}
  - {at: 300, customer: parvaiz, do: checkout, twice: true}
"""
)
RAYAAN, AGAIN, CLICK, SECOND = [one.id for one in operations(PLAN) if one.verb == "checkout"]


def figures(world: Any, *operation_ids: str, noticed: Noticed | None = None) -> Figures:
    """What is counted of *world*, whose attempts were those operations of the plan; the fault held from 100 to 400."""
    for n, operation in enumerate(operation_ids):
        world.change_attempt(n, operation=operation)
    span = Span(from_at=world.at(100), held_at=world.at(100), healing_at=world.at(399), to_at=world.at(400))
    return count(world.books(), PLAN, span, noticed)


def test_a_cart_that_is_ordered_again_after_a_failure_is_one_wish_and_bought_once(world: Any) -> None:
    world.fail("o1", 200)
    world.buy("o2", 250)
    found = figures(world, RAYAAN, AGAIN)
    assert (found.wanted, found.paid, found.lost, found.double_charged, found.untold) == (1, 1, 0, 0, 1)


def test_a_failed_order_that_was_charged_and_bought_again_is_a_double_charge_and_an_orphan_one(world: Any) -> None:
    world.fail("o1", 200)
    world.charge("o1", at_s=200.4)
    world.buy("o2", 250)
    found = figures(world, RAYAAN, AGAIN)
    assert (found.double_charged, found.orphan_charges, found.lost) == (1, 1, 0)


def test_two_orders_of_one_double_click_are_a_double_charge_though_each_is_whole(world: Any) -> None:
    world.buy("o1", 300, username="parvaiz")
    world.buy("o2", 300.1, username="parvaiz")
    found = figures(world, CLICK, SECOND)
    assert (found.wanted, found.double_charged, found.odd) == (1, 1, 0)


def test_lost_is_what_is_neither_bought_nor_open_nor_declined(world: Any) -> None:
    world.fail("o1", 200)
    world.try_order("o2", 300, {"holy": 1}, username="parvaiz", end="ok", http_status=202)
    found = figures(world, RAYAAN, CLICK)
    assert (found.lost, found.stuck, found.accepted_in_outage) == (1, 1, 1)
    assert found.drain_plan_s is None and found.balanced_plan_s is None


def test_an_order_paid_when_nobody_waited_any_more_recovered_by_itself(world: Any) -> None:
    world.try_order("o1", 200, {"holy": 1}, end="ok", http_status=202, told="confirmation")
    world.status("o1", "PAID", 410)
    world.charge("o1", at_s=409)
    world.ship("o1", at_s=411)
    world.show("o1", "Shipped")
    found = figures(world, RAYAAN)
    assert found.recovered_cents == 10498
    assert (found.drain_plan_s, found.balanced_plan_s) == (100.0, 110.0)
    assert found.accepted_per_min == round(1 / (300 * PLAN.speed / 60), 2)


def test_an_order_whose_browser_vanished_did_not_recover_when_it_is_paid_at_once(world: Any) -> None:
    world.buy("o1", 200)
    world.change_attempt(0, end="unknown", error=VANISHED, completed_at=world.at(200.01), order_id="")
    assert figures(world, RAYAAN).recovered_cents == 0


def test_the_alert_is_counted_from_the_fault_and_no_telemetry_is_no_alert_that_never_came(world: Any) -> None:
    world.buy("o1", 200)
    assert not figures(world, RAYAAN).is_watched
    never = figures(world, RAYAAN, noticed=Noticed())
    assert never.is_watched and never.detect_plan_s is None
    noticed = Noticed(alerted_at=world.at(103), errors_found=7)
    assert (
        msgspec.structs.asdict(figures(world, RAYAAN, noticed=noticed)).items()
        >= {
            "detect_plan_s": 30.0,
            "errors_found": 7,
        }.items()
    )
