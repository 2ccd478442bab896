"""catalogue, carts, user, payment, shipping and mailbox over the wire; health, metrics, log lines, quick ends."""

import asyncio
import re
import smtplib
from email.message import EmailMessage
from typing import Any, Protocol

import pytest

from oddsock.kit.clock import SystemClock, wait_for

pytestmark = pytest.mark.xdist_group("sockshop")

HOLY = "03fef6ac-1896-4ce8-bd69-b798f85c6e0b"
NO_ID = "000000000000000000000000"


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

    smtp_port: int

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


async def test_the_catalogue_sells_the_originals_ten_socks_and_the_reports_three(caller: Caller) -> None:
    socks = (await caller.ask("catalogue", "GET", "/catalogue?size=100")).json
    assert len(socks) == 13
    assert list(socks[0]) == ["id", "name", "description", "imageUrl", "price", "count", "tag"]
    prices = {sock["name"]: sock["price"] for sock in socks}
    named = {name: prices[name] for name in ("Holy Cringle Socks", "Colourful Socks", "Crossed Socks")}
    assert named == {"Holy Cringle Socks": 99.99, "Colourful Socks": 15.0, "Crossed Socks": 17.15}
    assert (await caller.ask("catalogue", "GET", "/catalogue/size")).json == {"size": 13, "err": None}
    assert (await caller.ask("catalogue", "GET", f"/catalogue/{HOLY}")).json["name"] == "Holy"
    unknown = await caller.ask("catalogue", "GET", "/catalogue/none")
    assert (unknown.status, unknown.json["status_text"]) == (404, "Not Found")
    assert unknown.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_carts_answer_with_the_originals_statuses(caller: Caller) -> None:
    path = "/carts/someone"
    assert (await caller.ask("carts", "GET", path)).json == {"customerId": "someone"}
    line = {"itemId": HOLY, "unitPrice": 99.99}
    added = await caller.ask("carts", "POST", f"{path}/items", line)
    assert (added.status, added.json["quantity"]) == (201, 1)
    again = await caller.ask("carts", "POST", f"{path}/items", line | {"quantity": 7, "unitPrice": 1})
    assert (again.json["quantity"], again.json["unitPrice"]) == (2, 99.99)
    patched = await caller.ask("carts", "PATCH", f"{path}/items", {"itemId": HOLY, "quantity": 4})
    assert (patched.status, patched.text) == (202, "")
    assert (await caller.ask("carts", "GET", f"{path}/items/{HOLY}")).json["quantity"] == 4
    for method, rest in (("GET", "/items/none"), ("DELETE", "/items/none")):
        absent = await caller.ask("carts", method, path + rest)
        assert (absent.status, absent.json["status"]) == (500, 500)
    assert (await caller.ask("carts", "DELETE", path)).status == 202
    assert (await caller.ask("carts", "DELETE", path)).status == 202


async def test_user_speaks_hal_with_links_and_one_card_a_customer(customer: Caller) -> None:
    found = await customer.ask("user", "GET", f"/customers/{customer.customer_id}")
    assert found.headers["Content-Type"] == "application/hal+json"
    assert found.json["_links"]["cards"]["href"] == f"http://user/customers/{customer.customer_id}/cards"
    posted = {"longNum": "1111222233334444", "expires": "01/30", "ccv": "111", "userID": customer.customer_id}
    assert (await customer.ask("user", "POST", "/cards", posted)).json == {"id": customer.customer_id}
    cards = (await customer.ask("user", "GET", f"/customers/{customer.customer_id}/cards")).json["_embedded"]["card"]
    assert [card["longNum"] for card in cards] == ["1111222233334444"]
    anonymous = await customer.ask("user", "POST", "/cards", {"longNum": "1"})
    bad = await customer.ask("user", "GET", "/customers/nonsense")
    unknown = await customer.ask("user", "GET", f"/customers/{NO_ID}")
    assert [answer.status for answer in (anonymous, bad, unknown)] == [500, 500, 500]
    assert (bad.json["error"], unknown.json["error"]) == ("Invalid Id Hex", "not found")


