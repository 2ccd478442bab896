"""orders with every remedy on, killed between any two steps: nothing lost, charged twice, stuck or untold."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from oddsock.shop.calls import REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.checkout import OrderRefused
from oddsock.shop.orders.records import Request
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.status import Status, check_transition

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links(
    "http://user/customers/c1", "http://user/addresses/c1", "http://user/cards/c1", "http://carts/carts/c1/items"
)
ALL = {field.name: True for field in fields(Remedies) if field.name != "queue_deadline_s"}
WITHOUT_SAGA = {**ALL, "saga": False}
STEPS_MAX = 90


def _by(step: int) -> Correlation:
    return Correlation(request_id=f"request-{step}", idempotency_key=f"key-{step}")


async def _order(made: Any, order_id: str, by: Correlation) -> None:
    await made.checkout.place_once(order_id, LINKS, by, Request(by.idempotency_key, "print"), made.work)


async def _check(shop: Shop, order_id: str, step: int) -> None:
    order = await shop.book.order(order_id)
    assert (order.status, order.reason) == (Status.PAID, ""), step
    assert shop.kinds(order_id) == ["authorisation", "capture"], step
    assert shop.events(order_id) == ["accepted", "queued"], step
    assert order.shipment_id == shop.shipping.book.page(0, 10, order_id)[0].shipment_id
    before: Status | None = None
    for status in map(Status, await shop.statuses(order_id)):
        check_transition(before, status)
        before = status


@pytest.mark.parametrize(
    ("switches", "can_hold"),
    [(ALL, True), (ALL, False), (WITHOUT_SAGA, True)],
    ids=["all on", "payment cannot hold", "all but the saga"],
)
async def test_a_checkout_killed_between_any_two_steps_is_charged_shipped_and_told_once(
    switches: dict[str, bool], can_hold: bool, shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    shop.payment.can_hold = can_hold
    for step in range(1, STEPS_MAX):
        fate, order_id = new_fate(step), f"order-{step}"
        try:
            await _order(shop.assemble(fate, **switches), order_id, _by(step))
        except died:
            await shop.restart()
        made = shop.assemble(**switches)
        await made.queue.begin()
        await shop.settle(made)
        # The browser, which saw no answer, sends the same again.
        await _order(made, order_id, _by(step))
        await shop.settle(made)
        await _check(shop, order_id, step)
        assert shop.told(order_id) == ["paid"], step
        if fate.steps < step:
            assert step > 12, "the deaths did not reach into the checkout"
            return
    raise AssertionError("a checkout has no end of steps")


@pytest.mark.parametrize("cause", [NoAnswer(REFUSED, "Connection refused"), NoAnswer(TIMED_OUT, "Read timed out")])
async def test_a_parked_order_whose_queue_is_killed_between_any_two_steps_ends_once(
    cause: NoAnswer, shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        fate, order_id = new_fate(step), f"order-{step}"
        shop.payment.cause = cause
        await _order(shop.assemble(**ALL), order_id, _by(step))
        assert (await shop.book.order(order_id)).status is Status.PENDING
        shop.payment.cause = None
        shop.clock.advance(10.0)
        made = shop.assemble(fate, **ALL)
        try:
            await made.queue.begin()
            for errand in await made.book.store.claim(made.queue.holder, "9999", "9999", 10):
                await made.queue._carry_out_alone(errand)
        except died:
            pass
        await shop.restart()
        made = shop.assemble(**ALL)
        await made.queue.begin()
        await shop.settle(made)
        await _check(shop, order_id, step)
        assert shop.told(order_id) == ["delayed", "paid"], step
        if fate.steps < step:
            assert step > 10, "the deaths did not reach into the queue"
            return
    raise AssertionError("a queue has no end of steps")


def _no_parcel(shop: Shop) -> None:
    shop.shipping.cause = NoAnswer(REFUSED, "Connection refused")


def _no_parcel_and_no_hold(shop: Shop) -> None:
    shop.payment.can_hold = False
    _no_parcel(shop)


def _no_capture(shop: Shop) -> None:
    shop.payment.capture_cause = NoAnswer(REFUSED, "Connection refused")


def _no_answer_to_a_capture(shop: Shop) -> None:
    shop.payment.captures_lost = 1


@pytest.mark.parametrize(
    ("breaks", "reason", "money", "parcel", "told"),
    [
        (_no_parcel, "shipping_unavailable", ["authorisation", "void"], [], "cancelled"),
        (_no_parcel_and_no_hold, "shipping_unavailable", ["authorisation", "capture", "refund"], [], "refunded"),
        (
            _no_capture,
            "payment_unavailable",
            ["authorisation", "void"],
            ["accepted", "queued", "recalled"],
            "cancelled",
        ),
        (
            _no_answer_to_a_capture,
            "payment_unavailable",
            ["authorisation", "capture", "refund"],
            ["accepted", "queued", "recalled"],
            "refunded",
        ),
    ],
)
async def test_a_compensation_killed_between_any_two_steps_takes_each_leg_back_once(
    breaks: Callable[[Shop], None],
    reason: str,
    money: list[str],
    parcel: list[str],
    told: str,
    shop: Shop,
    new_fate: Callable[[int], Any],
    died: type[BaseException],
) -> None:
    switches = {**ALL, "payment_queue": False}
    for step in range(1, STEPS_MAX):
        fate, order_id = new_fate(step), f"order-{step}"
        breaks(shop)
        with pytest.raises(OrderRefused):
            await _order(shop.assemble(**{**switches, "retry": False}), order_id, _by(step))
        made = shop.assemble(fate, **switches)
        try:
            await made.queue.begin()
            for errand in await made.book.store.claim(made.queue.holder, "9999", "9999", 10):
                await made.queue._carry_out_alone(errand)
        except died:
            pass
        await shop.restart()
        made = shop.assemble(**switches)
        await made.queue.begin()
        await shop.settle(made)
        order = await shop.book.order(order_id)
        assert (order.status, order.reason) == (Status.CANCELLED, reason), step
        assert shop.kinds(order_id) == money, step
        assert shop.events(order_id) == parcel, step
        assert shop.told(order_id) == [told], step
        if fate.steps < step:
            assert step > 8, "the deaths did not reach into the compensation"
            return
    raise AssertionError("a compensation has no end of steps")
