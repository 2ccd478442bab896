"""What benches share: a day of logs in the proportions of a shop, most of it go-kit health, a few orders among it."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from oddsock.telemetry.records import Log

BEGIN_MS = 1_761_782_400_000
"""2025-10-30T00:00:00Z; the logs fill that day, and payment is gone from 08:24 to 08:44."""

DAY_MS = 86_400_000
OUTAGE = (BEGIN_MS + 30_240_000, BEGIN_MS + 31_440_000)
NEEDLE = "690320cee2c84800016ceb4a"
SPRING = "{at} {level:>5} [{app},{trace},{span},false] 7 --- [nio-80-exec-{n}] {logger:<40} : {text}"


@pytest.fixture
def shop_logs() -> Callable[[int], Iterator[Log]]:
    """The logs of one day, by their number."""
    return _shop_logs


def _shop_logs(count: int, seed: int = 3) -> Iterator[Log]:
    """*count* logs in order of time; the same for the same seed. The needle's lines stand in the outage."""
    chance = Random(seed)
    step = DAY_MS / count
    needle_at = int((OUTAGE[0] + 46_000 - BEGIN_MS) / step)
    for number in range(count):
        at_ms = BEGIN_MS + int(number * step)
        kind = chance.random()
        if number == needle_at:
            yield from _order(at_ms, chance, NEEDLE)
        elif kind < 0.43:
            yield _health(at_ms, chance)
        elif kind < 0.68:
            yield _access(at_ms, chance)
        elif kind < 0.88:
            yield _carts(at_ms, chance)
        elif kind < 0.998:
            yield _mongo(at_ms, chance)
        else:
            yield from _order(at_ms, chance, f"{chance.randrange(16**24):024x}")


def _log(at_ms: int, deployment: str, pod: int, message: str, status: str = "info", **more: Any) -> Log:
    tags = (
        "kube_namespace:sock-shop", "kube_cluster_name:sockshop-kind", f"kube_deployment:{deployment}",
        f"deployment:{deployment}", f"pod_name:{deployment}-7f74f9b69c-{pod:05x}", f"container_name:{deployment}",
    )  # fmt: skip
    host = f"sockshop-worker{pod % 2 or ''}"
    return Log(
        at_ms=at_ms, service=f"sock-shop-{deployment}", host=host, tags=tags, message=message, status=status, **more
    )


def _health(at_ms: int, chance: Random) -> Log:
    deployment = chance.choice(("catalogue", "user", "payment"))
    if deployment == "payment" and OUTAGE[0] <= at_ms < OUTAGE[1]:
        deployment = "user"
    took = (
        f"{chance.randrange(400, 90_000) / 1000}µs" if chance.random() < 0.02 else f"{chance.randrange(400, 90_000)}ns"
    )
    message = f"ts={at_ms} caller=middlewares.go:90 method=Health result=2 took={took}"
    return _log(at_ms, deployment, chance.randrange(2), message, "error", source="go")


def _access(at_ms: int, chance: Random) -> Log:
    path = chance.choice(("/catalogue", "/cart", "/login", "/orders", "/basket.html", "/category.html"))
    code = 500 if path == "/orders" and OUTAGE[0] <= at_ms < OUTAGE[1] else 200
    took = chance.randrange(800, 90_000) / 1000
    if path == "/orders":
        message = (
            f"Request received: {path} to place an order" if chance.random() < 0.4 else f"POST {path} {code} {took} ms"
        )
    else:
        message = f"GET {path} {code} {took} ms - {chance.randrange(9000)}"
    attributes = {"http": {"method": "GET", "status_code": code, "url": path}, "duration": took}
    return _log(at_ms, "front-end", chance.randrange(3), message, attributes=attributes, source="nodejs")


def _spring(at_ms: int, deployment: str, chance: Random, level: str, logger: str, text: str) -> Log:
    trace, span = f"{chance.randrange(16**16):016x}", f"{chance.randrange(16**16):016x}"
    message = SPRING.format(
        at=at_ms, level=level, app=deployment, trace=trace, span=span, n=chance.randrange(10), logger=logger, text=text
    )
    return _log(at_ms, deployment, 0, message, trace_id=trace, source="java")


def _carts(at_ms: int, chance: Random) -> Log:
    customer = f"{chance.randrange(2000):024x}"
    text = chance.choice((f"Attempting to get cart: {customer}", f"Found item in cart: {customer}"))
    return _spring(at_ms, "carts", chance, "DEBUG", "w.w.s.c.controllers.ItemsController", text)


def _mongo(at_ms: int, chance: Random) -> Log:
    number = chance.randrange(1, 400)
    address = f"10.244.1.{number % 250}:5{number:04d}"
    message = f"I NETWORK  [conn{number}] end connection {address} ({number} connections now open)"
    return _log(at_ms, chance.choice(("carts-db", "orders-db", "user-db")), 0, message, source="mongodb")


def _order(at_ms: int, chance: Random, order: str) -> Iterator[Log]:
    logger = "w.w.s.o.controllers.OrdersController"

    def said(level: str, text: str) -> Log:
        return _spring(at_ms, "orders", chance, level, logger, text)

    yield said("INFO", f"Order created with ID: {order} and status: Created")
    yield said("INFO", f"Order {order} status updated to PENDING")
    yield said("INFO", f"Sending payment request for order {order}: PaymentRequest{{amount=104.98}}")
    if OUTAGE[0] <= at_ms < OUTAGE[1]:
        refused = "java.net.ConnectException: Connection refused (Connection refused)"
        yield said(
            "ERROR", f'Payment failed for order {order}: I/O error on POST request for "http://payment": {refused}'
        )
        yield said("WARN", f"Order {order} status updated to PAYMENT_FAILED due to: Connection refused")
    else:
        yield said("INFO", f"Received payment response for order {order}: PaymentResponse{{authorised=true}}")
        yield said("INFO", f"Order {order} payment successful, status updated to PAID")
