"""The browser's API: cookies, forced statuses, redirects, errors in Node's words, shown pages."""

import base64
import re
from typing import Any, Protocol
from urllib.parse import unquote

import pytest

from oddsock.kit.ids import trace_id, traceparent

pytestmark = pytest.mark.xdist_group("sockshop")


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

    async def last_order(self) -> dict[str, Any]:
        """The newest order."""
        ...


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def test_register_logs_in_and_sets_both_cookies(caller: Caller) -> None:
    person = {"username": f"cookie-{id(caller)}", "password": "p", "email": "", "firstName": "", "lastName": ""}
    async with caller.client.post(caller.shop.url("front-end") + "/register", json=person) as got:  # type: ignore[attr-defined]  # the fixture has more than the protocol
        set_cookies = got.headers.getall("Set-Cookie")
    by_name = {text.partition("=")[0]: text for text in set_cookies}
    assert set(by_name) == {"md.sid", "logged_in"}
    session_id = by_name["logged_in"].partition("=")[2].partition(";")[0]
    value = unquote(by_name["md.sid"].partition("=")[2].partition(";")[0])
    assert value.startswith(f"s:{session_id}.")
    assert "HttpOnly" in by_name["md.sid"] and "Path=/" in by_name["md.sid"]
    assert "Max-Age=3600" in by_name["logged_in"] and "HttpOnly" not in by_name["logged_in"]


async def test_login_says_cookie_is_set_or_401_with_nothing(caller: Caller) -> None:
    username = await caller.register()
    good = await caller.ask("front-end", "GET", "/login", None, _basic(username, "secret-1"))
    assert (good.status, good.text) == (200, "Cookie is set")
    for name, password in ((username, "wrong"), ("nobody", "x")):
        bad = await caller.ask("front-end", "GET", "/login", None, _basic(name, password))
        assert (bad.status, bad.text) == (401, "")
    assert (await caller.ask("front-end", "POST", "/login")).status in (404, 405)


async def test_a_name_that_is_taken_cannot_register_again(caller: Caller) -> None:
    username = await caller.register()
    answer = await caller.ask("front-end", "POST", "/register", {"username": username, "password": "x"})
    assert (answer.status, answer.text) == (500, "")


async def test_the_cart_of_a_stranger_goes_along_at_login(caller: Caller) -> None:
    username = await caller.register()
    caller.client.cookie_jar.clear()  # type: ignore[attr-defined]  # the fixture has more than the protocol
    await caller.put_into_cart("Classic")
    assert (await caller.ask("front-end", "GET", "/login", None, _basic(username, "secret-1"))).status == 200
    lines = (await caller.ask("front-end", "GET", "/cart")).json
    assert [line["unitPrice"] for line in lines] == [12]
    behind = (await caller.ask("carts", "GET", f"/carts/{caller.customer_id}/items")).json
    assert behind == lines


async def test_the_cart_adds_changes_and_removes_as_the_original(customer: Caller) -> None:
    await customer.put_into_cart("Holy", "Holy", "Classic")
    lines = (await customer.ask("front-end", "GET", "/cart")).json
    assert [(line["unitPrice"], line["quantity"]) for line in lines] == [(99.99, 2), (12, 1)]
    holy = lines[0]["itemId"]
    changed = await customer.ask("front-end", "POST", "/cart/update", {"id": holy, "quantity": "5"})
    assert (changed.status, changed.text) == (202, "")
    assert (await customer.ask("front-end", "GET", "/cart")).json[0]["quantity"] == 5
    assert (await customer.ask("front-end", "DELETE", f"/cart/{holy}")).status == 202
    assert len((await customer.ask("front-end", "GET", "/cart")).json) == 1
    assert (await customer.ask("front-end", "DELETE", "/cart")).status == 202
    assert (await customer.ask("front-end", "GET", "/cart")).json == []
    without_id = await customer.ask("front-end", "POST", "/cart", {})
    assert (without_id.status, without_id.json) == (500, {"message": "Must pass id of item to add", "error": {}})


async def test_the_orders_of_a_stranger_are_an_error_and_a_customers_list_is_a_201(caller: Caller) -> None:
    for method in ("GET", "POST"):
        answer = await caller.ask("front-end", method, "/orders")
        assert (answer.status, answer.json) == (500, {"message": "User not logged in.", "error": {}})
    await caller.register()
    empty = await caller.ask("front-end", "GET", "/orders")
    assert (empty.status, empty.json) == (201, [])


async def test_a_catalogue_answer_is_always_a_200(caller: Caller) -> None:
    answer = await caller.ask("front-end", "GET", "/catalogue/none")
    assert (answer.status, answer.json["error"]) == (200, "not found")
    assert len((await caller.ask("front-end", "GET", "/tags")).json["tags"]) == 11
    picture = await caller.ask("front-end", "GET", "/catalogue/images/holy_1.jpeg")
    assert picture.headers["Content-Type"].startswith("image/svg+xml")


