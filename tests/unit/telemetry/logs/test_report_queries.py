"""Queries 1 to 10 and the event stream of the report find what it expects, over lines as the shop writes them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock, instant
from oddsock.kit.date_math import instant_ms
from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import morgan_line, spring_line
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs import LogStore

FAILED = {
    "690320cee2c84800016ceb4a": "08:24:46.328",
    "690320eae2c84800016ceb4b": "08:25:14.525",
    "69032142e2c84800016ceb4c": "08:26:40.964",
    "690321a3e2c84800016ceb4d": "08:28:19.933",
    "690321b0e2c84800016ceb4e": "08:28:32.045",
}
PAID = {"69031f00e2c84800016ceb48": "08:10:00.000", "69031f40e2c84800016ceb49": "08:12:00.000"}
FIVE = (
    "Order created with ID: 690320cee2c84800016ceb4a and status: Created",
    "Order 690320cee2c84800016ceb4a status updated to PENDING",
    "Sending payment request for order 690320cee2c84800016ceb4a",
    "Payment failed for order 690320cee2c84800016ceb4a:",
    "Order 690320cee2c84800016ceb4a status updated to PAYMENT_FAILED due to",
)
IN_NAMESPACE = "kube_namespace:sock-shop "
NOW_MS = instant_ms("2025-10-30T10:00:00Z", 0)


def _at(clock: str) -> datetime:
    return instant(f"2025-10-30T{clock}Z")


def _log(at: datetime, name: str, message: str, status: str = "info") -> Log:
    at_ms = round(at.astimezone(UTC).timestamp() * 1000)
    tags = ("kube_namespace:sock-shop", f"kube_deployment:{name}", f"deployment:{name}")
    return Log(at_ms=at_ms, service=f"sock-shop-{name}", message=message, status=status, tags=tags)


def _order(order: str, at: datetime, is_paid: bool) -> list[Log]:
    """What orders and the front-end say of one order."""
    refused = "Connection refused (Connection refused)"
    said = [
        ("INFO", f"Order created with ID: {order} and status: Created"),
        ("INFO", f"Order {order} status updated to PENDING"),
        ("INFO", f"Sending payment request for order {order}: PaymentRequest{{amount=104.98}}"),
    ]
    if is_paid:
        said.append(("INFO", f"Order {order} payment successful, status updated to PAID"))
    else:
        said.append(("ERROR", f"Payment failed for order {order}: java.net.ConnectException: {refused}"))
        said.append(("WARN", f"Order {order} status updated to PAYMENT_FAILED due to: Payment did not answer"))
    lines = [_log(at, "front-end", "Request received: /orders to place an order")]
    for number, (level, text) in enumerate(said, 1):
        when = at + timedelta(milliseconds=number)
        line = spring_line(when, level, "orders", "exec-1", "w.w.s.o.controllers.OrdersController", text, Correlation())
        lines.append(_log(when, "orders", line))
    status = 201 if is_paid else 500
    return [*lines, _log(at + timedelta(milliseconds=9), "front-end", morgan_line("POST", "/orders", status, 12.0, 0))]


def _lines() -> list[Log]:
    lines = [log for order, clock in FAILED.items() for log in _order(order, _at(clock), is_paid=False)]
    lines += [log for order, clock in PAID.items() for log in _order(order, _at(clock), is_paid=True)]
    for minute in (*range(24), *range(35, 60)):
        health = f"ts=2025-10-30T08:{minute:02d}:00Z caller=middlewares.go:90 method=Health result=1 took=12.1µs"
        lines.append(_log(_at(f"08:{minute:02d}:00"), "payment", health, "error"))
    return lines


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LogStore]:
    """A store that holds the morning of the incident."""
    opened = LogStore.open(tmp_path, ManualClock())
    await opened.append(_lines())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "begin", "end", "count"),
    [
        ('service:sock-shop-orders "status updated to PAYMENT_FAILED"', "now-3h", "now", 5),
        ('service:sock-shop-orders "Connection refused"', "now-3h", "now", 5),
        ('"690320cee2c84800016ceb4a"', "now-3h", "now", 5),
        ('service:sock-shop-orders "ERROR"', "now-3h", "now", 5),
        ("service:sock-shop-payment", "2025-10-30T08:24:00Z", "2025-10-30T08:29:00Z", 0),
        ("service:sock-shop-payment", "2025-10-30T08:00:00Z", "2025-10-30T08:24:00Z", 24),
        ("service:sock-shop-payment", "2025-10-30T08:29:00Z", "2025-10-30T09:00:00Z", 25),
        ('service:sock-shop-front-end "order"', "now-3h", "now", 7),
        ('"690321a3e2c84800016ceb4d"', "now-3h", "now", 5),
        ('service:sock-shop-orders "Order" "status updated to PAYMENT_FAILED"', "now-3h", "now", 5),
        ('service:sock-shop-orders "Sending payment request for order"', "2025-10-30T08:24:00Z", "now", 5),
        ('service:sock-shop-orders "payment successful"', "now-6h", "now", 2),
        ('service:sock-shop-orders "Payment failed"', "now-6h", "now", 5),
        # What the report learnt: the wrong service tag, and the status nobody parses, find nothing.
        ('service:orders "Payment failed"', "now-6h", "now", 0),
        ("service:sock-shop-orders status:error", "now-6h", "now", 0),
    ],
)
async def test_a_query_of_the_report_finds_what_it_expects(
    store: LogStore, query: str, begin: str, end: str, count: int
) -> None:
    search = parse_search(IN_NAMESPACE + query)
    from_ms, to_ms = instant_ms(begin, NOW_MS), instant_ms(end, NOW_MS)
    found = await store.search(search, from_ms, to_ms, 1000)
    assert len(found) == count
    accepts = predicate(search)
    assert sum(accepts(log) and from_ms <= log.at_ms < to_ms for log in _lines()) == count


async def test_the_timeline_of_an_order_is_its_five_lines_in_order(store: LogStore) -> None:
    search = parse_search('kube_namespace:sock-shop "690320cee2c84800016ceb4a"')
    found = await store.search(search, 0, NOW_MS, 10, newest_first=False)
    assert [begin in log.message for begin, log in zip(FIVE, found, strict=True)] == [True] * 5


async def test_the_filter_of_the_event_stream_reads_the_old_spellings() -> None:
    accepts = predicate(parse_search("sources:kubernetes kube_namespace:sock-shop tags:deployment:payment"))
    event = Log(
        at_ms=1,
        message="Scaled down replica set payment-7d to 0 from 1",
        source="kubernetes",
        tags=("kube_namespace:sock-shop", "deployment:payment"),
    )
    assert accepts(event)
    assert not accepts(Log(at_ms=1, message="", source="kubernetes", tags=("kube_namespace:sock-shop",)))
