"""orders with every remedy on, as a process: parked and released, its queue, history and breaker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import aiohttp
import pytest

from oddsock.kit import ids
from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.xdist_group("sockshop")

ALL = dict.fromkeys(
    (
        "RETRY",
        "BREAKER",
        "PAYMENT_QUEUE",
        "RELEASE_LIMITER",
        "RESUME",
        "IDEMPOTENCY",
        "SAGA",
        "EVENT_SOURCING",
        "NOTICES",
    ),
    "on",
)
SETTLE_S = 60.0


class Answer(Protocol):
    """What these tests need of an answer."""

    status: int

    @property
    def json(self) -> Any:
        """The body as JSON."""
        ...


class Shop(Protocol):
    """What these tests need of the running shop."""

    def url(self, service: str) -> str:
        """Where a service listens."""
        ...

    def out(self, service: str) -> str:
        """What a service wrote to stdout."""
        ...

    def stop(self, service: str, number: int = 15) -> int:
        """End a service."""
        ...

    def start(self, service: str, **more: str) -> None:
        """Start a service."""
        ...


class Caller(Protocol):
    """What these tests need of a customer."""

    customer_id: str

    async def ask(
        self, service: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """The answer of a service."""
        ...

    async def put_into_cart(self, *names: str) -> None:
        """Put socks into the cart."""
        ...


@pytest.fixture(scope="module")
def remedied(shop: Shop) -> Iterator[Shop]:
    """The shop while its orders has every remedy on."""
    shop.stop("orders")
    shop.start("orders", **ALL)
    yield shop
    shop.stop("orders")
    shop.start("orders")


@pytest.fixture
async def buyer(remedied: Shop, customer: Caller) -> AsyncIterator[Caller]:
    """A customer with a sock in the cart."""
    await customer.put_into_cart("Holy")
    yield customer


def _links(customer_id: str) -> dict[str, str]:
    return {
        "customer": f"http://user/customers/{customer_id}",
        "address": f"http://user/addresses/{customer_id}",
        "card": f"http://user/cards/{customer_id}",
        "items": f"http://carts/carts/{customer_id}/items",
    }


async def _order(buyer: Caller, key: str = "") -> Answer:
    headers = {"Idempotency-Key": key or ids.object_id()}
    return await buyer.ask("orders", "POST", "/orders", _links(buyer.customer_id), headers)


async def _is_paid(buyer: Caller, order_id: str) -> bool:
    order = (await buyer.ask("orders", "GET", f"/orders/{order_id}")).json
    return bool(order["status"] == "PAID" and order["shipment"])


async def test_an_order_is_taken_while_payment_is_away_and_ends_by_itself(remedied: Shop, buyer: Caller) -> None:
    remedied.stop("payment")
    try:
        answers = [await _order(buyer) for _ in range(8)]
        assert {answer.status for answer in answers} == {202}
        assert {answer.json["status"] for answer in answers} == {"PENDING"}
        queue = (await buyer.ask("orders", "GET", "/queue")).json
        assert queue["counts"] == {"parked": 8, "dead": 0}
        assert queue["parked"][0]["cause"]
        health = (await buyer.ask("orders", "GET", "/health")).json["health"]
        [breaker] = [part for part in health if part["service"] == "payment-breaker"]
        assert (breaker["status"], breaker["state"] in ("open", "half-open")) == ("OK", True)
    finally:
        remedied.start("payment")
    ids_ = [answer.json["id"] for answer in answers]

    async def all_paid() -> bool:
        return all([await _is_paid(buyer, order_id) for order_id in ids_])

    assert await wait_for(all_paid, SystemClock(), SETTLE_S, 0.1)
    said = remedied.out("orders")
    assert "CircuitBreaker 'payment' changed state from closed to open" in said
    assert "CircuitBreaker 'payment' changed state from half-open to closed" in said

    async def all_told() -> bool:
        for order_id in ids_:
            rows = (await buyer.ask("mailbox", "GET", f"/notices?order={order_id}")).json["notices"]
            if [row["event"] for row in rows] != ["delayed", "paid"]:
                return False
        return True

    assert await wait_for(all_told, SystemClock(), SETTLE_S, 0.1)


async def test_a_history_can_be_read_and_rebuilt_and_a_view_of_an_instant_asked_for(buyer: Caller) -> None:
    order_id = (await _order(buyer)).json["id"]
    rows = (await buyer.ask("orders", "GET", f"/orders/{order_id}/events")).json["events"]
    assert [row["kind"] for row in rows] == ["created", "moved", "moved"]
    assert "5953580604169678" not in str(rows)
    page = (await buyer.ask("orders", "GET", f"/events?after={rows[0]['seq'] - 1}&limit=1")).json
    assert (page["events"], page["next"]) == (rows[:1], rows[0]["seq"])
    assert (await buyer.ask("orders", "GET", f"/events?after={page['next']}")).json["events"][: len(rows) - 1] == rows[
        1:
    ]
    at = rows[1]["at"]
    assert (await buyer.ask("orders", "GET", f"/orders/{order_id}?at={at}")).json["status"] in ("PENDING", "PAID")
    assert (await buyer.ask("orders", "GET", f"/orders/{order_id}?at=2001-01-01T00:00:00Z")).status == 404
    assert (await buyer.ask("orders", "GET", f"/orders/{order_id}?at=yesterday")).status == 400
    assert (await buyer.ask("orders", "GET", "/orders/none/events")).status == 404
    newest = (await buyer.ask("orders", "GET", "/orders?size=1")).json["page"]["totalElements"] - 1
    drift = (await buyer.ask("orders", "GET", f"/orders/drift?after={newest}")).json
    assert (drift["checked"], drift["drifted"]) == (1, [])


async def test_the_same_key_is_the_same_order_and_another_body_under_it_is_422(buyer: Caller) -> None:
    first, again = await asyncio.gather(_order(buyer, "click-1"), _order(buyer, "click-1"))
    assert (first.status, again.status) == (201, 201)
    assert first.json["id"] == again.json["id"]
    other = _links(buyer.customer_id) | {"items": "http://carts/carts/other/items"}
    refused = await buyer.ask("orders", "POST", "/orders", other, {"Idempotency-Key": "click-1"})
    assert refused.status == 422
    charges = (await buyer.ask("payment", "GET", f"/charges?order={first.json['id']}")).json["charges"]
    assert [row["kind"] for row in charges] == ["authorisation", "capture"]


async def test_a_requeue_of_what_is_no_dead_letter_is_refused(buyer: Caller) -> None:
    order_id = (await _order(buyer)).json["id"]
    assert (await buyer.ask("orders", "POST", f"/queue/{order_id}/requeue")).status == 404
    assert (await buyer.ask("orders", "POST", "/queue/none/requeue")).status == 404


async def test_the_metrics_tell_the_breakers_state_and_the_limit(buyer: Caller, remedied: Shop) -> None:
    async with aiohttp.ClientSession() as client, client.get(remedied.url("orders") + "/metrics") as got:
        text = await got.text()
    assert 'shop_breaker_state{dependency="payment"} 0' in text
    assert "shop_payment_limit " in text
