"""The operator's client of the shop: pages are followed, what cannot be read is no evidence."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from oddsock.clients.sockshop.doors import FixedDoors
from oddsock.clients.sockshop.shop import Shop
from oddsock.kit.errors import Unreachable

SERVICES = ("orders", "payment", "shipping", "mailbox", "carts", "user", "catalogue", "front-end")


@pytest.fixture
async def shop(stub: Any) -> AsyncIterator[Shop]:
    """A shop whose every service is the stub."""
    made = Shop(FixedDoors(dict.fromkeys(SERVICES, stub.url)))
    yield made
    await made.close()


def _order(order_id: str) -> dict[str, Any]:
    return {"id": order_id, "customerId": "c", "items": [], "total": 4.99, "status": "PAID"}


def _charge(seq: int) -> dict[str, Any]:
    return {"seq": seq, "id": f"r{seq}", "charge_id": "c1", "kind": "capture", "amount_cents": 499, "at": ""}


async def test_every_page_of_orders_is_read(shop: Shop, stub: Any) -> None:
    for page, name in enumerate("ab"):
        document = {"_embedded": {"customerOrders": [_order(name)]}, "page": {"totalPages": 2, "number": page}}
        stub.answers[f"GET /orders?page={page}&size=500"] = (200, document)
    assert [order.id for order in await shop.orders()] == ["a", "b"]


async def test_a_shop_without_orders_has_an_empty_book(shop: Shop, stub: Any) -> None:
    stub.answers["GET /orders"] = (200, {"_links": {}, "page": {"totalPages": 0}})
    assert await shop.orders() == []


async def test_a_book_is_read_from_page_to_page(shop: Shop, stub: Any) -> None:
    stub.answers["GET /charges?after=0&limit=500"] = (200, {"charges": [_charge(1), _charge(2)], "next": 2})
    stub.answers["GET /charges?after=2&limit=500"] = (200, {"charges": [_charge(3)], "next": None})
    assert [charge.seq for charge in await shop.charges()] == [1, 2, 3]


async def test_a_book_whose_pages_do_not_end_is_no_evidence(shop: Shop, stub: Any) -> None:
    stub.answers["GET /charges"] = (200, {"charges": [], "next": 0})
    with pytest.raises(Unreachable, match="its pages do not end"):
        await shop.charges()


@pytest.mark.parametrize(
    "answer", [(404, {}), (500, {}), (200, {"charges": [{"seq": "x"}]}), (200, []), (200, {}), "<html>", "cut"]
)
async def test_a_book_that_cannot_be_read_is_no_evidence(shop: Shop, stub: Any, answer: Any) -> None:
    stub.answers["GET /charges"] = answer
    with pytest.raises(Unreachable):
        await shop.charges()


async def test_a_service_that_is_away_is_named_with_its_address_and_cause() -> None:
    shop = Shop(FixedDoors({"payment": "http://127.0.0.1:1"}))
    with pytest.raises(Unreachable) as raised:
        await shop.charges()
    assert raised.value.sentence == "payment at http://127.0.0.1:1 does not answer: Connection refused."
    await shop.close()


async def test_carts_customers_and_socks_are_rows(shop: Shop, stub: Any) -> None:
    stub.answers["GET /carts/c1/items"] = (200, [{"itemId": "s", "quantity": 2, "unitPrice": 17.15}])
    stub.answers["GET /carts/c2/items"] = (200, [])
    stub.answers["GET /customers"] = (200, {"_embedded": {"customer": [{"id": "c1", "username": "Rayaan"}]}})
    stub.answers["GET /catalogue?page=1&size=500"] = (200, [{"id": "s", "name": "Holy", "price": 99.99}])
    stub.answers["GET /catalogue?page=2&size=500"] = (200, [])
    assert [(line.customer_id, line.unit_cents) for line in await shop.carts(["c1", "c2"])] == [("c1", 1715)]
    assert [customer.username for customer in await shop.customers()] == ["Rayaan"]
    assert [sock.price_cents for sock in await shop.catalogue()] == [9999]


async def test_health_is_read_in_every_spelling(shop: Shop, stub: Any) -> None:
    entry = {"service": "payment", "status": "OK", "time": "now"}
    stub.answers["GET /"] = "<html>"
    stub.answers["GET /health"] = (200, {"health": [entry, {"service": "db", "status": "err", "date": "then"}]})
    assert [(one.service, one.status, one.at) for one in await shop.health("payment")] == [
        ("payment", "OK", "now"),
        ("db", "err", "then"),
    ]
    stub.answers["GET /health"] = (200, [entry])
    assert [one.status for one in await shop.health("payment")] == ["OK"]
    assert [one.service for one in await shop.health("front-end")] == ["front-end"]


async def test_whether_a_shop_can_retry_is_asked_before(shop: Shop, stub: Any) -> None:
    assert not await shop.supports_retry()
    stub.answers["OPTIONS /orders/any/retry"] = (204, None)
    assert await shop.supports_retry()


async def test_writers_send_their_key_and_answer_any_status(shop: Shop, stub: Any) -> None:
    stub.answers["POST /orders/o1/retry"] = (503, {"message": "Payment service unavailable for order o1"})
    stub.answers["POST /orders/o1/cancel"] = (200, _order("o1"))
    stub.answers["POST /refunds"] = (409, {"error": "Over-refund: 1 left"})
    stub.answers["POST /shipments/s1/recall"] = (200, {})
    stub.answers["DELETE /carts/c1/items/s1"] = (202, None)
    retried = await shop.retry_order("o1", "mend-o1")
    assert (retried.status, retried.is_ok, retried.message) == (503, False, "Payment service unavailable for order o1")
    assert (await shop.cancel_order("o1", "test", "k2")).is_ok
    assert (await shop.refund("c1", 499, "test", "k3")).message == "Over-refund: 1 left"
    assert (await shop.recall("s1", "k4")).is_ok
    assert (await shop.remove_cart_line("c1", "s1")).is_ok
    assert [headers.get("Idempotency-Key") for _, headers, _ in stub.asked] == ["mend-o1", "k2", "k3", "k4", None]
    assert [body for _, _, body in stub.asked][1:3] == [
        {"reason": "test"},
        {"charge_id": "c1", "amount_cents": 499, "reason": "test"},
    ]
    assert all(headers["traceparent"] and headers["X-Request-Id"] for _, headers, _ in stub.asked)


def _change(seq: int, order_id: str, status: str, cause: str = "") -> dict[str, Any]:
    return {"seq": seq, "order_id": order_id, "status": status, "at": "", "cause": cause}


async def test_a_status_that_the_orders_do_not_show_is_read_from_their_journal(shop: Shop, stub: Any) -> None:
    bare = [{**_order(name), "status": None} for name in "abc"]
    stub.answers["GET /orders"] = (200, {"_embedded": {"customerOrders": [*bare, _order("d")]}})
    changes = [_change(1, "a", "PAID", "saved"), _change(2, "b", "PAID"), _change(3, "b", "CANCELLED", "test")]
    stub.answers["GET /journal"] = (200, {"changes": [*changes, _change(4, "d", "CANCELLED")], "next": None})
    found = [(one.id, one.status, one.reason, one.status_from) for one in await shop.known_orders()]
    assert found == [
        ("a", "PAID", "", "journal"),
        ("b", "CANCELLED", "test", "journal"),
        ("c", "", "", "order"),
        ("d", "PAID", "", "order"),
    ]
    stub.answers["GET /journal"] = (404, {})
    assert [one.status for one in await shop.known_orders()] == ["", "", "", "PAID"]