async def test_user_says_e11000_for_a_name_that_is_taken(caller: Caller, shop: Shop) -> None:
    body = {"username": "Parvaiz", "password": "x"}
    await caller.ask("user", "POST", "/register", body)
    answer = await caller.ask("user", "POST", "/register", body)
    assert answer.status == 500
    assert answer.json["error"].startswith("E11000 duplicate key error collection: users.customers index: username_1")
    assert r'err="E11000 duplicate key' in shop.err("user")


async def test_payment_decides_by_the_limit_and_complains_in_the_originals_words(caller: Caller) -> None:
    good = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 105})
    assert (good.status, good.json) == (200, {"authorised": True, "message": "Payment authorised"})
    declined = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 105.01})
    assert declined.json == {"authorised": False, "message": "Payment declined: amount exceeds 105.00"}
    for body, error in (
        ({}, 'Cannot unmarshal object key "amount" from JSON: {}'),
        ({"amount": -1}, "Invalid payment"),
    ):
        answer = await caller.ask("payment", "POST", "/paymentAuth", body)
        assert answer.status == 500
        assert answer.json["error"].startswith(error)


async def test_a_payment_key_charges_once_and_another_body_is_a_422(caller: Caller) -> None:
    key = {"Idempotency-Key": "pay-once", "X-Order-Id": "order-of-key"}
    first = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 10}, key)
    again = await caller.ask("payment", "POST", "/paymentAuth", {"amount": 10}, key)
    assert (again.status, again.json) == (200, first.json)
    assert (await caller.ask("payment", "POST", "/paymentAuth", {"amount": 11}, key)).status == 422
    rows = (await caller.ask("payment", "GET", "/charges?order=order-of-key")).json["charges"]
    assert [row["kind"] for row in rows] == ["authorisation", "capture"]


async def test_a_refund_is_given_once_and_never_more_than_was_taken(caller: Caller) -> None:
    await caller.ask("payment", "POST", "/paymentAuth", {"amount": 20}, {"X-Order-Id": "refunded"})
    rows = (await caller.ask("payment", "GET", "/charges?order=refunded")).json["charges"]
    body = {"charge_id": rows[0]["charge_id"], "amount_cents": 1500, "reason": "test"}
    key = {"Idempotency-Key": "refund-1"}
    first = await caller.ask("payment", "POST", "/refunds", body, key)
    assert (first.status, first.json["kind"], first.json["order_id"]) == (201, "refund", "refunded")
    again = await caller.ask("payment", "POST", "/refunds", body, key)
    assert (again.status, again.json) == (200, first.json)
    assert (await caller.ask("payment", "POST", "/refunds", body, {"Idempotency-Key": "refund-2"})).status == 409
    assert (await caller.ask("payment", "POST", "/refunds", body | {"amount_cents": 1}, key)).status == 422
    assert (await caller.ask("payment", "POST", "/refunds", body)).status == 400
    unknown = body | {"charge_id": "none"}
    assert (await caller.ask("payment", "POST", "/refunds", unknown, {"Idempotency-Key": "refund-3"})).status == 404


async def test_a_book_pages_by_the_last_seq_seen(caller: Caller) -> None:
    for _ in range(3):
        await caller.ask("payment", "POST", "/paymentAuth", {"amount": 1}, {"X-Order-Id": "paged"})
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = (await caller.ask("payment", "GET", f"/charges?order=paged&limit=4&after={after}")).json
        assert len(page["charges"]) <= 4
        seen += [row["seq"] for row in page["charges"]]
        after = page["next"]
    assert len(seen) == 6 and seen == sorted(set(seen))


async def test_shipping_ships_once_a_key_and_a_recall_is_written_once(caller: Caller) -> None:
    key = {"Idempotency-Key": "ship-once", "X-Order-Id": "shipped-once"}
    first = await caller.ask("shipping", "POST", "/shipping", {"id": "parcel-1", "name": "someone"}, key)
    assert (first.status, first.json) == (201, {"id": "parcel-1", "name": "someone"})
    again = await caller.ask("shipping", "POST", "/shipping", {"id": "parcel-2", "name": "someone"}, key)
    assert (again.status, again.json) == (201, first.json)

    async def taken() -> bool:
        rows = (await caller.ask("shipping", "GET", "/shipments?order=shipped-once")).json["shipments"]
        return len(rows) == 3

    assert await wait_for(taken, SystemClock(), 5.0, 0.05)
    for _ in range(2):
        assert (await caller.ask("shipping", "POST", "/shipments/parcel-1/recall")).status == 200
    assert (await caller.ask("shipping", "POST", "/shipments/none/recall")).status == 404
    rows = (await caller.ask("shipping", "GET", "/shipments?order=shipped-once")).json["shipments"]
    assert [row["event"] for row in rows] == ["accepted", "queued", "dispatched", "recalled"]


