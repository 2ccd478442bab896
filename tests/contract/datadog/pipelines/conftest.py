"""The pipelines that come along, and records as the services of the shop write them, stamped as the agent stamps them.

Written by the shop's own code: when a line of the shop changes, the pipelines' tests see it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.ids import traceparent
from oddsock.shop import log_lines
from oddsock.shop.calls import REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import GoKitLog, MorganLog, SpringLog
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order
from oddsock.shop.orders.status import Status
from oddsock.telemetry.pipelines.pipeline import Pipelines
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.documents import Documents

ORDER_ID = "690320cee2c84800016ceb4a"
TRACED = Correlation(traceparent=traceparent())


@dataclass(frozen=True)
class Record:
    """One record as the agent ships it: several lines joined, stdout stamped info and stderr error."""

    service: str
    message: str
    stream: int

    @property
    def status(self) -> str:
        """The status the agent stamps."""
        return "error" if self.stream == log_lines.STDERR else "info"


@contextmanager
def written(service: str) -> Iterator[list[Record]]:
    """The records that the block's code writes as *service*."""
    records: list[Record] = []

    def keep(stream: int, line: str) -> None:
        records.append(Record(service, line, stream))

    with patch.object(log_lines, "write", keep):
        yield records


def order(status: Status, reason: str = "") -> Order:
    """The report's first order."""
    return Order(
        id=ORDER_ID,
        customer_id="6902f3f39c10d30001a04809",
        customer=Customer("Ray", "Aan", "Rayaan"),
        address=Address("1", "A street", "Town", "12345", "NL"),
        card=Card("5544154011345918", "08/19", "958"),
        items=[Item("1", "3395a43e-2d88-40de-b95f-e00e1502085b", 1, 99.99)],
        total=104.98,
        total_cents=10498,
        placed_at="2025-10-30T08:24:46.328+0000",
        status=status,
        reason=reason,
    )


def failed_order(clock: Clock, at_debug: bool = False) -> list[Record]:
    """An order whose payment is refused, from its making to the answer: six records, the last with a Java stack."""
    cause = NoAnswer(REFUSED, "Connection refused (Connection refused)", "payment", 80)
    with written("sock-shop-orders") as records:
        told = Narration(SpringLog("orders", 80, clock), at_debug)
        told.next_request()
        told.created(order(Status.CREATED), TRACED)
        told.moved(order(Status.PENDING), TRACED)
        told.paying(order(Status.PENDING), TRACED)
        told.payment_failed(order(Status.PENDING), cause, TRACED)
        told.moved(order(Status.PAYMENT_FAILED, cause.text), TRACED)
        told.threw("java.lang.IllegalStateException", "Unable to create order due to payment failure", cause, TRACED)
    return records


def every_order_record(clock: Clock, at_debug: bool = False) -> list[Record]:
    """Every kind of record that orders has, with and without a trace, and the start and end of the Java services."""
    late = NoAnswer(TIMED_OUT, "Read timed out", "shipping", 80)
    records = failed_order(clock, at_debug)
    with written("sock-shop-orders") as more:
        log = SpringLog("orders", 80, clock)
        told = Narration(log, at_debug)
        for by in (TRACED, Correlation()):
            told.next_request()
            told.fetching(by)
            told.fetched(by)
            told.sending(order(Status.PENDING), by)
            told.answered(order(Status.PENDING), True, "Payment authorised", by)
            told.received(False, "Payment declined: amount exceeds 105.00", by)
            told.saved(order(Status.PAID), by)
            told.paid(order(Status.PAID), by)
            told.adopted(order(Status.PAID), "ch_1f2e3d", by)
            told.shipped(order(Status.SHIPPED), by)
            told.not_shipped(order(Status.PAID), late, by)
            told.threw("java.io.IOException", "Unable to ship", late, by)
            told.threw("java.lang.IllegalStateException", "", None, by)
        log.started(80)
        log.ended()
    with written("sock-shop-carts") as carts:
        for by in (TRACED, Correlation()):
            log = SpringLog("carts", 8080, clock)
            log.record("INFO", "w.w.s.c.controllers.ItemsController", "Cart of customer 57a9: 2 items", by)
            log.record("INFO", "w.w.s.c.controllers.ItemsController", "GET /carts/57a9 trace_id=abc", by)
            log.record("ERROR", "w.w.s.c.controllers.ItemsController", "", by)
    return [*records, *more, *carts]


