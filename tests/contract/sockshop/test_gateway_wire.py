"""payment behind its gateway, webhooks and keys end to end: real processes, cut replies, kill -9 at a bad moment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from oddsock.kit import http
from oddsock.kit.clock import SystemClock, wait_for

if TYPE_CHECKING:
    from tests.contract.sockshop.conftest import Caller, RunningShop

pytestmark = pytest.mark.xdist_group("sockshop")

SETTINGS = {
    "WEBHOOKS": "on",
    "IDEMPOTENCY": "on",
    "GATEWAY": "http://gateway",
    "GATEWAY_KEY": "sk_test_wire",
    "WEBHOOK_SECRET": "whsec_d2lyZS10ZXN0LXNlY3JldA==",
}
AUTHORISED = {"Authorization": f"Bearer {SETTINGS['GATEWAY_KEY']}"}
SWITCHED = ("payment", "orders", "front-end")
WITHIN_S = 30.0

Fate = Callable[[web.Request], Awaitable[bool]]
"""Whether the reply to a request that was answered behind goes through."""


@pytest.fixture(scope="module")
def mended(shop: "RunningShop") -> Iterator["RunningShop"]:
    """The shop with a gateway, webhooks and keys."""
    shop.start("gateway", **SETTINGS)
    for service in SWITCHED:
        shop.stop(service)
        shop.start(service, **SETTINGS)
    yield shop
    for service in SWITCHED:
        shop.stop(service)
        shop.start(service)
    shop.stop("gateway")


@asynccontextmanager
async def relay(shop: "RunningShop", service: str, fate: Fate) -> AsyncIterator[None]:
    """While this lasts callers of *service* reach it through a relay that asks *fate* before it passes a reply on."""
    client = http.session(20.0)

    async def pass_on(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        url = shop.url(service) + request.path_qs
        async with client.request(request.method, url, headers=headers, data=await request.read()) as got:
            body = await got.read()
        if not await fate(request):
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=body, status=got.status, content_type=got.content_type)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pass_on)
    runner = await http.serve(app, "127.0.0.1", 0, grace_s=0.1)
    hosts = shop.folder / "hosts"
    kept = hosts.read_text()
    address = runner.addresses[0]
    hosts.write_text(kept.replace(f"127.0.0.1:{shop.ports[service]} ", f"127.0.0.1:{address[1]} "))
    try:
        yield
    finally:
        hosts.write_text(kept)
        await runner.cleanup()
        await client.close()


async def eventually(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first truthy answer of *condition*."""
    found = await wait_for(condition, SystemClock(), WITHIN_S, 0.05)
    assert found, "it did not come"
    return found


async def kinds(caller: "Caller", order_id: str) -> list[str]:
    """The kinds of payment's rows of an order."""
    rows = (await caller.ask("payment", "GET", f"/charges?order={order_id}")).json["charges"]
    return [row["kind"] for row in rows]


async def taken(caller: "Caller", order_id: str) -> list[int]:
    """What the gateway took for an order, a number an intent."""
    listed = await caller.ask("gateway", "GET", "/v1/payment_intents?limit=100", None, AUTHORISED)
    intents = [one for one in listed.json["data"] if one["metadata"].get("order_id") == order_id]
    return [one["amount_received"] for one in intents if one["status"] == "succeeded"]


async def test_an_order_is_paid_through_the_gateway(mended: "RunningShop", customer: "Caller") -> None:
    await customer.put_into_cart("Colourful Socks")
    assert (await customer.checkout()).status == 201
    order = await customer.last_order()
    assert order["status"] == "PAID"
    assert await kinds(customer, order["id"]) == ["authorisation", "capture"]
    assert await taken(customer, order["id"]) == [round(order["total"] * 100)]


async def test_a_double_click_is_one_order_and_one_charge(mended: "RunningShop", customer: "Caller") -> None:
    await customer.put_into_cart("Colourful Socks")
    key = {"Idempotency-Key": f"page-of-{customer.customer_id}"}
    first, second = await asyncio.gather(customer.checkout(key), customer.checkout(key))
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] == second.json["id"]
    order = await customer.last_order()
    assert await kinds(customer, order["id"]) == ["authorisation", "capture"]
    path = f"/orders/search/customerId?custId={customer.customer_id}"
    assert len((await customer.ask("orders", "GET", path)).json["_embedded"]["customerOrders"]) == 1


