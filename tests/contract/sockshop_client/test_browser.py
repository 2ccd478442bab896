"""The customer's browser: what it sends, what the customer sees, how each attempt ended."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.sockshop.books import Line
from oddsock.clients.sockshop.browser import Browser
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import Unreachable

ORDER = {"id": "o1", "customerId": "c1", "items": [], "total": 104.979996, "status": "PAID"}
LINE = {"itemId": "s1", "quantity": 1, "unitPrice": 99.99}


@pytest.fixture
async def browser(stub: Any) -> AsyncIterator[Browser]:
    """A registered customer's browser."""
    stub.answers["POST /register"] = (200, {"id": "c1"})
    stub.answers["GET /cart"] = (200, [LINE])
    made = Browser(ServiceDoor(stub.url), "Rayaan", ManualClock(), call_s_max=0.5)
    await made.register("secret", "Rayaan", "", "rayaan@example.invalid")
    stub.asked.clear()
    yield made
    await made.close()


async def test_registering_keeps_the_cookies_and_the_customer(browser: Browser, stub: Any) -> None:
    assert browser.customer_id == "c1"
    await browser.cart()
    assert "logged_in=1" in stub.asked[0][1]["Cookie"] and "md.sid=" in stub.asked[0][1]["Cookie"]


async def test_a_confirmed_order_is_said_and_the_page_deletes_the_cart(browser: Browser, stub: Any) -> None:
    stub.answers["POST /orders"] = (201, ORDER)
    stub.answers["DELETE /cart"] = (202, None)
    stub.answers["GET /cart"] = (200, [])
    reply = await browser.checkout("r-1", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    assert (reply.outcome, reply.http_status, reply.order_id, reply.total_wire) == ("ok", 201, "o1", 104.979996)
    assert (reply.told, reply.message, reply.cart_after) == ("confirmation", "Order placed.", [])
    assert stub.paths() == ["POST /orders", "DELETE /cart", "GET /cart"]
    assert stub.asked[0][1]["X-Request-Id"] == "r-1"
    assert stub.asked[0][1]["traceparent"].startswith("00-" + "a" * 32)


async def test_a_declined_payment_is_said_and_surely_failed(browser: Browser, stub: Any) -> None:
    stub.answers["POST /orders"] = (406, {"message": "Payment declined: amount exceeds 105.00"})
    reply = await browser.checkout()
    assert (reply.outcome, reply.told) == ("fail", "error")
    assert reply.message == "Error placing order. Payment declined: amount exceeds 105.00"
    assert reply.cart_after == [Line(item_id="s1", quantity=1, unit_cents=9999)]
    assert stub.paths() == ["POST /orders", "GET /cart"]


async def test_a_500_shows_nothing_and_may_hide_a_charge(browser: Browser, stub: Any) -> None:
    stub.answers["POST /orders"] = (500, {"message": "Payment service unavailable for order o1"})
    reply = await browser.checkout()
    assert (reply.outcome, reply.http_status, reply.told, reply.message) == ("unknown", 500, "nothing", "")
    assert reply.error == "Payment service unavailable for order o1"


async def test_a_cut_reply_may_hide_a_charge(browser: Browser, stub: Any) -> None:
    stub.answers["POST /orders"] = "cut"
    reply = await browser.checkout()
    assert (reply.outcome, reply.http_status, reply.message) == ("unknown", None, "")
    assert reply.error == "the connection was cut before an answer came"


async def test_what_was_refused_before_sending_surely_failed() -> None:
    browser = Browser(ServiceDoor("http://127.0.0.1:1"), "Rayaan", ManualClock())
    reply = await browser.add_to_cart("s1")
    assert (reply.outcome, reply.http_status, reply.error) == ("fail", None, "Connection refused")
    with pytest.raises(Unreachable, match="Connection refused"):
        await browser.cart()
    await browser.close()


async def test_without_a_login_nothing_is_sent(stub: Any) -> None:
    browser = Browser(ServiceDoor(stub.url), "Rayaan", ManualClock())
    reply = await browser.checkout()
    assert (reply.outcome, reply.told, reply.message) == ("fail", "error", "You must be logged in to place an order.")
    assert stub.asked == []


async def test_logging_in_asks_whose_session_it_is(stub: Any) -> None:
    stub.answers["GET /login"] = (200, "Cookie is set")
    stub.answers["GET /customers/mine"] = (200, {"id": "c9", "username": "Rayaan"})
    browser = Browser(ServiceDoor(stub.url), "Rayaan", ManualClock())
    reply = await browser.login("secret")
    assert (reply.outcome, browser.customer_id) == ("ok", "c9")
    assert stub.asked[0][1]["Authorization"] == "Basic UmF5YWFuOnNlY3JldA=="
    await browser.close()


async def test_several_of_a_sock_are_one_click_and_a_number(browser: Browser, stub: Any) -> None:
    stub.answers["POST /cart"] = (201, None)
    stub.answers["POST /cart/update"] = (202, None)
    assert (await browser.add_to_cart("s1", 3)).outcome == "ok"
    assert [body for _, _, body in stub.asked] == [{"id": "s1"}, {"id": "s1", "quantity": 3}]


async def test_nothing_of_a_card_comes_back(browser: Browser, stub: Any) -> None:
    stub.answers["POST /cards"] = (500, {"message": "bad card 5544154011345918, ccv=958"})
    reply = await browser.add_card("5544154011345918", "08/29", "958")
    assert reply.error == "bad card ************5918, ccv=***"


async def test_an_id_that_does_not_come_back_leaves_it_open_whether_it_was_made(browser: Browser, stub: Any) -> None:
    stub.answers["POST /addresses"] = (200, {"error": "user away"})
    assert (await browser.add_address("1", "Road", "Town", "P", "UK")).outcome == "unknown"


async def test_the_shown_page_is_read_row_by_row(browser: Browser, stub: Any) -> None:
    stub.answers["GET /customer-orders.html"] = (
        '<tr data-order="o1"><td data-shown>Paid</td><td data-amount>$ 104.98</td></tr>'
    )
    page = await browser.read_orders_page()
    assert "data-order" in page.html
    assert [(row.order_id, row.customer_id, row.label, row.amount_cents, row.at) for row in page.shown] == [
        ("o1", "c1", "Paid", 10498, "2025-10-30T08:24:00.000Z")
    ]


async def test_the_original_page_shows_its_constant_label_for_each_order(browser: Browser, stub: Any) -> None:
    stub.answers["GET /customer-orders.html"] = (
        """<script>'<span class="label label-success">Shipped</span>'</script>"""
    )
    stub.answers["GET /orders"] = (201, [ORDER])
    assert [(row.order_id, row.label, row.amount_cents) for row in await browser.orders_page()] == [
        ("o1", "Shipped", 10498)
    ]


async def test_a_catalogue_that_is_away_behind_a_200_is_unreachable(browser: Browser, stub: Any) -> None:
    stub.answers["GET /catalogue"] = (200, {"error": "database connection error"})
    with pytest.raises(Unreachable, match="database connection error"):
        await browser.socks()


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (500, "Payment processing failed. Payment service unavailable for order o1", "error"),
        (500, "", "nothing"),
        (406, "Error placing order. Payment declined", "error"),
        (406, "", "nothing"),
        (201, "Order placed.", "confirmation"),
        (201, "", "nothing"),
    ],
)
async def test_what_the_page_says_is_believed_where_the_shop_tells_it(
    browser: Browser, stub: Any, status: int, said: str, told: str
) -> None:
    stub.answers |= {"POST /orders": (status, ORDER), "DELETE /cart": (202, None)}
    stub.headers["POST /orders"] = {"X-Customer-Message": said}
    reply = await browser.checkout()
    assert (reply.http_status, reply.message, reply.told) == (status, said, told)
    assert reply.order_id == ("o1" if status == 201 else "")


async def test_no_card_comes_back_in_what_the_page_says(browser: Browser, stub: Any) -> None:
    stub.answers["POST /orders"] = (500, {})
    stub.headers["POST /orders"] = {"X-Customer-Message": "card 5544154011345918 failed"}
    assert (await browser.checkout()).message == "card ************5918 failed"
