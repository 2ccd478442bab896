"""Retry and cancel, killed between every two of their steps: one charge, one shipment, a legal history."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import KeyReused, Step, UnknownOrder
from oddsock.shop.orders.retry import Retry, Unfinished, WrongState
from oddsock.shop.orders.status import Status, check_transition

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other
Start = Callable[..., Awaitable[Order]]

BY = Correlation(request_id="request-1", idempotency_key="mend-1")
OTHER = Correlation(idempotency_key="mend-2")
LEGACY = Step("checkout", Correlation())
STEPS_MAX = 60
FIRST = "690320eae2c84800016ceb4b"


async def payment_failed(shop: Shop, identity: str = FIRST) -> Order:
    """Refused while payment was away."""
    order: Order = await shop.bring_to(await shop.place(identity=identity), Status.PENDING)
    return await shop.bring_to(order, Status.PAYMENT_FAILED, cause="Connection refused")  # type: ignore[no-any-return]  # Shop is untyped here


async def created(shop: Shop, identity: str = FIRST) -> Order:
    """orders died right after the first save."""
    return await shop.place(identity=identity)  # type: ignore[no-any-return]  # Shop is untyped here


async def pending(shop: Shop, identity: str = FIRST) -> Order:
    """orders died before it asked payment."""
    return await shop.bring_to(await shop.place(identity=identity), Status.PENDING)  # type: ignore[no-any-return]  # Shop is untyped here


async def charged_but_pending(shop: Shop, identity: str = FIRST) -> Order:
    """orders died after the charge, before the save."""
    order: Order = await shop.bring_to(await shop.place(identity=identity), Status.PENDING)
    await shop.payment.authorise(order, Correlation(order_id=order.id))
    return order


async def charged_but_failed(shop: Shop, identity: str = FIRST) -> Order:
    """The answer to a charge that was taken came too late."""
    return await shop.bring_to(await charged_but_pending(shop, identity), Status.PAYMENT_FAILED, cause="Read timed out")  # type: ignore[no-any-return]  # Shop is untyped here


async def paid_not_shipped(shop: Shop, identity: str = FIRST) -> Order:
    """Shipping was away."""
    return await shop.bring_to(await charged_but_pending(shop, identity), Status.PAID)  # type: ignore[no-any-return]  # Shop is untyped here


async def shipped_not_saved(shop: Shop, identity: str = FIRST) -> Order:
    """orders died after shipping accepted, before the save."""
    order = await paid_not_shipped(shop, identity)
    await shop.shipping.ship(order, Correlation(order_id=order.id))
    return order


STARTS = [
    payment_failed,
    created,
    pending,
    charged_but_pending,
    charged_but_failed,
    paid_not_shipped,
    shipped_not_saved,
]


def _is_legal(statuses: list[str]) -> bool:
    before: Status | None = None
    for status in map(Status, statuses):
        check_transition(before, status)
        before = status
    return True


async def _until_done(shop: Shop, act: Callable[[], Awaitable[Order]], died: type[BaseException]) -> Order:
    for _ in range(3):
        try:
            return await act()
        except (died, Unfinished):
            await shop.restart()
    raise AssertionError("it does not end")


@pytest.mark.parametrize("start", STARTS)
async def test_a_retry_killed_between_any_two_steps_charges_and_ships_once(
    start: Start, shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        order = await start(shop, f"order-{step}")
        by = Correlation(idempotency_key=f"mend-{step}")
        fate = new_fate(step)

        async def act(order: Order = order, fate: Any = fate, by: Correlation = by) -> Order:
            return await Retry(shop.desk(fate)).run(order.id, by)

        done = await _until_done(shop, act, died)
        assert (done.status, done.reason) == (Status.PAID, "")
        assert shop.kinds(order.id) == ["authorisation", "capture"], step
        assert shop.events(order.id) == ["accepted", "queued"], step
        assert done.shipment_id == shop.shipping.book.page(0, 10, order.id)[0].shipment_id
        assert _is_legal(await shop.statuses(order.id))
        if fate.steps < step:
            assert step > 8, "the deaths did not reach into the retry"
            return
    raise AssertionError("a retry has no end of steps")


async def test_a_declined_retry_killed_between_any_two_steps_cancels_once(
    shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        order = await shop.bring_to(
            await shop.place(117.14, f"order-{step}"), Status.PENDING, Status.PAYMENT_FAILED, cause="Connection refused"
        )
        by = Correlation(idempotency_key=f"mend-{step}")
        fate = new_fate(step)

        async def act(order: Order = order, fate: Any = fate, by: Correlation = by) -> Order:
            return await Retry(shop.desk(fate)).run(order.id, by)

        done = await _until_done(shop, act, died)
        assert (done.status, done.reason) == (Status.CANCELLED, "payment_declined")
        assert shop.kinds(order.id) == ["decline"]
        assert shop.events(order.id) == []
        assert (await shop.statuses(order.id))[-2:] == ["PENDING", "CANCELLED"]
        if fate.steps < step:
            return
    raise AssertionError("a retry has no end of steps")


async def test_a_cancel_killed_between_any_two_steps_recalls_and_refunds_once(
    shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        order = await payment_failed(shop, f"order-{step}")
        await Retry(shop.desk()).run(order.id, Correlation(idempotency_key=f"mend-{step}"))
        by = Correlation(idempotency_key=f"cancel-{step}")
        fate = new_fate(step)

        async def act(order: Order = order, fate: Any = fate, by: Correlation = by) -> Order:
            return await Cancel(shop.desk(fate)).run(order.id, "test order", by)

        done = await _until_done(shop, act, died)
        assert (done.status, done.reason) == (Status.CANCELLED, "test order")
        assert shop.kinds(order.id) == ["authorisation", "capture", "refund"]
        assert shop.events(order.id) == ["accepted", "queued", "recalled"]
        assert _is_legal(await shop.statuses(order.id))
        if fate.steps < step:
            return
    raise AssertionError("a cancel has no end of steps")


async def test_a_lost_answer_of_payment_is_asked_for_again_and_not_charged_again(shop: Shop) -> None:
    order = await payment_failed(shop)
    shop.payment.lost = 1
    with pytest.raises(Unfinished):
        await Retry(shop.desk()).run(order.id, BY)
    assert (await shop.book.order(order.id)).status is Status.PAYMENT_FAILED
    done = await Retry(shop.desk()).run(order.id, BY)
    assert done.status is Status.PAID
    assert shop.kinds(order.id) == ["authorisation", "capture"]


async def test_a_lost_answer_of_shipping_is_asked_for_again_and_not_shipped_again(shop: Shop) -> None:
    order = await payment_failed(shop)
    shop.shipping.lost = 1
    with pytest.raises(Unfinished):
        await Retry(shop.desk()).run(order.id, BY)
    assert (await shop.book.order(order.id)).status is Status.PAID
    done = await Retry(shop.desk()).run(order.id, OTHER)
    assert done.shipment_id == "parcel-1"
    assert shop.events(order.id) == ["accepted", "queued"]


async def test_the_same_key_gives_the_stored_answer_even_after_a_cancel(shop: Shop) -> None:
    order = await payment_failed(shop)
    first = await Retry(shop.desk()).run(order.id, BY)
    await Cancel(shop.desk()).run(order.id, "changed my mind", OTHER)
    assert await Retry(shop.desk()).run(order.id, BY) == first


async def test_another_key_cannot_retry_what_is_done(shop: Shop) -> None:
    order = await payment_failed(shop)
    await Retry(shop.desk()).run(order.id, BY)
    with pytest.raises(WrongState):
        await Retry(shop.desk()).run(order.id, OTHER)


async def test_a_key_of_another_order_or_another_act_is_refused(shop: Shop) -> None:
    first = await payment_failed(shop)
    second = await shop.place(identity="690320eae2c84800016ceb4c")
    await Retry(shop.desk()).run(first.id, BY)
    with pytest.raises(KeyReused):
        await Retry(shop.desk()).run(second.id, BY)
    with pytest.raises(KeyReused):
        await Cancel(shop.desk()).run(first.id, "x", BY)


async def test_an_unknown_order_cannot_be_retried_or_cancelled(shop: Shop) -> None:
    with pytest.raises(UnknownOrder):
        await Retry(shop.desk()).run("none", BY)
    with pytest.raises(UnknownOrder):
        await Cancel(shop.desk()).run("none", "x", BY)


async def test_a_cancelled_order_stays_cancelled_for_its_first_reason(shop: Shop) -> None:
    order = await payment_failed(shop)
    await Cancel(shop.desk()).run(order.id, "first", BY)
    again = await Cancel(shop.desk()).run(order.id, "second", OTHER)
    assert again.reason == "first"
    assert (await shop.statuses(order.id)).count("CANCELLED") == 1
