"""The saga in process: money is held, taken when the parcel is accepted, and let go when there is none."""

from typing import Any

import pytest

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.calls import REFUSED, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.checkout import OrderRefused
from oddsock.shop.orders.gateway import Capture, Standing, standing_of
from oddsock.shop.orders.retry import Retry
from oddsock.shop.orders.status import Status

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links(
    "http://user/customers/c1", "http://user/addresses/c1", "http://user/cards/c1", "http://carts/carts/c1/items"
)
BY = Correlation(request_id="request-1")
HAND = Correlation(request_id="request-2", idempotency_key="mend-1")
AWAY = NoAnswer(REFUSED, "Connection refused")


async def _marks(shop: Shop) -> list[tuple[str, str]]:
    return [(mark.leg, mark.state) for mark in await shop.book.store.marks("o1")]


async def test_each_leg_is_journaled_before_it_acts_and_money_is_taken_behind_the_parcel(shop: Shop) -> None:
    order = await shop.assemble(saga=True).checkout.place("o1", LINKS, BY)
    assert (order.status, order.shipment_id) == (Status.PAID, "parcel-1")
    assert await shop.statuses("o1") == ["CREATED", "PENDING", "PAID"]
    assert shop.kinds("o1") == ["authorisation", "capture"]
    assert await _marks(shop) == [
        ("authorise", "begun"),
        ("authorise", "held"),
        ("ship", "begun"),
        ("confirm", "begun"),
        ("ship", "done"),
        ("confirm", "done"),
    ]


async def test_an_order_that_cannot_be_shipped_costs_nothing_and_says_so(shop: Shop) -> None:
    made = shop.assemble(saga=True, notices=True)
    shop.shipping.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.reason, order.shipment_id) == (Status.CANCELLED, "shipping_unavailable", None)
    assert shop.kinds("o1") == ["authorisation", "void"]
    assert shop.told("o1") == ["cancelled"]
    assert "Your card was not charged." in shop.mails[-1].body


async def test_a_payment_that_can_only_charge_is_refunded(shop: Shop) -> None:
    made = shop.assemble(saga=True, notices=True)
    shop.payment.can_hold = False
    shop.shipping.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    await shop.settle(made)
    assert shop.kinds("o1") == ["authorisation", "capture", "refund"]
    assert shop.told("o1") == ["refunded"]
    assert ("authorise", "done") in await _marks(shop)


async def test_shipping_that_answers_too_late_is_recalled_before_the_money_is_let_go(shop: Shop) -> None:
    made = shop.assemble(saga=True)
    shop.shipping.lost = 1
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    await shop.settle(made)
    assert shop.events("o1") == ["accepted", "queued", "recalled"]
    assert shop.kinds("o1") == ["authorisation", "void"]


async def test_a_capture_without_an_answer_is_parked_and_made_once(shop: Shop) -> None:
    made = shop.assemble(saga=True, payment_queue=True)
    for order_id in ("o1", "o2"):
        shop.payment.capture_cause, shop.payment.captures_lost = (AWAY, 0) if order_id == "o1" else (None, 1)
        order = await made.checkout.place(order_id, LINKS, BY)
        assert (order.status, order.shipment_id) == (Status.PENDING, None)
    await shop.settle(made)
    for order_id in ("o1", "o2"):
        order = await shop.book.order(order_id)
        assert (order.status, bool(order.shipment_id)) == (Status.PAID, True)
        assert shop.kinds(order_id) == ["authorisation", "capture"]
        assert shop.events(order_id) == ["accepted", "queued"]


