"""The upstream's wire: dialect weave and profile upstream, over the same processes started with these switches."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

pytestmark = pytest.mark.xdist_group("sockshop")

CARD = {"longNum": "5544154011345918", "expires": "08/19", "ccv": "958"}
HOME = {"number": "2", "street": "Lane", "city": "Town", "postcode": "P2", "country": "UK"}
SWITCHES = {"DIALECT": "weave", "ORDER_PROFILE": "upstream"}


class Answer(Protocol):
    """What these tests need of an answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        ...


class Shop(Protocol):
    """What these tests need of the running shop."""

    def out(self, service: str) -> str:
        """What a service wrote to stdout."""
        ...

    def err(self, service: str) -> str:
        """What a service wrote to stderr."""
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

    async def register(self) -> str:
        """Register."""
        ...

    async def put_into_cart(self, *names: str) -> None:
        """Put socks into the cart."""
        ...

    async def checkout(self, headers: dict[str, str] | None = None) -> Answer:
        """Place an order."""
        ...


@pytest.fixture(scope="module", autouse=True)
def as_upstream(shop: Shop) -> Iterator[None]:
    """While this module lasts the shop is the upstream's."""
    for service in ("user", "orders", "front-end"):
        shop.stop(service)
        shop.start(service, **SWITCHES)
    yield
    for service in ("user", "orders", "front-end"):
        shop.stop(service)
        shop.start(service)


async def _without(caller: Caller, shop: Shop, service: str) -> Answer:
    assert shop.stop(service) == 0
    try:
        return await caller.checkout()
    finally:
        shop.start(service)


async def _orders_and_journal(caller: Caller) -> tuple[int, int]:
    total = (await caller.ask("orders", "GET", "/orders?size=1")).json["page"]["totalElements"]
    return total, len((await caller.ask("orders", "GET", "/journal?limit=5000")).json["changes"])


async def test_each_address_and_card_has_an_id_of_its_own(customer: Caller) -> None:
    first = (await customer.ask("front-end", "GET", "/address")).json
    second = (await customer.ask("front-end", "POST", "/addresses", HOME)).json["id"]
    assert re.fullmatch("[0-9a-f]{24}", second) and len({first["id"], second, customer.customer_id}) == 3
    path = f"/customers/{customer.customer_id}/addresses"
    listed = (await customer.ask("user", "GET", path)).json["_embedded"]["address"]
    assert [one["id"] for one in listed] == [first["id"], second]
    assert (await customer.ask("user", "GET", f"/addresses/{second}")).json["street"] == "Lane"
    assert listed[1]["_links"]["self"]["href"] == f"http://user/addresses/{second}"


async def test_what_is_posted_without_a_customer_belongs_to_nobody(customer: Caller) -> None:
    kept = await customer.ask("user", "POST", "/cards", CARD)
    assert (kept.status, len(kept.json["id"])) == (200, 24)
    mine = (await customer.ask("user", "GET", f"/customers/{customer.customer_id}/cards")).json["_embedded"]["card"]
    assert kept.json["id"] not in [card["id"] for card in mine]
    assert (await customer.ask("user", "POST", "/cards", {**CARD, "userID": "x"})).json["error"] == "Invalid Id Hex"
    unknown = await customer.ask("user", "POST", "/cards", {**CARD, "userID": "f" * 24})
    assert (unknown.status, unknown.json["error"]) == (500, "not found")


async def test_the_front_end_takes_the_links_of_an_order_out_of_hal(customer: Caller, shop: Shop) -> None:
    await customer.put_into_cart("Classic")
    assert (await customer.checkout()).status == 201
    address = (await customer.ask("front-end", "GET", "/address")).json["id"]
    assert f'"address":"http://user/addresses/{address}"' in shop.out("front-end")
    assert f"http://user/addresses/{customer.customer_id}" not in shop.out("front-end")


async def test_an_order_without_address_or_card_is_a_406(caller: Caller) -> None:
    person = {"username": f"bare-{id(caller)}", "password": "p", "email": "", "firstName": "", "lastName": ""}
    await caller.ask("front-end", "POST", "/register", person)
    await caller.put_into_cart("Classic")
    refused = await caller.checkout()
    said = "Invalid order request. Order requires customer, address, card and items."
    assert (refused.status, refused.json["message"]) == (406, said)
    assert refused.headers["X-Customer-Message"] == f"Error placing order. {said}"
    assert len((await caller.ask("front-end", "GET", "/cart")).json) == 1


