"""ERROR_DISPLAY and LIVE_STATUS over real sockets: what a checkout says, and statuses pushed as they change."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from html import unescape
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from oddsock.kit import http
from oddsock.kit.clock import SystemClock

if TYPE_CHECKING:
    from tests.contract.sockshop.conftest import Caller, RunningShop

pytestmark = pytest.mark.xdist_group("sockshop")

SWITCHES = {"ERROR_DISPLAY": "on", "LIVE_STATUS": "on", "LIVE_STATUS_POLL_S": "0.1"}
WITHIN_S = 20.0
"""Wall seconds that a loaded machine gets for what should take less than one."""


@pytest.fixture(scope="module")
def truthful(shop: "RunningShop") -> Iterator["RunningShop"]:
    """The shop with a front-end that tells the truth."""
    shop.stop("front-end")
    shop.start("front-end", **SWITCHES)
    yield shop
    shop.stop("front-end")
    shop.start("front-end")


@contextmanager
def away(shop: "RunningShop", service: str) -> Iterator[None]:
    """While this lasts nobody listens at *service*."""
    assert shop.stop(service) == 0
    try:
        yield
    finally:
        shop.start(service)


@asynccontextmanager
async def orders_that_says(shop: "RunningShop", status: int) -> AsyncIterator[None]:
    """While this lasts another server stands for orders and answers *status* to every order."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"message": "no"}, status=status)

    app = web.Application()
    app.router.add_post("/orders", answer)
    runner = await http.serve(app, "127.0.0.1", 0, grace_s=0.1)
    hosts = shop.folder / "hosts"
    kept = hosts.read_text()
    hosts.write_text(
        re.sub(r"^orders:80 \S+", f"orders:80 127.0.0.1:{runner.addresses[0][1]}", kept, flags=re.MULTILINE)
    )
    try:
        yield
    finally:
        hosts.write_text(kept)
        await runner.cleanup()


class Stream:
    """Server-sent events as they come."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.last_id = ""

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event and its data; `eof` when the server closed."""
        name, data = "", dict[str, Any]()
        async with asyncio.timeout(WITHIN_S):
            while line := (await self._response.content.readline()).decode():
                text = line.rstrip("\n")
                if not text and name:
                    return name, data
                field, _, value = text.partition(": ")
                name = value if field == "event" else name
                data = json.loads(value) if field == "data" else data
                self.last_id = value if field == "id" else self.last_id
        return "eof", {}

    async def until(self, label: str) -> dict[str, Any]:
        """The first status event with *label*."""
        while True:
            name, data = await self.next()
            assert name != "eof", f"the stream ended before {label}"
            if name == "status" and data["label"] == label:
                return data


