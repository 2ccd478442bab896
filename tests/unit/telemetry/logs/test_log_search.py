"""The log search language: what is read as what, which warnings it gives, where it is refused."""

import pytest

from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log

LOG = Log(
    at_ms=1_761_812_686_328,
    message="Hello, world: GET /api-v1/orders PAYMENT_FAILED",
    status="warn",
    service="sock-shop-orders",
    host="worker-2",
    source="java",
    trace_id="4bf92f35",
    tags=("env:prod", "version:1.10", "bare"),
    attributes={
        "http": {"status_code": 503, "url": "/api-v1/orders"},
        "ip": "10.1.2.3",
        "items": [{"id": "a"}, {"id": "b"}],
        "n": -5,
        "ok": True,
        "note": "payment gone",
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "hello",
        "HELLO world",
        '"hello world"',
        "hello-world",
        "payment_failed",
        "message:hello",
        "ord*",
        "*ment_f?iled",
        "service:sock-shop-orders",
        "service:*-orders",
        "service:(a OR sock-shop-orders)",
        "status:warning",
        "env:prod -env:dev !env:test NOT env:stage",
        "env:*",
        "-owner:*",
        "tags:bare",
        "tags:(env:prod AND version\\:1.10)",
        "version:>1.09",
        "@http.status_code:503",
        "@http.status_code:[500 TO 599]",
        "@http.status_code:{502 TO 503]",
        "@http.status_code:>=503 @http.status_code:<504",
        "@http.status_code:5*",
        "@http.url:/api\\-v1/*",
        '@http.url:"/api-v1/orders"',
        "@items.id:b",
        "@n:-5 @n:[-10 TO *] @n:<0",
        "@ok:true",
        "_exists_:@http.url _missing_:@nothing",
        "*:gone",
        '*:"payment gone"',
        "CIDR(@ip, 192.168.0.0/16, 10.0.0.0/8)",
        "source:java sources:java,ruby",
        "trace_id:4bf92f35",
        "timestamp:[2025-10-30 TO 2025-10-31}",
        "nothing OR hello world",
        "hello && world || nothing",
        "NOT (nothing OR @n:>0)",
    ],
)
def test_a_query_accepts_the_log_it_describes(text: str) -> None:
    assert predicate(parse_search(text))(LOG)


@pytest.mark.parametrize(
    "text",
    [
        "hell",
        '"world hello"',
        '"hell*"',
        "payment",
        "Service:sock-shop-orders",
        "service:Sock-Shop-Orders",
        "env:PROD",
        "tags:env",
        "@http.status_code:[504 TO *]",
        "@http.status_code:{503 TO *]",
        "@items.id:c",
        "@note:payment",
        "gone",
        "CIDR(@ip, 10.9.0.0/16)",
        "-hello",
        "nothing AND hello OR nothing",
    ],
)
def test_a_query_refuses_the_log_it_does_not_describe(text: str) -> None:
    assert not predicate(parse_search(text))(LOG)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("(a", 1, "never closed"),
        ("a b)", 4, "closes nothing"),
        ('service:a "b', 11, "never closed"),
        ("a AND", 6, "missing"),
        ("OR a", 1, "needs a term"),
        ("@a:[1 2]", 7, "[a TO b]"),
        ("@a:[1 TO 2", 4, "never closed"),
        ("service:", 9, "needs a value"),
        ("#calculated:1", 1, "Calculated"),
        ("a #b", 3, "Calculated"),
        ("@items[0].id:a", 1, "without an index"),
        ("CIDR(@ip, 10.0.0.0/99)", 11, "network"),
        ("k*y:a", 1, "no wildcards"),
        ("...", 1, "no letter"),
        ("message:>5", 9, "range"),
        ("timestamp:soon", 11, "ISO 8601"),
        ("a -", 3, "without a space"),
        ("a\\", 2, "backslash"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_at_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse_search(text)
    assert refusal.value.column == column
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('service:shipping "rejected" OR "Message rejected"', 1),
        ('service:shipping ("rejected" OR "Message rejected")', 0),
        ('(service:shipping "rejected") OR "Message rejected"', 0),
        ("service:a OR service:b", 0),
        ("service:a x OR service:b y", 0),
        ("failed or refused", 1),
    ],
)
def test_a_query_that_probably_means_something_else_has_a_warning(text: str, count: int) -> None:
    assert len(parse_search(text).warnings) == count