async def test_an_order_whose_answer_was_lost_is_paid_and_shipped_by_a_webhook(
    mended: "RunningShop", customer: "Caller"
) -> None:
    async def cut_the_first(request: web.Request) -> bool:
        return request.path != "/paymentAuth"

    await customer.put_into_cart("Colourful Socks")
    async with relay(mended, "payment", cut_the_first):
        assert (await customer.checkout()).status == 500

    async def paid() -> Any:
        order = await customer.last_order()
        return order if order["status"] == "PAID" and order["shipment"] else None

    order = await eventually(paid)
    assert await kinds(customer, order["id"]) == ["authorisation", "capture"]
    rows = (await customer.ask("orders", "GET", f"/journal?order={order['id']}")).json["changes"]
    assert [row["status"] for row in rows] == ["CREATED", "PENDING", "PAYMENT_FAILED", "PENDING", "PAID"]
    assert rows[-1]["cause"].startswith("webhook: captured pi_")


async def test_a_webhook_that_nobody_signed_is_refused(mended: "RunningShop", caller: "Caller") -> None:
    charge = {"seq": 1, "id": "c", "charge_id": "c", "kind": "capture", "amount_cents": 1, "at": "", "order_id": "o"}
    body = {"type": "payment.capture", "data": charge}
    assert (await caller.ask("orders", "POST", "/webhooks/payment", body)).status == 401
    assert (await caller.ask("payment", "POST", "/webhooks/gateway", {"id": "evt_1"})).status == 401


async def test_without_the_switch_there_is_no_such_route(shop: "RunningShop", caller: "Caller") -> None:
    assert (await caller.ask("catalogue", "POST", "/webhooks/payment", {})).status == 404


def _dies_once(shop: "RunningShop", path_end: str) -> tuple[Fate, asyncio.Event]:
    """A fate that kills payment when the gateway has answered a call that ends in *path_end*."""
    died = asyncio.Event()

    async def fate(request: web.Request) -> bool:
        if died.is_set() or not request.path.endswith(path_end):
            return True
        died.set()
        shop.stop("payment", 9)
        return False

    return fate, died


@pytest.mark.parametrize("path_end", ["/payment_intents", "/confirm"])
async def test_payment_killed_between_the_gateways_answer_and_its_book_charges_once(
    mended: "RunningShop", caller: "Caller", path_end: str
) -> None:
    order_id = f"order-killed{path_end.replace('/', '-')}"
    headers = {"Idempotency-Key": f"key-of-{order_id}", "X-Order-Id": order_id}
    fate, died = _dies_once(mended, path_end)
    async with relay(mended, "gateway", fate):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, headers)
    assert died.is_set()
    mended.start("payment", **SETTINGS)
    answer = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, headers)
    assert answer.json == {"authorised": True, "message": "Payment authorised"}
    assert await taken(caller, order_id) == [2000]
    assert await kinds(caller, order_id) == ["authorisation", "capture"]


async def test_what_a_killed_payment_had_charged_without_a_key_is_written_down_by_itself(
    mended: "RunningShop", caller: "Caller"
) -> None:
    order_id = "order-killed-keyless"
    fate, _ = _dies_once(mended, "/confirm")
    async with relay(mended, "gateway", fate):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, {"X-Order-Id": order_id})
    mended.start("payment", **SETTINGS)

    async def written() -> bool:
        return await kinds(caller, order_id) == ["authorisation", "capture"]

    await eventually(written)
    assert await taken(caller, order_id) == [2000]


async def test_what_is_refunded_at_the_gateway_itself_is_heard_of(mended: "RunningShop", caller: "Caller") -> None:
    order_id = "order-refunded-there"
    await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, {"X-Order-Id": order_id})
    rows = (await caller.ask("payment", "GET", f"/charges?order={order_id}")).json["charges"]
    refund = {"payment_intent": rows[0]["charge_id"], "amount": "500"}
    url = mended.url("gateway") + "/v1/refunds"
    async with caller.client.post(url, data=refund, headers=AUTHORISED) as made:
        assert made.status == 200

    async def heard() -> bool:
        return (await kinds(caller, order_id))[2:] == ["refund"]

    await eventually(heard)


async def test_with_the_gateway_away_payment_says_so_and_nothing_is_charged(
    mended: "RunningShop", caller: "Caller"
) -> None:
    order_id = "order-without-gateway"
    mended.stop("gateway")
    answer = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, {"X-Order-Id": order_id})
    mended.start("gateway", **SETTINGS)
    assert (answer.status, "Connection refused" in answer.json["error"]) == (503, True)
    assert (await kinds(caller, order_id), await taken(caller, order_id)) == ([], [])