async def test_what_the_bank_let_go_before_it_was_taken_is_recalled_and_cancelled(shop: Shop) -> None:
    made = shop.assemble(saga=True, payment_queue=True)
    shop.payment.capture_cause = AWAY
    await made.checkout.place("o1", LINKS, BY)
    shop.payment.capture_cause = None
    errand = await shop.book.store.errand("o1")
    (held,) = (await shop.payment.standing("o1", BY)).holds

    async def let_go() -> None:
        await shop.payment.void(held, "the bank's own doing", HAND)

    found = await shop.payment.standing("o1", BY)
    standing = shop.payment.standing

    async def stale(order_id: str, by: Correlation) -> Standing:
        # Between the look and the capture the bank lets go.
        shop.payment.standing = standing
        await let_go()
        return found  # type: ignore[no-any-return]  # Shop is untyped here

    shop.payment.standing = stale
    shop.clock.advance(10.0)
    await shop.settle(made)
    assert errand is not None
    order = await shop.book.order("o1")
    assert (order.status, order.reason) == (Status.CANCELLED, "payment_unavailable")
    assert shop.kinds("o1") == ["authorisation", "void"]
    assert shop.events("o1") == ["accepted", "queued", "recalled"]


async def test_a_dead_letter_whose_money_was_let_go_is_held_anew_when_it_is_queued_again(shop: Shop) -> None:
    made = shop.assemble(saga=True, payment_queue=True, idempotency=True, queue_deadline_s=1.0)
    shop.payment.lost = 3
    await made.checkout.place("o1", LINKS, BY)
    shop.payment.cause = AWAY
    shop.clock.advance(10.0)
    await made.queue.turn()
    await made.queue.settle()
    assert (await shop.book.order("o1")).status is Status.PAYMENT_FAILED
    shop.payment.cause, shop.payment.lost = None, 0
    await made.queue.turn()
    for _ in range(3):
        await made.queue.settle()
        shop.clock.advance(10.0)
        await made.queue.turn()
    assert shop.kinds("o1") == ["authorisation", "void"]
    assert (await shop.book.order("o1")).status is Status.PAYMENT_FAILED
    await made.queue.requeue("o1", HAND)
    await shop.settle(made)
    assert (await shop.book.order("o1")).status is Status.PAID
    assert shop.kinds("o1") == ["authorisation", "void", "authorisation", "capture"]


async def test_an_order_held_twice_without_a_key_is_taken_once_and_the_rest_let_go(shop: Shop) -> None:
    made = shop.assemble(saga=True, payment_queue=True)
    shop.shipping.cause = AWAY
    order = await made.checkout.place("o1", LINKS, BY)
    await shop.payment.hold(order, Correlation(order_id="o1"))
    shop.shipping.cause = None
    await shop.settle(made)
    assert sorted(shop.kinds("o1")) == ["authorisation", "authorisation", "capture", "void"]


async def test_a_retry_by_hand_takes_what_is_held_and_a_cancel_lets_it_go(shop: Shop) -> None:
    by_hand = shop.assemble().by_hand
    for order_id in ("o1", "o2"):
        order = await shop.bring_to(await shop.place(identity=order_id), Status.PENDING)
        await shop.payment.hold(order, Correlation(order_id=order_id))
    paid = await Retry(by_hand).run("o1", HAND)
    assert (paid.status, shop.kinds("o1")) == (Status.PAID, ["authorisation", "capture"])
    await Cancel(by_hand).run("o2", "changed my mind", Correlation(idempotency_key="mend-2"))
    assert shop.kinds("o2") == ["authorisation", "void"]


def test_how_the_money_of_an_order_stands_is_read_off_the_book() -> None:
    def line(charge_id: str, kind: str, cents: int = 100) -> Charge:
        return Charge(seq=0, id="", charge_id=charge_id, kind=kind, amount_cents=cents, at="", order_id="o")

    charges = [line(one, "authorisation") for one in ("taken", "held", "voided", "given back", "in part")]
    charges += [line(one, "capture") for one in ("taken", "given back", "in part")]
    charges += [
        line("voided", "void"),
        line("given back", "refund"),
        line("in part", "refund", 40),
        line("no", "decline"),
    ]
    assert standing_of(charges) == Standing((Capture("taken", 100), Capture("in part", 60)), ("held",), 1)
