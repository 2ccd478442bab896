"""The queue in process: parked, released, dead, queued again; with a retry by hand and a cancel in between."""

import asyncio
import sqlite3
from typing import Any

import pytest

from oddsock.kit.clock import SystemClock, iso
from oddsock.shop.calls import REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.checkout import OrderRefused
from oddsock.shop.orders.records import KeyReused, Request, UnknownOrder
from oddsock.shop.orders.retry import Retry, Unfinished, WrongState
from oddsock.shop.orders.status import Status

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links(
    "http://user/customers/c1", "http://user/addresses/c1", "http://user/cards/c1", "http://carts/carts/c1/items"
)
BY = Correlation(request_id="request-1")
HAND = Correlation(request_id="request-2", idempotency_key="mend-1")
AWAY = NoAnswer(REFUSED, "Connection refused")
SILENT = NoAnswer(TIMED_OUT, "Read timed out")


async def _parked(shop: Shop, made: Any, order_id: str = "o1", cause: NoAnswer = AWAY) -> Any:
    shop.payment.cause = cause
    order = await made.checkout.place(order_id, LINKS, BY)
    assert order.status is Status.PENDING
    return order


async def test_an_order_is_parked_while_payment_is_away_and_paid_when_it_is_back(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True)
    await _parked(shop, made)
    errand = await shop.book.store.errand("o1")
    assert (errand.stage, errand.attempts, errand.cause, errand.dead) == ("finish", 1, "Connection refused", False)
    shop.payment.cause = None
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.shipment_id) == (Status.PAID, "parcel-1")
    assert await shop.statuses("o1") == ["CREATED", "PENDING", "PAID"]
    assert await shop.book.store.errand_counts() == (0, 0)


async def test_the_next_try_is_on_the_disk_and_survives_the_process(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, retry=True)
    await _parked(shop, made)
    errand = await shop.book.store.errand("o1")
    assert errand.due_at >= iso(shop.clock.now())
    shop.payment.cause = None
    await shop.restart()
    reborn = shop.assemble(payment_queue=True, retry=True)
    await reborn.queue.begin()
    assert (await shop.book.store.errand("o1")).due_at == errand.due_at
    await shop.settle(reborn)
    assert (await shop.book.order("o1")).status is Status.PAID


async def test_a_lost_answer_is_charged_twice_without_a_key_and_once_with_one(shop: Shop) -> None:
    for order_id, keyed, kinds in [("o1", False, 4), ("o2", True, 2)]:
        made = shop.assemble(payment_queue=True, idempotency=keyed)
        shop.payment.lost = 1
        await made.checkout.place(order_id, LINKS, BY)
        await shop.settle(made)
        assert len(shop.kinds(order_id)) == kinds
        assert (await shop.book.order(order_id)).status is Status.PAID


async def test_a_decline_in_the_queue_cancels_the_order_and_is_never_tried_again(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, retry=True, notices=True)
    shop.price = 117.14
    await _parked(shop, made)
    shop.payment.cause = None
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.reason) == (Status.CANCELLED, "payment_declined")
    assert shop.kinds("o1") == ["decline"]
    assert shop.told("o1") == ["delayed", "declined"]


async def test_shipping_away_leaves_a_paid_order_in_the_queue_and_charges_nothing_again(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, notices=True)
    shop.shipping.cause = AWAY
    order = await made.checkout.place("o1", LINKS, BY)
    assert (order.status, order.shipment_id) == (Status.PAID, None)
    shop.shipping.cause = None
    await shop.settle(made)
    assert (await shop.book.order("o1")).shipment_id == "parcel-1"
    assert shop.kinds("o1") == ["authorisation", "capture"]
    assert shop.told("o1") == ["paid", "delayed"]