async def test_json_that_is_passed_on_has_no_content_type_and_an_error_has(customer: Caller) -> None:
    for path in ("/catalogue?size=1", "/cart", "/address", "/orders"):
        answer = await customer.ask("front-end", "GET", path)
        assert answer.json is not None and "Content-Type" not in answer.headers, path
    error = await customer.ask("front-end", "POST", "/cart", {})
    assert (error.status, error.headers["Content-Type"]) == (500, "application/json; charset=utf-8")
    assert (await customer.ask("front-end", "GET", "/")).headers["Content-Type"].startswith("text/html")


async def test_a_saved_order_shows_no_status_and_the_journal_has_one_line(customer: Caller) -> None:
    await customer.put_into_cart("Classic")
    placed = await customer.checkout()
    order_id = placed.json["id"]
    read = (await customer.ask("orders", "GET", f"/orders/{order_id}")).json
    path = f"/orders/search/customerId?custId={customer.customer_id}"
    found = (await customer.ask("orders", "GET", path)).json["_embedded"]["customerOrders"][0]
    for shown in (placed.json, read, found):
        assert not {"status", "reason"} & shown.keys()
        assert shown["shipment"]["id"]
    changes = (await customer.ask("orders", "GET", f"/journal?order={order_id}")).json["changes"]
    assert [change["status"] for change in changes] == ["PAID"]
    page = await customer.ask("front-end", "GET", "/customer-orders.html")
    assert re.findall(r"<td data-shown>(.*?)</td>", page.text) == ["Shipped"]


@pytest.mark.parametrize("service", ["payment", "shipping"])
async def test_an_outage_leaves_no_order_at_all_and_the_cart(customer: Caller, shop: Shop, service: str) -> None:
    await customer.put_into_cart("Classic")
    before = await _orders_and_journal(customer)
    refused = await _without(customer, shop, service)
    assert (refused.status, refused.json["message"]) == (500, "Unable to create order due to unspecified IO error.")
    assert refused.headers["X-Customer-Message"] == ""
    assert await _orders_and_journal(customer) == before
    assert len((await customer.ask("front-end", "GET", "/cart")).json) == 1


async def test_a_decline_is_a_406_and_leaves_no_order(customer: Caller) -> None:
    await customer.put_into_cart("Holy", "Classic")
    before = await _orders_and_journal(customer)
    refused = await customer.checkout()
    assert (refused.status, refused.json["message"]) == (406, "Payment declined: amount exceeds 105.00")
    assert await _orders_and_journal(customer) == before


async def test_an_order_can_be_cancelled_once_and_not_retried(customer: Caller) -> None:
    await customer.put_into_cart("Classic")
    order_id = (await customer.checkout()).json["id"]
    retried = await customer.ask(
        "orders", "POST", f"/orders/{order_id}/retry", None, {"Idempotency-Key": f"r{order_id}"}
    )
    assert retried.status == 409
    for _ in range(2):
        key = {"Idempotency-Key": f"c{order_id}"}
        done = await customer.ask("orders", "POST", f"/orders/{order_id}/cancel", {"reason": "test"}, key)
        assert (done.status, done.json["status"], done.json["reason"]) == (200, "CANCELLED", "test")
    charges = (await customer.ask("payment", "GET", f"/charges?order={order_id}")).json["charges"]
    assert [charge["kind"] for charge in charges] == ["authorisation", "capture", "refund"]


async def test_orders_tells_its_steps_at_debug_and_user_writes_logfmt_only(customer: Caller, shop: Shop) -> None:
    bare = shop.out("user").count("Card is [")
    await customer.put_into_cart("Classic")
    await customer.checkout()
    steps = (
        "Starting calls",
        "End of calls.",
        "Sending payment request: PaymentRequest{",
        "Saved order: CustomerOrder{",
    )
    lines = shop.out("orders").splitlines()
    for step in steps:
        assert any(" DEBUG [orders," in line and f": {step}" in line for line in lines), step
    assert shop.out("user").count("Card is [") == bare
    assert "method=GetCards" in shop.err("user")