async def test_shipping_says_on_stdout_what_its_two_halves_do(caller: Caller, shop: Shop) -> None:
    await caller.ask("shipping", "POST", "/shipping", {"id": "parcel-9", "name": "the-one-who-waits"})

    async def said() -> bool:
        return "Received shipment task: the-one-who-waits" in shop.out("shipping").splitlines()

    assert await wait_for(said, SystemClock(), 5.0, 0.05)
    assert "Adding shipment to queue..." in shop.out("shipping").splitlines()


async def test_a_mail_is_kept_once_a_message_id_and_survives_the_mailbox(caller: Caller, shop: Shop) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", "a@b.example", "Your order"
    mail["Message-ID"], mail["X-Order-Id"], mail["X-Event"] = "<paid-1@oddsock>", "order-1", "paid"
    mail.set_content("Thank you.")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", shop.smtp_port, timeout=5) as server:
            assert server.send_message(mail) == {}

    for _ in range(2):
        await asyncio.to_thread(send)
    shop.stop("mailbox", 9)
    shop.start("mailbox")
    rows = (await caller.ask("mailbox", "GET", "/notices?order=order-1")).json["notices"]
    assert [(row["message_id"], row["to"], row["event"], row["body"]) for row in rows] == [
        ("<paid-1@oddsock>", "a@b.example", "paid", "Thank you.\n")
    ]


async def test_every_health_has_the_originals_parts_in_their_order(caller: Caller) -> None:
    expected = {
        "catalogue": ["catalogue", "catalogue-db"],
        "carts": ["carts", "carts-db"],
        "user": ["user", "user-db"],
        "orders": ["orders", "orders-db"],
        "payment": ["payment"],
        "shipping": ["shipping-rabbitmq", "shipping"],
        "mailbox": ["mailbox"],
    }
    for service, parts in expected.items():
        entries = (await caller.ask(service, "GET", "/health")).json["health"]
        assert [entry["service"] for entry in entries] == parts
        assert {entry["status"] for entry in entries} == {"OK"}
        assert ("date" in entries[0]) is (service in {"carts", "orders", "shipping"})


async def test_metrics_are_prometheus_text_with_the_originals_names(caller: Caller) -> None:
    await caller.ask("front-end", "GET", "/catalogue")
    expected = {
        "payment": 'http_request_duration_seconds_count{method="GET",path="/metrics",status_code="200",isWS="false"}',
        "orders": 'http_request_duration_seconds_count{service="orders",method="GET",path="/metrics",status_code=',
        "shipping": 'request_duration_seconds_count{service="shipping",method="GET",route="/metrics",status_code=',
        "front-end": 'http_request_duration_seconds_count{service="front-end",method="get",path="catalogue",status_',
    }
    for service, series in expected.items():
        await caller.ask(service, "GET", "/metrics")
        answer = await caller.ask(service, "GET", "/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert any(line.startswith(series) for line in answer.text.splitlines()), service


async def test_go_services_write_logfmt_on_stderr_and_end_as_terminated(caller: Caller, shop: Shop) -> None:
    await caller.ask("payment", "POST", "/paymentAuth", {"amount": 5})
    await caller.ask("payment", "GET", "/health")
    head = r"^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z caller=logging\.go:25 "
    assert re.search(head + r"method=Authorise result=true took=[\d.]+(ns|µs|ms|s)$", shop.err("payment"), re.MULTILINE)
    assert re.search(head + r"method=Health result=1 took=", shop.err("payment"), re.MULTILINE)
    assert shop.stop("payment") == 0
    shop.start("payment")
    assert "exit=terminated" in shop.err("payment")
    assert shop.err("payment").count("transport=HTTP port=8080") >= 2


async def test_a_strange_host_is_not_answered(caller: Caller) -> None:
    answer = await caller.ask("payment", "GET", "/charges", None, {"Host": "evil.example"})
    assert answer.status == 421
    assert (await caller.ask("payment", "GET", "/health", None, {"Host": "payment"})).status == 200