@asynccontextmanager
async def following(shop: "RunningShop", path: str, last_id: str = "") -> AsyncIterator[Stream]:
    """The stream at *path*."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        http.session(120.0) as client,
        client.get(shop.url("front-end") + path, headers=headers) as response,
    ):
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Stream(response)


async def _failed_order(caller: "Caller") -> str:
    await caller.register()
    await caller.put_into_cart("Colourful Socks")
    with away(caller.shop, "payment"):
        assert (await caller.checkout()).status == 500
    return str((await caller.last_order())["id"])


async def _act(caller: "Caller", order_id: str, act: str) -> None:
    key = {"Idempotency-Key": f"{act}-{order_id}"}
    assert (await caller.ask("orders", "POST", f"/orders/{order_id}/{act}", None, key)).status == 200


async def test_a_stream_tells_what_is_then_what_becomes_and_closes_when_nothing_can_change(
    truthful: "RunningShop", caller: "Caller"
) -> None:
    order_id = await _failed_order(caller)
    path = f"/orders/{order_id}/status-stream"
    async with following(truthful, path) as stream:
        name, now = await stream.next()
        assert (name, now["status"], now["label"]) == ("status", "PAYMENT_FAILED", "Payment failed")
        clock, began = SystemClock(), SystemClock().monotonic()
        await _act(caller, order_id, "retry")
        shipped = await stream.until("Shipped")
        assert clock.monotonic() - began < WITHIN_S
        assert (shipped["order"], shipped["status"], shipped["final"]) == (order_id, "PAID", False)
        seen = stream.last_id
    async with following(truthful, path, seen) as again:
        await _act(caller, order_id, "cancel")
        # What was seen already is not told again: the first news is the end of the order.
        name, data = await again.next()
        while data.get("label") != "Cancelled":
            assert data["status"] == "PAID" and again.last_id != seen
            name, data = await again.next()
        assert data["final"]
        assert (await again.next())[0] == "end"
        assert (await again.next())[0] == "eof"


async def test_a_stream_survives_orders_being_away_and_says_so(truthful: "RunningShop", caller: "Caller") -> None:
    order_id = await _failed_order(caller)
    async with following(truthful, f"/orders/status-stream?order={order_id}") as stream:
        assert (await stream.next())[1]["label"] == "Payment failed"
        with away(truthful, "orders"):
            assert (await stream.next())[0] == "away"
        await _act(caller, order_id, "retry")
        names = {(await stream.next())[0]}
        while "back" not in names:
            names.add((await stream.next())[0])


async def test_forty_pages_that_follow_one_order_all_hear_of_it(truthful: "RunningShop", caller: "Caller") -> None:
    order_id = await _failed_order(caller)

    async def page(is_there: asyncio.Semaphore) -> str:
        async with following(truthful, f"/orders/{order_id}/status-stream") as stream:
            await stream.next()
            is_there.release()
            return str((await stream.until("Shipped"))["status"])

    are_there = asyncio.Semaphore(0)
    pages = [asyncio.create_task(page(are_there)) for _ in range(40)]
    for _ in pages:
        await are_there.acquire()
    await _act(caller, order_id, "retry")
    assert await asyncio.gather(*pages) == ["PAID"] * 40


async def test_a_stream_of_nothing_or_of_too_much_is_refused(truthful: "RunningShop", caller: "Caller") -> None:
    assert (await caller.ask("front-end", "GET", "/orders/status-stream")).status == 400
    many = "&".join(f"order={number}" for number in range(101))
    assert (await caller.ask("front-end", "GET", f"/orders/status-stream?{many}")).status == 400


async def test_a_legacy_front_end_has_no_stream(shop: "RunningShop", caller: "Caller") -> None:
    shop.stop("front-end")
    shop.start("front-end")
    answer = await caller.ask("front-end", "GET", "/orders/690320eae2c84800016ceb4b/status-stream")
    shop.stop("front-end")
    shop.start("front-end", **SWITCHES)
    assert answer.status == 404


async def _form(caller: "Caller", path: str, **fields: str) -> tuple[int, str, str]:
    """Send the first form of page *path* with *fields*: status, page, what the header says."""
    page = (await caller.ask("front-end", "GET", path)).text
    hidden = dict(re.findall(r'name="(form_token|order_token)" value="([^"]*)"', page))
    url = caller.shop.url("front-end") + path
    async with caller.client.post(url, data={**hidden, **fields}, allow_redirects=False) as got:
        return got.status, unescape(await got.text()), got.headers.get("X-Customer-Message", "")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "nothing was ordered. Your card was not charged. Please load the page again"),
        (406, "Nothing was ordered. Your card was not charged. Please add what is missing"),
        (409, "still working on it. We do not know yet whether your card was charged. Please do not order again"),
        (422, "Nothing more was charged to your card."),
        (500, "could not be completed"),
        (503, "could not be completed"),
    ],
)
async def test_every_refusal_is_told_with_the_money_and_the_next_step_on_page_and_header(
    truthful: "RunningShop", caller: "Caller", status: int, words: str
) -> None:
    await caller.register()
    await caller.put_into_cart("Colourful Socks")
    async with orders_that_says(truthful, status):
        answer = await caller.checkout()
        _, page, header = await _form(caller, "/checkout.html")
    assert (answer.status, words in answer.headers["X-Customer-Message"]) == (status, True)
    assert header == answer.headers["X-Customer-Message"]
    sentences = " ".join(re.findall(r"<p[^>]*>(?:<strong>)?(.*?)(?:</strong>)?</p>", page))
    assert header in sentences


async def test_whether_the_card_was_charged_is_what_payments_book_says(
    truthful: "RunningShop", caller: "Caller"
) -> None:
    await caller.register()
    await caller.put_into_cart("Colourful Socks")
    with away(truthful, "shipping"):
        unsent = await caller.checkout()
    assert unsent.status == 500
    assert "Your card was charged $19.99." in unsent.headers["X-Customer-Message"]
    assert "parcel service has not taken it yet" in unsent.headers["X-Customer-Message"]
    with away(truthful, "payment"):
        refused = await caller.checkout()
    assert "Your card was not charged." in refused.headers["X-Customer-Message"]
    with away(truthful, "orders"):
        closed = await caller.checkout()
    assert (closed.status, closed.json["error"]["code"]) == (500, "ECONNREFUSED")
    assert "did not reach the part of our shop that takes orders" in closed.headers["X-Customer-Message"]
    await caller.put_into_cart("Holy")
    declined = await caller.checkout()
    assert declined.status == 406
    assert "declined: amount exceeds 105.00. Your card was not charged." in declined.headers["X-Customer-Message"]


async def test_a_parked_order_is_told_as_late_and_turns_shipped_by_itself(
    truthful: "RunningShop", caller: "Caller"
) -> None:
    truthful.stop("orders")
    truthful.start("orders", PAYMENT_QUEUE="on")
    try:
        await caller.register()
        await caller.put_into_cart("Colourful Socks")
        with away(truthful, "payment"):
            _, page, header = await _form(caller, "/checkout.html")
            order_id = str((await caller.last_order())["id"])
            shown = (await caller.ask("front-end", "GET", f"/customer-order.html?order=/orders/{order_id}")).text
        assert "Your card has not been charged yet. Please do not order again" in header
        assert "its payment is late" in page and "Your card has not been charged yet." in shown
        assert (await caller.ask("front-end", "GET", "/cart")).json == []
        async with following(truthful, f"/orders/{order_id}/status-stream") as stream:
            await stream.until("Shipped")
    finally:
        truthful.stop("orders")
        truthful.start("orders")


async def test_the_page_of_an_order_says_what_became_of_the_money(truthful: "RunningShop", caller: "Caller") -> None:
    order_id = await _failed_order(caller)
    path = f"/customer-order.html?order=/orders/{order_id}"
    assert "Your card was not charged." in (await caller.ask("front-end", "GET", path)).text
    await _act(caller, order_id, "retry")
    page = (await caller.ask("front-end", "GET", path)).text
    assert "Your card was charged $19.99." in page and "tried again" in page
    await _act(caller, order_id, "cancel")
    page = (await caller.ask("front-end", "GET", path)).text
    assert "the money has been given back" in page
    assert re.findall(r"<span data-shown>(.*?)</span>", page) == ["cancelled"]


async def test_a_form_that_no_page_of_ours_made_changes_nothing(truthful: "RunningShop", caller: "Caller") -> None:
    await caller.register()
    await caller.put_into_cart("Classic")
    url = caller.shop.url("front-end")
    forged: dict[str, dict[str, str]] = {
        "/checkout.html": {"form_token": "x"},
        "/basket.html": {"do": "remove", "id": "zzz4f044-b040-410d-8ead-4de0446aec7e"},
    }
    for path, fields in forged.items():
        async with caller.client.post(url + path, data=fields) as got:
            assert (got.status, "too old to be sent" in await got.text()) == (200, True)
    assert len((await caller.ask("front-end", "GET", "/cart")).json) == 1
    assert (await caller.ask("front-end", "GET", "/orders")).json == []


async def test_a_page_says_so_when_a_service_behind_it_is_away(truthful: "RunningShop", caller: "Caller") -> None:
    await caller.register()
    with away(truthful, "catalogue"):
        for path, status in (("/", 200), ("/category.html", 503), ("/detail.html?id=1", 503), ("/basket.html", 200)):
            assert (await caller.ask("front-end", "GET", path)).status == status
    with away(truthful, "carts"):
        assert (await caller.ask("front-end", "GET", "/basket.html")).status == 503
        assert "cannot be shown at the moment" in (await caller.ask("front-end", "GET", "/checkout.html")).text
    assert (await caller.ask("front-end", "GET", "/detail.html?id=none")).status == 404
