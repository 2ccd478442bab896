"""orders, payment, and both killed (SIGKILL) under load with all remedies on, the book of orders in either store.

Afterwards the books have the last word: every order that was acknowledged is there, PAID, charged once at payment and
at its gateway, shipped once and told once.
"""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from oddsock.kit import http
from oddsock.kit.clock import SystemClock, wait_for

if TYPE_CHECKING:
    from tests.contract.sockshop.conftest import Caller, RunningShop

pytestmark = pytest.mark.xdist_group("sockshop")

SETTINGS = {
    **dict.fromkeys(("RETRY", "BREAKER", "PAYMENT_QUEUE", "RELEASE_LIMITER", "RESUME", "IDEMPOTENCY"), "on"),
    **dict.fromkeys(("SAGA", "EVENT_SOURCING", "NOTICES", "WEBHOOKS"), "on"),
    "GATEWAY": "http://gateway",
    "GATEWAY_KEY": "sk_test_kills",
    "WEBHOOK_SECRET": "whsec_a2lsbHMtdGVzdC1zZWNyZXQ=",
    "ORDERS_LEASE_S": "2",
}
SWITCHED = ("gateway", "payment", "orders")
VICTIMS = [("orders",), ("payment",), ("orders", "payment")]
SETTLE_S = 90.0
POLL_S = 0.1
PAGE_ROWS = 5000
CLOCK = SystemClock()


@dataclass
class Killed:
    """The shop with everything on, over one store; *settings* are what its services are started with."""

    shop: "RunningShop"
    settings: dict[str, str]
    client: aiohttp.ClientSession | None = None
    links: dict[str, str] = field(default_factory=dict)

    def kill(self, *services: str) -> None:
        """kill -9 of *services*, one right after the other, then a new start of each."""
        for service in services:
            self.shop.processes[service].kill()
        for service in services:
            self.shop.stop(service, signal.SIGKILL)
            self.shop.begin(service, **self.settings)
        for service in services:
            self.shop.await_start(service)

    async def order(self, key: str) -> str:
        """The id of the order that a checkout under *key* is acknowledged with, empty without an acknowledgement."""
        assert self.client is not None
        url = self.shop.url("orders") + "/orders"
        try:
            async with self.client.post(url, json=self.links, headers={"Idempotency-Key": key}) as got:
                return (await got.json())["id"] if got.status in (201, 202) else ""
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def get(self, service: str, path: str) -> Any:
        """What *service* says."""
        assert self.client is not None
        headers = {"Authorization": f"Bearer {self.settings['GATEWAY_KEY']}"} if service == "gateway" else {}
        async with self.client.get(self.shop.url(service) + path, headers=headers) as got:
            assert got.status == 200, (service, path, got.status)
            return json.loads(await got.read())

    async def rows(self, service: str, path: str, name: str) -> list[dict[str, Any]]:
        """Every row of a book."""
        rows: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.get(service, f"{path}?limit={PAGE_ROWS}&after={after}")
            rows += page[name]
            after = page["next"]
        return rows

    async def taken(self) -> Counter[str]:
        """How often the gateway took money for each order."""
        orders: Counter[str] = Counter()
        after = ""
        while True:
            page = await self.get("gateway", f"/v1/payment_intents?limit=100{after}")
            orders.update(one["metadata"]["order_id"] for one in page["data"] if one["status"] == "succeeded")
            if not page["has_more"]:
                return orders
            after = f"&starting_after={page['data'][-1]['id']}"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def switched(request: pytest.FixtureRequest, shop: "RunningShop") -> Iterator[Killed]:
    """The shop while everything is on."""
    settings = dict(SETTINGS)
    if request.param == "postgres":
        settings |= {"ORDERS_STORE": "postgres", "ORDERS_DSN": request.getfixturevalue("new_database")()}
    for service in SWITCHED:
        if service in shop.processes:
            shop.stop(service)
        shop.begin(service, **settings)
    for service in SWITCHED:
        shop.await_start(service)
    yield Killed(shop, settings)
    for service in SWITCHED:
        shop.stop(service)
        if service != "gateway":
            shop.start(service)


@pytest.fixture
async def killed(switched: Killed, customer: "Caller") -> AsyncIterator[Killed]:
    """The same, and a customer who has a sock in the cart."""
    await customer.put_into_cart("Holy")
    one = customer.customer_id
    switched.links = {
        "customer": f"http://user/customers/{one}",
        "address": f"http://user/addresses/{one}",
        "card": f"http://user/cards/{one}",
        "items": f"http://carts/carts/{one}/items",
    }
    # A kept connection would not survive the services that a test kills.
    switched.client = http.session(5.0, headers={"Connection": "close"})
    yield switched
    await switched.client.close()


