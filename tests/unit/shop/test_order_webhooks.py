"""orders: what a webhook of payment does to an order, and what it never does."""

from typing import TYPE_CHECKING, Any

import pytest

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.calls import TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.status import Status
from oddsock.shop.orders.webhooks import NotYet, PaymentNews, Told

if TYPE_CHECKING:
    from tests.unit.shop.conftest import ShopInProcess

BY = Correlation("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "request-1")


def told(charge: Charge) -> Told:
    """What payment tells of a row of its book."""
    return Told(f"payment.{charge.kind}", charge)


async def charged(
    shop: "ShopInProcess", price: float = 15.0, status: Status = Status.PAYMENT_FAILED
) -> tuple[str, Any]:
    """An order whose answer was lost, PAYMENT_FAILED unless *status* says otherwise, and payment's last row of it."""
    order = await shop.place(price)
    order = await shop.bring_to(order, Status.PENDING)
    shop.payment.lost = 1
    with pytest.raises(NoAnswer):
        await shop.payment.authorise(order, Correlation(order_id=order.id))
    if status is Status.PAYMENT_FAILED:
        await shop.bring_to(order, Status.PAYMENT_FAILED, cause="Read timed out")
    return order.id, shop.payment.book.page(0, 100, order.id)[-1]


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAYMENT_FAILED])
async def test_an_order_whose_answer_was_lost_is_paid_and_shipped(shop: "ShopInProcess", status: Status) -> None:
    order_id, row = await charged(shop, status=status)
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "paid"
    order = await shop.book.order(order_id)
    assert (order.status, order.shipment_id is not None) == (Status.PAID, True)
    assert (await shop.statuses(order_id))[-2:] == ["PENDING", "PAID"]
    assert (shop.kinds(order_id), shop.events(order_id)) == (["authorisation", "capture"], ["accepted", "queued"])


async def test_a_webhook_that_comes_again_or_under_another_id_changes_nothing(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop)
    news = PaymentNews(shop.desk(), False)
    await news.hear("msg_1", told(row))
    before, statuses = await shop.book.order(order_id), await shop.statuses(order_id)
    assert await news.hear("msg_1", told(row)) == "repeated"
    assert await news.hear("msg_2", told(row)) == "nothing to do"
    assert (await shop.book.order(order_id), await shop.statuses(order_id)) == (before, statuses)
    assert shop.events(order_id) == ["accepted", "queued"]


async def test_a_decline_whose_answer_was_lost_cancels_the_order(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop, price=200.0)
    assert row.kind == "decline"
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "cancelled"
    order = await shop.book.order(order_id)
    assert (order.status, order.reason) == (Status.CANCELLED, "payment_declined")
    assert await PaymentNews(shop.desk(), False).hear("msg_2", told(row)) == "nothing to do"


async def test_a_decline_that_the_customer_was_told_of_stays_as_it_is(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop, price=200.0, status=Status.PENDING)
    order = await shop.book.order(order_id)
    await shop.bring_to(order, Status.PAYMENT_FAILED, cause="payment declined: amount exceeds 105.00")
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "nothing to do"
    assert (await shop.book.order(order_id)).status is Status.PAYMENT_FAILED


async def test_an_old_decline_does_not_undo_a_later_capture(shop: "ShopInProcess") -> None:
    order_id, capture = await charged(shop)
    decline = Told("payment.decline", capture)
    assert await PaymentNews(shop.desk(), False).hear("msg_old", decline) == "paid"
    assert (await shop.book.order(order_id)).status is Status.PAID
    assert await PaymentNews(shop.desk(), False).hear("msg_older", decline) == "nothing to do"
    assert (await shop.book.order(order_id)).status is Status.PAID


async def test_a_capture_that_was_refunded_before_its_webhook_came_pays_nothing(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop)
    (capture,) = (await shop.payment.standing(order_id, BY)).captures
    await shop.payment.refund(capture, "by hand", Correlation(idempotency_key="r"))
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "nothing to do"
    assert (await shop.book.order(order_id)).status is Status.PAYMENT_FAILED


async def test_a_cancelled_order_stays_cancelled(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop)
    await shop.bring_to(await shop.book.order(order_id), Status.CANCELLED, cause="cancelled")
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "nothing to do"
    assert (await shop.book.order(order_id)).status is Status.CANCELLED


async def test_what_is_no_news_of_a_known_order_is_taken_and_does_nothing(shop: "ShopInProcess") -> None:
    order_id, _ = await charged(shop)
    authorisation = shop.payment.book.page(0, 1, order_id)[0]
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(authorisation)) == "nothing to do"
    stray = Charge(seq=1, id="c", charge_id="c", kind="capture", amount_cents=1, at="", order_id="none")
    assert await PaymentNews(shop.desk(), False).hear("msg_2", told(stray)) == "unknown order"


async def test_when_shipping_is_silent_the_webhook_comes_again_and_ships_once(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop)
    shop.shipping.lost = 1
    with pytest.raises(NotYet):
        await PaymentNews(shop.desk(), False).hear("msg_1", told(row))
    assert (await shop.book.order(order_id)).status is Status.PAID
    await shop.restart()
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "paid"
    assert shop.events(order_id) == ["accepted", "queued"]
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "repeated"


async def test_when_payment_is_silent_nothing_changes(shop: "ShopInProcess", monkeypatch: pytest.MonkeyPatch) -> None:
    order_id, row = await charged(shop)

    async def silent(_order_id: str, _by: Correlation) -> Any:
        raise NoAnswer(TIMED_OUT, "Read timed out")

    monkeypatch.setattr(shop.payment, "standing", silent)
    with pytest.raises(NotYet):
        await PaymentNews(shop.desk(), False).hear("msg_1", told(row))
    assert (await shop.book.order(order_id)).status is Status.PAYMENT_FAILED


async def test_an_order_that_was_paid_without_a_webhook_is_not_shipped_by_one(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop, status=Status.PENDING)
    await shop.bring_to(await shop.book.order(order_id), Status.PAID)
    assert await PaymentNews(shop.desk(), False).hear("msg_1", told(row)) == "nothing to do"
    assert shop.events(order_id) == []


async def test_with_the_saga_an_adopted_order_is_paid_when_its_parcel_is_accepted(shop: "ShopInProcess") -> None:
    order_id, row = await charged(shop)
    assert await PaymentNews(shop.desk(), True).hear("msg_1", told(row)) == "paid"
    order = await shop.book.order(order_id)
    assert (order.status, order.shipment_id is not None) == (Status.PAID, True)
    assert shop.kinds(order_id) == ["authorisation", "capture"]
    assert await PaymentNews(shop.desk(), True).hear("msg_1", told(row)) == "repeated"


@pytest.mark.parametrize("step", range(1, 24))
async def test_a_death_at_any_step_and_the_webhook_again_are_one_charge_and_one_parcel(
    shop: "ShopInProcess", new_fate: Any, died: type[BaseException], step: int
) -> None:
    order_id, row = await charged(shop)
    try:
        await PaymentNews(shop.desk(new_fate(step)), False).hear("msg_1", told(row))
    except died:
        await shop.restart()
        await PaymentNews(shop.desk(), False).hear("msg_1", told(row))
    order = await shop.book.order(order_id)
    assert (order.status, order.shipment_id is not None) == (Status.PAID, True)
    assert (shop.kinds(order_id), shop.events(order_id)) == (["authorisation", "capture"], ["accepted", "queued"])
