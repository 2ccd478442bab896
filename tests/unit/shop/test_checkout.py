"""Checkout in profile incident-3: what is stored at each end, and what is said."""

from dataclasses import dataclass
from typing import Any

import pytest

from oddsock.shop.calls import BROKEN, REFUSED, RESET, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.checkout import IO_ERROR, TIMEOUT, Checkout, OrderRefused
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.order import Address, Card, Customer, Item

Shop = Any  # tests/unit/shop/conftest.py: ShopInProcess; test files import nothing of each other

LINKS = Links(
    "http://user/customers/c1", "http://user/addresses/c1", "http://user/cards/c1", "http://carts/carts/c1/items"
)
BY = Correlation(traceparent="00-0af7651916cd43dd11111111aaaaaaaa-b7ad6b7169203331-01", idempotency_key="browser-key")


@dataclass
class Baskets:
    """A cart with one sock, or no answer."""

    price: float = 15.0
    cause: NoAnswer | None = None

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """The basket."""
        if self.cause is not None:
            raise self.cause
        return Basket(
            links.customer_id, Customer(), Address(), Card(long_num="5953580604169678"), [Item("i", "s", 1, self.price)]
        )


class Silent:
    """A service that gives no answer, whatever it is asked."""

    def __init__(self, kind: str, text: str) -> None:
        self._cause = NoAnswer(kind, text)

    async def authorise(self, *_: object) -> Any:
        """No answer."""
        raise self._cause

    async def ship(self, *_: object) -> Any:
        """No answer."""
        raise self._cause


def _desk(shop: Shop, **parts: Any) -> Desk:
    desk = shop.desk()
    return Desk(
        desk.book, parts.get("payment", desk.payment), parts.get("shipping", desk.shipping), desk.narration, desk.clock
    )


async def test_an_order_is_created_pending_paid_and_shipped(shop: Shop) -> None:
    order = await Checkout(_desk(shop), Baskets(), True).place("o1", LINKS, BY)
    assert (order.customer_id, order.total, order.total_cents, order.shipment_id) == ("c1", 19.99, 1999, "parcel-1")
    assert await shop.statuses("o1") == ["CREATED", "PENDING", "PAID"]
    assert await shop.book.order("o1") == order


async def test_the_legacy_call_to_payment_carries_no_key(shop: Shop) -> None:
    checkout = Checkout(_desk(shop), Baskets(), True)
    await checkout.place("o1", LINKS, BY)
    await checkout.place("o2", LINKS, BY)
    assert {row.idempotency_key for row in shop.payment.book.page(0, 10)} == {""}
    assert len(shop.payment.book.page(0, 10)) == 4


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (REFUSED, "Connection refused", "Payment service unavailable for order o1"),
        (RESET, "Connection reset", "Payment service unavailable for order o1"),
        (BROKEN, "payment answered 500", "Payment service unavailable for order o1"),
        (TIMED_OUT, "Read timed out", TIMEOUT),
    ],
)
async def test_no_answer_of_payment_fails_the_order_for_its_own_cause(
    shop: Shop, capfd: pytest.CaptureFixture[str], kind: str, text: str, message: str
) -> None:
    with pytest.raises(OrderRefused) as refused:
        await Checkout(_desk(shop, payment=Silent(kind, text)), Baskets(), True).place("o1", LINKS, BY)
    assert (refused.value.status, refused.value.message) == (500, message)
    assert await shop.statuses("o1") == ["CREATED", "PENDING", "PAYMENT_FAILED"]
    assert (await shop.book.journal(0, 10))[-1].cause == (await shop.book.order("o1")).reason == text
    said = capfd.readouterr().out
    assert f"Order o1 status updated to PAYMENT_FAILED due to: {text}" in said
    # A Java stack stands for a refusal by the kernel and for nothing else.
    assert ("java.net.ConnectException" in said) is (kind == REFUSED)
    assert ("\tat " in said) is (kind == REFUSED)


async def test_a_declined_order_is_payment_failed_and_a_406_on_the_legacy_wire(shop: Shop) -> None:
    with pytest.raises(OrderRefused) as refused:
        await Checkout(_desk(shop), Baskets(117.14), True).place("o1", LINKS, BY)
    assert (refused.value.status, refused.value.message) == (406, "Payment declined: amount exceeds 105.00")
    assert (await shop.book.order("o1")).reason == "payment declined: amount exceeds 105.00"
    assert shop.events("o1") == []


async def test_a_failing_shipping_leaves_the_order_paid_without_a_shipment(shop: Shop) -> None:
    with pytest.raises(OrderRefused) as refused:
        await Checkout(_desk(shop, shipping=Silent(REFUSED, "Connection refused")), Baskets(), True).place(
            "o1", LINKS, BY
        )
    assert (refused.value.status, refused.value.message) == (500, IO_ERROR)
    order = await shop.book.order("o1")
    assert (order.status, order.shipment_id, order.reason) == ("PAID", None, "")


async def test_without_a_basket_no_order_is_stored(shop: Shop) -> None:
    for kind, message in ((REFUSED, IO_ERROR), (TIMED_OUT, TIMEOUT)):
        with pytest.raises(OrderRefused) as refused:
            await Checkout(_desk(shop), Baskets(cause=NoAnswer(kind, "x")), True).place("o1", LINKS, BY)
        assert refused.value.message == message
    assert await shop.book.count() == 0
