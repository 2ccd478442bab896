"""orders with every remedy on, as a process: parked and released, its queue, history and breaker; killed under load."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from random import Random
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


class Load:
    """Customers who order and, until they get an answer, send the same again."""

    def __init__(self, buyer: Caller, url: str, seed: int) -> None:
        self._buyer = buyer
        self._url = url
        self._random = Random(seed)
        self.acknowledged: set[str] = set()
        self.keys = 0
        self.is_over = False

    async def customer(self) -> None:
        """Order after order."""
        clock = SystemClock()
        timeout = aiohttp.ClientTimeout(total=5.0)
        async with aiohttp.ClientSession(headers={"Connection": "close"}, timeout=timeout) as client:
            while not self.is_over:
                self.keys += 1
                key = f"{self._buyer.customer_id}-{self.keys}"
                while not await self._try(client, key):
                    await clock.sleep(0.05)

    async def _try(self, client: aiohttp.ClientSession, key: str) -> bool:
        try:
            body, headers = _links(self._buyer.customer_id), {"Idempotency-Key": key}
            async with client.post(f"{self._url}/orders", json=body, headers=headers) as got:
                if got.status in (201, 202):
                    self.acknowledged.add((await got.json())["id"])
                    return True
        except (aiohttp.ClientError, TimeoutError):
            pass
        return False


async def _rows(buyer: Caller, service: str, path: str, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = (await buyer.ask(service, "GET", f"{path}?limit=5000&after={after}")).json
        rows += page[name]
        after = page["next"]
    return rows


async def _killed_under_load(shop: Shop, buyer: Caller, kills: int, customers: int) -> int:
    """Kill orders, and every third time payment, too; answers how many orders were acknowledged."""
    clock, random = SystemClock(), Random(7)
    load = Load(buyer, shop.url("orders"), 7)
    tasks = [asyncio.create_task(load.customer()) for _ in range(customers)]
    for n in range(kills):
        await clock.sleep(random.uniform(0.3, 0.9))
        shop.stop("orders", signal.SIGKILL)
        if n % 3 == 2:
            shop.stop("payment", signal.SIGKILL)
        shop.start("orders", **ALL)
        if n % 3 == 2:
            shop.start("payment")
    load.is_over = True
    await asyncio.gather(*tasks)

    async def settled() -> bool:
        counts = (await buyer.ask("orders", "GET", "/queue")).json["counts"]
        return bool(counts == {"parked": 0, "dead": 0})

    assert await wait_for(settled, clock, SETTLE_S, 0.2)
    changes = await _rows(buyer, "orders", "/journal", "changes")
    last = {row["order_id"]: row["status"] for row in changes}
    mine = {row["order_id"] for row in changes if row["order_id"] in load.acknowledged}
    charges = Counter(
        row["order_id"] for row in await _rows(buyer, "payment", "/charges", "charges") if row["kind"] == "capture"
    )
    parcels = Counter(
        row["order_id"]
        for row in await _rows(buyer, "shipping", "/shipments", "shipments")
        if row["event"] == "accepted"
    )
    assert mine == load.acknowledged, "an acknowledged order is lost"
    assert {last[order] for order in mine} == {"PAID"}, "an order is stuck"
    assert {charges[order] for order in mine} == {1}, "an order is charged twice or not at all"
    assert {parcels[order] for order in mine} == {1}
    assert len(mine) == load.keys, "a key made more orders than one"

    async def told() -> bool:
        rows = await _rows(buyer, "mailbox", "/notices", "notices")
        paid = Counter(row["order_id"] for row in rows if row["event"] == "paid")
        return all(paid[order] == 1 for order in mine)

    assert await wait_for(told, clock, SETTLE_S, 0.2), "an order is untold, or told twice"
    return len(mine)


async def test_orders_killed_under_load_loses_nothing_and_does_nothing_twice(remedied: Shop, buyer: Caller) -> None:
    assert await _killed_under_load(remedied, buyer, kills=3, customers=4) > 3


@pytest.mark.proof
async def test_orders_and_payment_killed_twenty_times_under_load(remedied: Shop, buyer: Caller) -> None:
    count = await _killed_under_load(remedied, buyer, kills=20, customers=16)
    print(f"\n20 kills, 16 customers: {count} orders acknowledged, 0 lost, 0 charged twice, 0 stuck, 0 untold")
    assert count > 100