async def test_card_and_address_show_the_sessions_own(customer: Caller) -> None:
    assert (await customer.ask("front-end", "GET", "/card")).json == {"number": "9678"}
    assert (await customer.ask("front-end", "GET", "/address")).json["street"] == "Road"
    mine = (await customer.ask("front-end", "GET", "/customers/somebody-else")).json
    assert mine["id"] == customer.customer_id


async def test_a_stranger_has_no_card_and_is_told_so_with_a_200(caller: Caller) -> None:
    for path in ("/card", "/address"):
        answer = await caller.ask("front-end", "GET", path)
        assert (answer.status, answer.json) == (200, {"status_code": 500})


async def test_a_trailing_slash_moves_and_a_double_one_is_refused(caller: Caller) -> None:
    moved = await caller.ask("front-end", "GET", "/catalogue/?size=2")
    assert (moved.status, moved.headers["Location"]) == (301, "/catalogue?size=2")
    assert (await caller.ask("front-end", "GET", "//catalogue")).status == 400


async def test_a_service_that_refuses_is_a_500_in_nodes_words(customer: Caller, shop: Shop) -> None:
    assert shop.stop("carts") == 0
    try:
        answer = await customer.ask("front-end", "GET", "/cart")
    finally:
        shop.start("carts")
    assert answer.status == 500
    assert answer.json["message"].startswith("connect ECONNREFUSED")
    assert answer.json["error"]["code"] == "ECONNREFUSED"


async def test_legacy_pages_show_shipped_for_an_order_that_was_never_paid(
    customer: Caller, without_payment: None
) -> None:
    await customer.put_into_cart("Holy Cringle Socks")
    assert (await customer.checkout()).status == 500
    order_id = (await customer.last_order())["id"]
    page = await customer.ask("front-end", "GET", "/customer-orders.html")
    assert page.status == 200
    assert re.findall(r'<tr data-order="(\w+)">', page.text) == [order_id]
    assert re.findall(r"<td data-amount>(.*?)</td>", page.text) == ["$ 104.98"]
    assert re.findall(r"<td data-shown>(.*?)</td>", page.text) == ["Shipped"]
    one = await customer.ask("front-end", "GET", f"/customer-order.html?order=/orders/{order_id}")
    assert re.findall(r"<span data-shown>(.*?)</span>", one.text) == ["shipped"]


async def test_switched_over_the_pages_show_the_truth_and_a_500_is_told(caller: Caller, shop: Shop) -> None:
    shop.stop("front-end")
    shop.start("front-end", SHOWN="order", SILENT_500="off")
    try:
        await caller.register()
        await caller.put_into_cart("Colourful Socks")
        assert (await caller.checkout()).status == 201
        shop.stop("payment")
        failed = await caller.checkout()
        shop.start("payment")
        page = await caller.ask("front-end", "GET", "/customer-orders.html")
        assert re.findall(r"<td data-shown>(.*?)</td>", page.text) == ["Shipped", "Payment failed"]
        assert failed.headers["X-Customer-Message"].startswith("Payment processing failed. Payment service unavailable")
    finally:
        shop.stop("front-end")
        shop.start("front-end")


async def test_a_strangers_page_of_orders_is_a_401(caller: Caller) -> None:
    assert (await caller.ask("front-end", "GET", "/customer-orders.html")).status == 401


async def test_the_log_is_morgans_with_colours_and_no_time(customer: Caller, shop: Shop) -> None:
    await customer.checkout()
    line = re.compile(
        r"^\x1b\[0mPOST /orders \x1b\[3[1-6]m\d{3} \x1b\[0m\d+\.\d{3} ms - (\d+|-)\x1b\[0m$", re.MULTILINE
    )
    assert line.search(shop.out("front-end"))
    assert f'Posting Order: {{"customer":"http://user/customers/{customer.customer_id}"' in shop.out("front-end")


async def test_the_line_of_an_order_holds_the_bare_word_order(customer: Caller, shop: Shop) -> None:
    await customer.checkout()
    assert re.search(r"^Request received: /orders .*\border\b", shop.out("front-end"), re.MULTILINE)


async def test_one_trace_id_finds_an_orders_lines_in_every_service(caller: Caller, shop: Shop) -> None:
    services = ("front-end", "user", "carts")
    for service in services:
        shop.stop(service)
        shop.start(service, TRACE_LOGS="on")
    try:
        await caller.register()
        await caller.put_into_cart("Colourful Socks")
        parent = traceparent()
        assert (await caller.checkout({"traceparent": parent})).status == 201
    finally:
        for service in services:
            shop.stop(service)
            shop.start(service)
    trace = trace_id(parent)[-16:]
    assert re.search(rf"POST /orders .*trace_id={trace}$", shop.out("front-end"), re.MULTILINE)
    assert re.search(rf"method=GetCards .*trace_id={trace}$", shop.err("user"), re.MULTILINE)
    assert re.search(rf"\[carts,{trace},.* : GET /carts/.*/items trace_id={trace}$", shop.out("carts"), re.MULTILINE)
    assert f"[orders,{trace}," in shop.out("orders")
    await caller.ask("front-end", "GET", "/catalogue")
    assert "trace_id" not in shop.out("front-end").splitlines()[-1]
