"""Checkout in profile upstream: pay, ship, save last; an order is either whole or nowhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from oddsock.shop.calls import BROKEN, REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders import hal
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.checkout import IO_ERROR, TIMEOUT, OrderRefused
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order
from oddsock.shop.orders.records import UnknownOrder
from oddsock.shop.orders.retry import Retry, Unfinished, WrongState
from oddsock.shop.orders.status import IllegalTransition, Status
from oddsock.shop.orders.upstream import UpstreamCheckout

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links("http://user/customers/c1", "http://user/addresses/a1", "http://user/cards/k1", "http://carts/c1")
BY = Correlation(traceparent="00-0af7651916cd43dd11111111aaaaaaaa-b7ad6b7169203331-01", request_id="request-1")
STEPS_MAX = 30


@dataclass
class Baskets:
    """A cart with one sock, or no answer."""

    price: float = 15.0
    cause: NoAnswer | None = None

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """The basket."""
        if self.cause is not None:
            raise self.cause
        card = Card(long_num="5953580604169678")
        return Basket(links.customer_id, Customer(), Address(), card, [Item("i", "s", 1, self.price)])


class Silent:
    """A service that gives no answer, whatever it is asked."""

    def __init__(self, kind: str) -> None:
        self._cause = NoAnswer(kind, kind)

    async def authorise(self, *_: object) -> Any:
        """No answer."""
        raise self._cause

    async def ship(self, *_: object) -> Any:
        """No answer."""
        raise self._cause


def _desk(shop: Shop, **parts: Any) -> Desk:
    desk = shop.desk()
    payment, shipping = parts.get("payment", desk.payment), parts.get("shipping", desk.shipping)
    return Desk(desk.book, payment, shipping, desk.narration, desk.clock)


async def _place(shop: Shop, identity: str = "o1", /, **parts: Any) -> Order:
    return await UpstreamCheckout(_desk(shop, **parts), Baskets(), True).place(identity, LINKS, BY)


async def test_an_order_is_saved_once_with_its_shipment_and_one_line_in_the_journal(shop: Shop) -> None:
    order = await _place(shop)
    assert (order.status, order.total_cents, order.shipment_id) == (Status.PAID, 1999, "parcel-1")
    assert await shop.book.order("o1") == order
    (line,) = await shop.book.journal(0, 10)
    assert (line.order_id, line.status, line.actor, line.request_id) == ("o1", "PAID", "checkout", "request-1")
    assert shop.kinds("o1") == ["authorisation", "capture"]


@pytest.mark.parametrize(("kind", "message"), [(REFUSED, IO_ERROR), (BROKEN, IO_ERROR), (TIMED_OUT, TIMEOUT)])
@pytest.mark.parametrize("service", ["payment", "shipping"])
async def test_no_answer_of_a_service_leaves_no_order_at_all(shop: Shop, service: str, kind: str, message: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        await _place(shop, "o1", **{service: Silent(kind)})
    assert (refused.value.status, refused.value.message) == (500, message)
    assert await shop.book.count() == 0
    assert await shop.book.journal(0, 10) == []


async def test_without_a_basket_no_order_is_stored_and_nobody_is_charged(shop: Shop) -> None:
    with pytest.raises(OrderRefused) as refused:
        await UpstreamCheckout(shop.desk(), Baskets(cause=NoAnswer(TIMED_OUT, "x")), True).place("o1", LINKS, BY)
    assert refused.value.message == TIMEOUT
    assert (await shop.book.count(), shop.payment.book.page(0, 10)) == (0, [])


async def test_a_decline_is_a_406_with_payments_own_text_and_leaves_no_order(shop: Shop) -> None:
    with pytest.raises(OrderRefused) as refused:
        await UpstreamCheckout(shop.desk(), Baskets(117.14), True).place("o1", LINKS, BY)
    assert (refused.value.status, refused.value.message) == (406, "Payment declined: amount exceeds 105.00")
    assert (await shop.book.count(), shop.kinds("o1"), shop.events("o1")) == (0, ["decline"], [])


async def test_killed_between_any_two_steps_an_order_is_whole_or_nowhere(
    shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        identity, fate = f"order-{step}", new_fate(step)
        try:
            await UpstreamCheckout(shop.desk(fate), Baskets(), True).place(identity, LINKS, BY)
        except died:
            await shop.restart()
        if await shop.statuses(identity):
            assert (await shop.book.order(identity)).shipment_id is not None
            assert shop.kinds(identity) == ["authorisation", "capture"]
            assert shop.events(identity) == ["accepted", "queued"]
        else:
            # The charge is then held for nothing; no retry can charge again for an order that is nowhere.
            with pytest.raises(UnknownOrder):
                await Retry(shop.desk()).run(identity, Correlation(idempotency_key=f"mend-{step}"))
            assert shop.kinds(identity).count("capture") <= 1
        if fate.steps < step:
            assert step > 6, "the deaths did not reach into the checkout"
            return
    raise AssertionError("a checkout has no end of steps")


async def test_a_cancel_killed_between_any_two_steps_recalls_and_refunds_once(
    shop: Shop, new_fate: Callable[[int], Any], died: type[BaseException]
) -> None:
    for step in range(1, STEPS_MAX):
        order = await _place(shop, f"order-{step}")
        by, fate = Correlation(idempotency_key=f"cancel-{step}"), new_fate(step)
        try:
            await Cancel(shop.desk(fate)).run(order.id, "test order", by)
        except (died, Unfinished):
            await shop.restart()
        done = await Cancel(shop.desk()).run(order.id, "test order", by)
        assert (done.status, done.reason) == (Status.CANCELLED, "test order")
        assert shop.kinds(order.id) == ["authorisation", "capture", "refund"]
        assert shop.events(order.id) == ["accepted", "queued", "recalled"]
        assert await shop.statuses(order.id) == ["PAID", "CANCELLED"]
        if fate.steps < step:
            return
    raise AssertionError("a cancel has no end of steps")


async def test_there_is_nothing_to_retry_in_an_order_that_is_whole(shop: Shop) -> None:
    order = await _place(shop)
    with pytest.raises(WrongState):
        await Retry(shop.desk()).run(order.id, Correlation(idempotency_key="mend-1"))
    assert shop.kinds(order.id) == ["authorisation", "capture"]


async def test_an_order_that_is_not_whole_cannot_be_saved_last(shop: Shop) -> None:
    order = await _place(shop)
    for half in ({"shipment_id": None}, {"status": Status.PENDING}):
        broken = Order(**{name: getattr(order, name) for name in Order.__struct_fields__} | {"id": "o2"} | half)
        with pytest.raises(IllegalTransition):
            await shop.book.save_last(broken, None, "")
    assert await shop.book.count() == 1


async def test_the_wire_shows_no_status(shop: Shop) -> None:
    order = await _place(shop)
    shown: dict[str, Any] = hal.resource(order, "http://orders", with_status=False)
    assert not {"status", "reason"} & shown.keys()
    assert shown["shipment"] == {"id": "parcel-1", "name": "c1"}
    assert not {"status", "reason"} & hal.plain(order, with_status=False).keys()
    listed: Any = hal.order_list([order], "http://orders", 0, 20, 1, with_status=False)
    found: Any = hal.search_result([order], "http://orders", "", with_status=False)
    for page in (listed, found):
        assert "status" not in page["_embedded"]["customerOrders"][0]


async def test_the_steps_are_told_without_an_order_to_name(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    await _place(shop)
    said = capfd.readouterr().out
    assert " INFO [orders," in said and "DEBUG" not in said
    assert ": Sending payment request: PaymentRequest{address=" in said
    assert ": Received payment response: PaymentResponse{authorised=true, message=Payment authorised}" in said
    assert ": Saved order: CustomerOrder{id='o1', customerId='c1', total=19.99}" in said
    assert "status updated" not in said