async def test_behind_its_deadline_an_order_is_a_dead_letter_that_a_hand_may_queue_again(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, notices=True, queue_deadline_s=60.0)
    await _parked(shop, made)
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.reason) == (Status.PAYMENT_FAILED, "payment gave no answer within 60 s")
    assert await shop.book.store.errand_counts() == (0, 1)
    assert shop.told("o1") == ["delayed", "failed"]
    shop.payment.cause = None
    await shop.settle(made)
    assert shop.kinds("o1") == []
    await made.queue.requeue("o1", HAND)
    with pytest.raises(WrongState, match="in the queue already"):
        await made.queue.requeue("o1", HAND)
    await shop.settle(made)
    assert (await shop.book.order("o1")).status is Status.PAID
    assert shop.told("o1") == ["delayed", "failed", "paid"]
    with pytest.raises(UnknownOrder):
        await made.queue.requeue("o1", HAND)


async def test_a_dead_letter_that_was_charged_after_all_is_refunded_once_payment_answers(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, notices=True, idempotency=True, queue_deadline_s=60.0)
    shop.payment.lost = 1
    await made.checkout.place("o1", LINKS, BY)
    shop.payment.cause = SILENT
    for _ in range(30):
        await made.queue.turn()
        await made.queue.settle()
        shop.clock.advance(5.0)
    assert (await shop.book.order("o1")).status is Status.PAYMENT_FAILED
    shop.payment.cause = None
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.reason) == (Status.CANCELLED, "payment_unavailable")
    assert shop.kinds("o1") == ["authorisation", "capture", "refund"]
    assert shop.told("o1") == ["delayed", "failed", "refunded"]


async def test_a_retry_by_hand_takes_a_parked_order_and_leaves_the_queue_nothing(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, idempotency=True)
    await _parked(shop, made)
    with pytest.raises(Unfinished):
        await Retry(made.by_hand).run("o1", HAND)
    assert (await shop.book.order("o1")).status is Status.PENDING, "the queue still has it: it has not failed"
    shop.payment.cause = None
    shop.clock.advance(10.0)
    await asyncio.gather(
        made.work.alone("o1", Retry(made.by_hand).run("o1", HAND)), made.queue.turn(), return_exceptions=True
    )
    await shop.settle(made)
    assert (await shop.book.order("o1")).status is Status.PAID
    assert shop.kinds("o1") == ["authorisation", "capture"]
    assert shop.events("o1") == ["accepted", "queued"]


async def test_a_cancel_takes_a_parked_order_out_of_the_queue(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True)
    await _parked(shop, made)
    shop.payment.cause = None
    await Cancel(made.by_hand).run("o1", "changed my mind", HAND)
    await shop.settle(made)
    assert (await shop.book.order("o1")).status is Status.CANCELLED
    assert shop.kinds("o1") == []


async def test_a_retry_after_a_refund_charges_again_though_the_orders_key_has_a_stored_answer(shop: Shop) -> None:
    made = shop.assemble(idempotency=True)
    shop.payment.lost = 1
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    [capture] = (await shop.payment.standing("o1", BY)).captures
    await shop.payment.refund(capture, "held for a failed order", HAND)
    await Retry(made.by_hand).run("o1", HAND)
    assert shop.kinds("o1") == ["authorisation", "capture", "refund", "authorisation", "capture"]


async def test_the_limiter_releases_sixty_parked_orders_and_the_herd_wakes_all_at_once(shop: Shop) -> None:
    for limited in (True, False):
        made = shop.assemble(payment_queue=True, release_limiter=limited, idempotency=True)
        shop.payment.cause = AWAY
        for n in range(60):
            await made.checkout.place(f"{limited}-{n}", LINKS, BY)
        shop.payment.cause = None
        shop.clock.advance(10.0)
        begun = await made.queue.turn()
        assert (begun == 60) is not limited
        await made.queue.settle()
        await shop.settle(made)
        assert {len(shop.kinds(f"{limited}-{n}")) for n in range(60)} == {2}


async def test_an_open_breaker_parks_at_once_and_one_parked_order_probes_for_all(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True, breaker=True)
    for n in range(9):
        await _parked(shop, made, f"o{n}")
    assert shop.payment.calls == 5
    assert made.breaker_states() == {"payment-breaker": "open", "shipping-breaker": "closed"}
    shop.clock.advance(5.0)
    assert await made.queue.turn() == 1
    await made.queue.settle()
    assert (shop.payment.calls, made.breakers[0].state) == (6, "open")
    shop.payment.cause = None
    await shop.settle(made)
    assert {(await shop.book.order(f"o{n}")).status for n in range(9)} == {Status.PAID}