def go_kit_records(clock: Clock) -> list[Record]:
    """Every kind of record of the Go services, with and without a trace."""
    found: list[Record] = []
    for service, trace in (("payment", ""), ("user", TRACED.trace), ("catalogue", ""), ("mailbox", "")):
        with written(f"sock-shop-{service}") as records, log_lines.traced(trace):
            log = GoKitLog(clock)
            log.started(80)
            log.method("Health", clock.monotonic(), result=1)
            log.method("Health", clock.monotonic() - 0.0125, result=2)
            log.method("Authorise", clock.monotonic() - 2.5, result=True)
            log.method("List", clock.monotonic(), tags="brown,blue", order="id", pageNum=1, result=6, err=None)
            log.method("Get", clock.monotonic(), id="3395a43e-2d88-40de-b95f-e00e1502085b", sock="", err="not found")
            log.method("Register", clock.monotonic(), username="a b", email="a@b.example", result="57a9")
            log.error('dial tcp 10.96.100.12:80: "connect": connection refused')
            log.fields("mailbox", {"message_id": "<1.2@sock-shop>", "event": "order-failed", "order": ORDER_ID})
            log.ended()
        found += records
    return found


def front_end_records() -> list[Record]:
    """Every kind of record of the front-end that has a form, with and without a trace."""
    found: list[Record] = []
    for trace in ("", TRACED.trace):
        with written("sock-shop-front-end") as records, log_lines.traced(trace):
            log = MorganLog()
            for status in (101, 200, 201, 304, 404, 500, 503):
                log.request("GET", "/catalogue?size=5&page=1", status, 12.3456, 1873)
            log.request("POST", "/orders", 500, 23.4, 162)
            log.request("DELETE", "/cart", 202, None, None)
            log.bare("Request received: /orders to place an order")
            log.bare(f'Order response: {{"id":"{ORDER_ID}","customerId":"57a9","status":"PAYMENT_FAILED"}}')
            log.bare('Posting Order: {"customer":"http://user/customers/57a9"}')
        found += records
    return found


@dataclass(frozen=True)
class ShopLines:
    """What the shop writes now, by kind."""

    clock: Clock

    def failed_order(self) -> list[Record]:
        """An order whose payment is refused."""
        return failed_order(self.clock)

    def java(self, at_debug: bool = False) -> list[Record]:
        """Every kind of record of orders and carts."""
        return every_order_record(self.clock, at_debug)

    def go_kit(self) -> list[Record]:
        """Every kind of record of the Go services."""
        return go_kit_records(self.clock)

    def front_end(self) -> list[Record]:
        """Every kind of record of the front-end that has a form."""
        return front_end_records()


@pytest.fixture
def shop_lines() -> ShopLines:
    """What the shop writes, dated now."""
    return ShopLines(SystemClock())


@pytest.fixture
def bodies() -> dict[str, Any]:
    """The pipelines that come along, by the name of their file."""
    folder = files("oddsock.data") / "pipelines"
    return {
        path.name: msgspec.json.decode(path.read_bytes()) for path in sorted(folder.iterdir(), key=lambda p: p.name)
    }


@pytest.fixture
def processed(tmp_path: Path, bodies: dict[str, Any]) -> Iterator[Callable[[Record], Log]]:
    """What the pipelines make of a record that came in as the agent stamps it."""
    documents = Documents.open(tmp_path / "meta.sqlite")
    pipelines = Pipelines(documents)
    for body in bodies.values():
        pipelines.create(body)
    at_ms = int(SystemClock().now().timestamp() * 1000)
    yield lambda record: pipelines.process(
        Log(at_ms=at_ms, message=record.message, service=record.service, status=record.status)
    )
    documents.close()