class Load:
    """Customers who order and, until they get an answer, send the same again; *acknowledged* by key."""

    def __init__(self, killed: Killed, name: str) -> None:
        self._killed = killed
        self._name = name
        self._begun = 0
        self.acknowledged: dict[str, str] = {}
        self.is_over = False

    async def customer(self) -> None:
        """Order after order."""
        while not self.is_over:
            self._begun += 1
            key = f"{self._name}-{self._begun}"
            while not (order_id := await self._killed.order(key)):
                await CLOCK.sleep(0.02)
            self.acknowledged[key] = order_id

    async def reached(self, count: int) -> None:
        """Return when *count* orders are acknowledged."""

        async def is_reached() -> bool:
            return len(self.acknowledged) >= count

        assert await wait_for(is_reached, CLOCK, SETTLE_S, 0.005), "the load does not move"


async def _settled(killed: Killed) -> None:
    async def is_quiet() -> bool:
        counts = (await killed.get("orders", "/queue"))["counts"]
        letters = await killed.get("orders", "/outbox")
        hooks = await killed.rows("payment", "/webhooks", "webhooks")
        return counts["parked"] == 0 and letters["waiting"] == 0 and not any(row["state"] == "waiting" for row in hooks)

    assert await wait_for(is_quiet, CLOCK, SETTLE_S, POLL_S), await killed.get("orders", "/queue")


async def _check_books(killed: Killed, orders: set[str]) -> None:
    statuses = {row["order_id"]: row["status"] for row in await killed.rows("orders", "/journal", "changes")}
    charges = await killed.rows("payment", "/charges", "charges")
    parcels = await killed.rows("shipping", "/shipments", "shipments")
    notices = await killed.rows("mailbox", "/notices", "notices")
    captured = Counter(row["order_id"] for row in charges if row["kind"] == "capture")
    accepted = Counter(row["order_id"] for row in parcels if row["event"] == "accepted")
    told: dict[str, list[str]] = {}
    for row in notices:
        told.setdefault(row["order_id"], []).append(row["event"])
    taken = await killed.taken()
    assert orders <= statuses.keys(), "an acknowledged order is lost"
    assert {statuses[order] for order in orders} == {"PAID"}, "an order is stuck"
    assert {captured[order] for order in orders} == {1}, "an order is charged twice, or not at all"
    assert {taken[order] for order in orders} == {1}, "the gateway took an order's money twice, or not at all"
    assert taken.keys() <= captured.keys(), "the gateway took money that payment does not know of"
    assert {accepted[order] for order in orders} == {1}, "an order is shipped twice, or not at all"
    untold = {order: told.get(order) for order in orders if told.get(order) not in (["paid"], ["delayed", "paid"])}
    assert untold == {}, "an order is untold, or told twice"


async def _drifted(killed: Killed) -> list[Any]:
    drifted: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = await killed.get("orders", f"/orders/drift?after={after}")
        drifted += page["drifted"]
        after = page["next"]
    return drifted


async def _kill_under_load(killed: Killed, victims: tuple[str, ...], kills: int, customers: int) -> int:
    """Kill *victims* again and again; answers how many orders were acknowledged, all of which are accounted for."""
    random = Random(7)
    name = killed.links["customer"].rpartition("/")[2]
    load = Load(killed, name)
    tasks = [asyncio.create_task(load.customer()) for _ in range(customers)]
    for _ in range(kills):
        await load.reached(len(load.acknowledged) + random.randint(1, 2 * customers))
        await CLOCK.sleep(random.uniform(0.0, 0.05))
        killed.kill(*victims)
    load.is_over = True
    await asyncio.gather(*tasks)
    await _settled(killed)
    orders = set(load.acknowledged.values())
    assert len(orders) == len(load.acknowledged), "two keys were answered with one order"
    page = await killed.get("orders", f"/orders/search/customerId?custId={name}")
    stored = {one["_links"]["self"]["href"].rpartition("/")[2] for one in page["_embedded"]["customerOrders"]}
    assert len(stored) == 1000 or stored == orders, "a key made two orders"
    await _check_books(killed, orders)
    # Orders of other tests stand in the same book, some from before events were kept.
    assert [row for row in await _drifted(killed) if row["order_id"] in orders] == []
    return len(orders)


@pytest.mark.parametrize("victims", VICTIMS, ids="-".join)
async def test_a_few_kills_under_load_lose_nothing_and_do_nothing_twice(
    killed: Killed, victims: tuple[str, ...]
) -> None:
    assert await _kill_under_load(killed, victims, kills=3, customers=4) > 3


@pytest.mark.proof
@pytest.mark.parametrize("victims", VICTIMS, ids="-".join)
async def test_twenty_kills_under_load_lose_nothing_and_do_nothing_twice(
    killed: Killed, victims: tuple[str, ...]
) -> None:
    count = await _kill_under_load(killed, victims, kills=20, customers=16)
    store = killed.settings.get("ORDERS_STORE", "sqlite")
    print(f"\n20 kills of {' and '.join(victims)}, {store}, 16 customers: {count} orders acknowledged, "
          "0 lost, 0 charged twice, 0 stuck, 0 untold")  # fmt: skip
    assert count > 100