async def test_an_open_breaker_without_a_queue_fails_the_order_with_a_503_and_asks_nobody(shop: Shop) -> None:
    made = shop.assemble(breaker=True)
    shop.payment.cause = AWAY
    statuses = []
    for n in range(6):
        with pytest.raises(OrderRefused) as refused:
            await made.checkout.place(f"o{n}", LINKS, BY)
        statuses.append(refused.value.status)
    assert (statuses, shop.payment.calls) == ([500] * 5 + [503], 5)
    assert (await shop.book.order("o5")).reason == "the circuit breaker of payment is open"


async def test_a_retry_in_the_request_saves_an_order_and_a_decline_is_asked_once(shop: Shop) -> None:
    made = shop.assemble(retry=True, idempotency=True)
    shop.payment.lost = 1
    assert (await made.checkout.place("o1", LINKS, BY)).status is Status.PAID
    assert (shop.payment.calls, len(shop.kinds("o1"))) == (2, 2)
    shop.price = 117.14
    with pytest.raises(OrderRefused) as refused:
        await made.checkout.place("o2", LINKS, BY)
    assert (refused.value.status, shop.payment.calls) == (406, 3)


async def test_a_start_resumes_what_a_death_left_only_with_the_switch(shop: Shop) -> None:
    await shop.bring_to(await shop.place(identity="o1"), Status.PENDING)
    paid = await shop.bring_to(await shop.place(identity="o2"), Status.PENDING, Status.PAID)
    await shop.payment.authorise(paid, Correlation(order_id="o2"))
    assert shop.assemble().queue is None
    made = shop.assemble(resume=True)
    assert await made.queue.begin() == 2
    await shop.settle(made)
    for order_id in ("o1", "o2"):
        assert (await shop.book.order(order_id)).shipment_id
        assert shop.kinds(order_id) == ["authorisation", "capture"]


async def test_a_resumed_order_that_fails_again_ends_as_the_legacy_one_does(shop: Shop) -> None:
    await shop.bring_to(await shop.place(identity="o1"), Status.PENDING)
    shop.payment.cause = AWAY
    made = shop.assemble(resume=True)
    await made.queue.begin()
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.reason) == (Status.PAYMENT_FAILED, "Connection refused")


async def test_the_same_key_gives_the_same_order_and_another_body_is_refused(shop: Shop) -> None:
    made = shop.assemble(idempotency=True)
    first = await made.checkout.place_once("o1", LINKS, BY, Request("k", "print"), made.work)
    assert await made.checkout.place_once("o2", LINKS, BY, Request("k", "print"), made.work) == first
    with pytest.raises(KeyReused):
        await made.checkout.place_once("o3", LINKS, BY, Request("k", "another print"), made.work)
    assert await shop.book.count() == 1


async def test_a_double_click_makes_one_order_and_both_get_its_answer(shop: Shop) -> None:
    made = shop.assemble(idempotency=True)
    asked = Request("k", "print")
    clicks = (made.checkout.place_once(f"o{n}", LINKS, BY, asked, made.work) for n in range(5))
    answers = await asyncio.gather(*clicks)
    (order_id,) = {order.id for order in answers}
    assert (await shop.book.count(), shop.kinds(order_id)) == (1, ["authorisation", "capture"])


async def test_a_failed_order_is_tried_again_under_its_key_and_a_declined_one_is_not(shop: Shop) -> None:
    made = shop.assemble(idempotency=True)
    shop.payment.cause = AWAY
    with pytest.raises(OrderRefused):
        await made.checkout.place("o1", LINKS, BY)
    shop.payment.cause = None
    assert (await made.checkout.again("o1", BY)).status is Status.PAID
    shop.price = 117.14
    for act in (made.checkout.place("o2", LINKS, BY), made.checkout.again("o2", BY)):
        with pytest.raises(OrderRefused) as refused:
            await act
        assert (refused.value.status, refused.value.message) == (406, "Payment declined: amount exceeds 105.00")
    assert shop.kinds("o2") == ["decline"]
    await Cancel(made.by_hand).run("o1", "changed my mind", HAND)
    with pytest.raises(OrderRefused) as gone:
        await made.checkout.again("o1", BY)
    assert gone.value.status == 409


