"""orders over the wire: paid, declined, refused, retried, cancelled; bodies, statuses and the lines of the report."""

import re
from typing import Any, Protocol

import pytest

from oddsock.kit.clock import SystemClock, wait_for

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

    def stop(self, service: str, number: int = 15) -> int:
        """End a service."""
        ...

    def start(self, service: str) -> None:
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

    async def checkout(self, headers: dict[str, str] | None = None) -> Answer:
        """Place an order."""
        ...

    async def last_order(self) -> dict[str, Any]:
        """The newest order."""
        ...


async def _rows(caller: Caller, service: str, book: str, order_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = 0
    while after is not None:
        page = (await caller.ask(service, "GET", f"/{book}?after={after}")).json
        after = page.pop("next")
        rows += next(iter(page.values()))
    return [row for row in rows if row["order_id"] == order_id]


async def _parcel(caller: Caller, order_id: str) -> list[dict[str, Any]]:
    """The rows of the order's shipment once queue-master has taken it."""

    async def taken() -> list[dict[str, Any]]:
        rows = await _rows(caller, "shipping", "shipments", order_id)
        return rows if any(row["event"] == "dispatched" for row in rows) else []

    return await wait_for(taken, SystemClock(), 5.0, 0.05) or []


async def _statuses(caller: Caller, order_id: str) -> list[str]:
    return [row["status"] for row in await _rows(caller, "orders", "journal", order_id)]


async def test_a_paid_order_is_answered_with_201_and_stands_in_every_book(customer: Caller) -> None:
    await customer.put_into_cart("Holy Cringle Socks")
    sent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-Id": "request-1"}
    answer = await customer.checkout(sent)
    assert answer.status == 201
    order = answer.json
    assert (order["total"], order["status"], order["customerId"]) == (104.979996, "PAID", customer.customer_id)
    assert order["shipment"]["name"] == customer.customer_id
    assert answer.headers["X-Customer-Message"] == "Order placed."
    assert await _statuses(customer, order["id"]) == ["CREATED", "PENDING", "PAID"]
    charges = await _rows(customer, "payment", "charges", order["id"])
    assert [(row["kind"], row["amount_cents"]) for row in charges] == [("authorisation", 10498), ("capture", 10498)]
    assert {row["charge_id"] for row in charges} == {charges[0]["id"]}
    shipments = await _parcel(customer, order["id"])
    assert [row["event"] for row in shipments] == ["accepted", "queued", "dispatched"]
    assert {row["shipment_id"] for row in shipments} == {order["shipment"]["id"]}
    journal = await _rows(customer, "orders", "journal", order["id"])
    for row in [*charges, *shipments, *journal]:
        assert row["request_id"] == "request-1"
        assert row["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert all(row["customer_id"] == customer.customer_id for row in [*charges, *shipments])


async def test_a_declined_order_is_a_406_with_the_limit_in_its_message(customer: Caller) -> None:
    await customer.put_into_cart("Holy Cringle Socks", "Crossed Socks")
    answer = await customer.checkout()
    assert answer.status == 406
    assert answer.json["message"] == "Payment declined: amount exceeds 105.00"
    assert answer.json["path"] == "/orders"
    assert answer.headers["X-Customer-Message"] == "Error placing order. Payment declined: amount exceeds 105.00"
    order = await customer.last_order()
    assert (order["status"], order["total"], order["shipment"]) == ("PAYMENT_FAILED", 122.13, None)
    journal = await _rows(customer, "orders", "journal", order["id"])
    assert journal[-1]["cause"] == "payment declined: amount exceeds 105.00"
    assert [row["kind"] for row in await _rows(customer, "payment", "charges", order["id"])] == ["decline"]
    assert await _rows(customer, "shipping", "shipments", order["id"]) == []


async def test_without_payment_an_order_fails_with_500_and_the_five_lines_of_the_report(
    customer: Caller, shop: Shop, without_payment: None
) -> None:
    await customer.put_into_cart("Colourful Socks")
    answer = await customer.checkout({"traceparent": "00-0af7651916cd43dd11111111aaaaaaaa-b7ad6b7169203331-01"})
    assert answer.status == 500
    order = await customer.last_order()
    assert answer.json["message"] == f"Payment service unavailable for order {order['id']}"
    assert answer.json["exception"] == "java.lang.IllegalStateException"
    assert answer.headers["X-Customer-Message"] == ""
    assert (order["status"], order["reason"], order["shipment"]) == ("PAYMENT_FAILED", "Connection refused", None)
    assert await _statuses(customer, order["id"]) == ["CREATED", "PENDING", "PAYMENT_FAILED"]
    lines = [line for line in shop.out("orders").splitlines() if order["id"] in line]
    head = re.compile(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ( INFO|ERROR| WARN) \[orders,11111111aaaaaaaa,[0-9a-f]{16},false] "
        r"\d+ --- \[n?io-8080-exec-\d+] (.{40}) : (.*)"
    )
    said = [found.groups() for line in lines if (found := head.match(line))]
    assert [level.strip() for level, _, _ in said] == ["INFO", "INFO", "INFO", "ERROR", "WARN", "ERROR"]
    texts = [text for _, _, text in said]
    assert texts[0] == f"Order created with ID: {order['id']} and status: Created"
    assert texts[1] == f"Order {order['id']} status updated to PENDING"
    assert texts[2].startswith(f"Sending payment request for order {order['id']}: PaymentRequest{{address=Address{{")
    assert "longNum='5953580604169678'" in texts[2]
    assert texts[3] == (
        f"Payment failed for order {order['id']}: org.springframework.web.client.ResourceAccessException: I/O error on "
        'POST request for "http://payment/paymentAuth": Connection refused (Connection refused); nested exception is '
        "java.net.ConnectException: Connection refused (Connection refused)"
    )
    assert texts[4] == f"Order {order['id']} status updated to PAYMENT_FAILED due to: Connection refused"
    assert "\tat java.net.Socket.connect(" in shop.out("orders")
    front_end = [line for line in shop.out("front-end").splitlines() if order["id"] in line]
    assert front_end and "order" in front_end[0]


async def test_a_read_is_hal_without_ids_pretty_printed_and_paged(customer: Caller) -> None:
    await customer.put_into_cart("Colourful Socks")
    placed = (await customer.checkout()).json
    one = await customer.ask("orders", "GET", f"/orders/{placed['id']}")
    assert one.headers["Content-Type"] == "application/hal+json;charset=UTF-8"
    assert '"customerId" : "' in one.text
    assert "id" not in one.json
    assert all("id" not in item for item in one.json["items"])
    assert one.json["_links"]["self"]["href"].endswith(f"/orders/{placed['id']}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", one.json["date"])
    page = (await customer.ask("orders", "GET", "/orders?size=1")).json
    assert len(page["_embedded"]["customerOrders"]) == 1
    assert page["page"]["totalPages"] == page["page"]["totalElements"] >= 1
    missing = await customer.ask("orders", "GET", "/orders/000000000000000000000000")
    assert (missing.status, missing.text) == (404, "")
    nobody = (await customer.ask("orders", "GET", "/orders/search/customerId?custId=nobody&sort=date")).json
    assert nobody["_embedded"]["customerOrders"] == []


async def test_an_incomplete_order_request_is_a_406(caller: Caller) -> None:
    answer = await caller.ask("orders", "POST", "/orders", {"customer": "http://user/customers/1"})
    assert answer.status == 406
    assert answer.json["message"] == "Invalid order request. Order requires customer, address, card and items."
    assert answer.headers["X-Application-Context"] == "orders:8080"


async def test_an_order_may_not_send_the_shop_to_a_strange_host(caller: Caller) -> None:
    links = dict.fromkeys(("customer", "address", "card", "items"), "http://127.0.0.1:1/x")
    answer = await caller.ask("orders", "POST", "/orders", links)
    assert (answer.status, answer.json["message"]) == (500, "Unable to create order due to unspecified IO error.")


async def test_a_failed_order_is_retried_once_whatever_is_killed(customer: Caller, shop: Shop) -> None:
    assert shop.stop("payment") == 0
    try:
        await customer.put_into_cart("Colourful Socks")
        assert (await customer.checkout()).status == 500
        order_id = (await customer.last_order())["id"]
        key = {"Idempotency-Key": f"mend-{order_id}"}
        retry = f"/orders/{order_id}/retry"
        assert (await customer.ask("orders", "POST", retry)).status == 400
        away = await customer.ask("orders", "POST", retry, None, key)
        assert away.status == 503
    finally:
        shop.start("payment")
    first = await customer.ask("orders", "POST", retry, None, key)
    assert first.status == 200
    assert first.json["status"] == "PAID" and first.json["shipment"]["id"]
    assert shop.stop("orders", 9) == -9
    assert shop.stop("payment", 9) == -9
    shop.start("orders")
    shop.start("payment")
    again = await customer.ask("orders", "POST", retry, None, key)
    assert (again.status, again.json) == (200, first.json)
    other = await customer.ask("orders", "POST", retry, None, {"Idempotency-Key": "another"})
    assert other.status == 409
    assert await _statuses(customer, order_id) == [
        "CREATED",
        "PENDING",
        "PAYMENT_FAILED",
        "PENDING",
        "PAYMENT_FAILED",
        "PENDING",
        "PAID",
    ]
    kinds = [row["kind"] for row in await _rows(customer, "payment", "charges", order_id)]
    assert kinds == ["authorisation", "capture"]
    assert [row["event"] for row in await _parcel(customer, order_id)] == ["accepted", "queued", "dispatched"]


async def test_a_retry_over_the_limit_ends_cancelled_as_declined(customer: Caller, shop: Shop) -> None:
    assert shop.stop("payment") == 0
    try:
        await customer.put_into_cart("Holy Cringle Socks", "Crossed Socks")
        assert (await customer.checkout()).status == 500
    finally:
        shop.start("payment")
    order_id = (await customer.last_order())["id"]
    answer = await customer.ask(
        "orders", "POST", f"/orders/{order_id}/retry", None, {"Idempotency-Key": f"mend-{order_id}"}
    )
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (200, "CANCELLED", "payment_declined")
    assert [row["kind"] for row in await _rows(customer, "payment", "charges", order_id)] == ["decline"]


async def test_a_cancel_recalls_refunds_and_is_done_once(customer: Caller) -> None:
    await customer.put_into_cart("Colourful Socks")
    order_id = (await customer.checkout()).json["id"]
    assert await _parcel(customer, order_id)
    key = {"Idempotency-Key": f"cancel-{order_id}"}
    for _ in range(2):
        answer = await customer.ask("orders", "POST", f"/orders/{order_id}/cancel", {"reason": "test order"}, key)
        assert (answer.status, answer.json["status"], answer.json["reason"]) == (200, "CANCELLED", "test order")
    charges = await _rows(customer, "payment", "charges", order_id)
    assert [(row["kind"], row["amount_cents"]) for row in charges][2:] == [("refund", 1999)]
    events = [row["event"] for row in await _rows(customer, "shipping", "shipments", order_id)]
    assert events == ["accepted", "queued", "dispatched", "recalled"]
    assert await _statuses(customer, order_id) == ["CREATED", "PENDING", "PAID", "CANCELLED"]


async def test_the_probe_for_retry_answers_204_and_an_unknown_order_404(caller: Caller) -> None:
    probe = await caller.ask("orders", "OPTIONS", "/orders/any/retry")
    assert (probe.status, probe.headers["Allow"]) == (204, "POST")
    answer = await caller.ask("orders", "POST", "/orders/none/retry", None, {"Idempotency-Key": "k"})
    assert answer.status == 404


async def test_orders_counts_what_is_created_paid_and_failed(customer: Caller, shop: Shop) -> None:
    before = _counted((await customer.ask("orders", "GET", "/metrics")).text)
    await customer.put_into_cart("Colourful Socks")
    assert (await customer.checkout()).status == 201
    await customer.put_into_cart("Holy Cringle Socks", "Holy Cringle Socks")
    assert (await customer.checkout()).status == 406
    after = _counted((await customer.ask("orders", "GET", "/metrics")).text)
    names = ["shop_orders_created_total", "shop_orders_paid_total", "shop_orders_failed_total"]
    assert [after[name] - before[name] for name in names] == [2, 1, 1]
    entered = 'shop_orders_by_status_total{status="PENDING"}'
    assert after[entered] - before.get(entered, 0) == 2
    took = 'shop_order_duration_seconds_count{outcome="ok"}'
    assert after[took] - before.get(took, 0) == 1


def _counted(text: str) -> dict[str, float]:
    rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}