async def test_a_store_that_fails_once_does_not_end_the_queue(shop: Shop) -> None:
    made = shop.assemble(payment_queue=True)
    await _parked(shop, made)
    shop.payment.cause = None
    claim, failures = made.queue._store.claim, 0

    async def failing(*arguments: Any) -> Any:
        nonlocal failures
        failures += 1
        if failures == 1:
            raise sqlite3.OperationalError("database or disk is full")
        return await claim(*arguments)

    made.queue._store.claim = failing
    working = asyncio.create_task(made.queue.work())
    end = SystemClock().monotonic() + 20.0
    while (await shop.book.order("o1")).status is not Status.PAID and SystemClock().monotonic() < end:
        await shop.clock.sleep(0.1)
    working.cancel()
    assert failures > 1
    assert (await shop.book.order("o1")).status is Status.PAID


class FullDisk:
    """A store whose disk is full while *is_full*: it reads, and writes nothing."""

    WRITES = ("create", "apply", "put_errand", "end_errand", "claim", "settle_letters", "claim_letters")

    def __init__(self, store: Any) -> None:
        self._store = store
        self.is_full = False

    def __getattr__(self, name: str) -> Any:
        if name in self.WRITES and self.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        return getattr(self._store, name)


@pytest.mark.parametrize("idempotency", [True, False])
async def test_an_order_whose_money_was_held_when_the_disk_filled_is_finished_without_a_restart(
    shop: Shop, idempotency: bool
) -> None:
    disk = shop.book.store = FullDisk(shop.book.store)
    made = shop.assemble(resume=True, saga=True, idempotency=idempotency)
    hold = shop.payment.hold

    async def fills(*arguments: Any) -> Any:
        answer = await hold(*arguments)
        disk.is_full = True
        return answer

    shop.payment.hold = fills
    with pytest.raises(sqlite3.OperationalError):
        await made.checkout.place("o1", LINKS, BY)
    made.queue.broke_off("o1")
    with pytest.raises(sqlite3.OperationalError):
        await made.queue.turn()
    disk.is_full, shop.payment.hold = False, hold
    await made.queue.turn()
    await shop.settle(made)
    order = await shop.book.order("o1")
    assert (order.status, order.shipment_id) == (Status.PAID, "parcel-1")
    assert shop.kinds("o1") == ["authorisation", "capture"]


async def test_an_errand_that_broke_off_is_taken_up_long_before_its_lease_ends(shop: Shop) -> None:
    disk = shop.book.store = FullDisk(shop.book.store)
    made = shop.assemble(payment_queue=True, idempotency=True)
    await _parked(shop, made)
    shop.payment.cause = None
    shop.clock.advance(10.0)
    assert await made.queue.turn() == 1
    disk.is_full = True
    await made.queue.settle()
    disk.is_full = False
    began = shop.clock.monotonic()
    await shop.settle(made)
    assert (await shop.book.order("o1")).status is Status.PAID
    assert shop.clock.monotonic() - began < made.queue.lease_wall_s / 2
    assert shop.kinds("o1") == ["authorisation", "capture"]


async def test_letters_that_were_brought_while_the_disk_was_full_hold_up_nobody_and_are_not_brought_again(
    shop: Shop,
) -> None:
    disk = shop.book.store = FullDisk(shop.book.store)
    made = shop.assemble(payment_queue=True, notices=True)
    await _parked(shop, made)
    mail = shop.mail

    async def fills(notice: Any) -> None:
        await mail(notice)
        disk.is_full = True

    made.postman._send = fills
    with pytest.raises(sqlite3.OperationalError):
        await made.postman.turn()
    disk.is_full, made.postman._send = False, mail
    shop.payment.cause = None
    await shop.settle(made, turns=8)
    assert [notice.event for notice in shop.mails] == ["delayed", "paid"]
