"""Two replicas of orders on one PostgreSQL in a stack that is up: parked orders end once, no case holds a secret."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.buying import Customer

if TYPE_CHECKING:
    from tests.conftest import LongStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("orders-on-postgres")]

UP = ("--speed", "30", "--no-telemetry", "--no-console")
ON = dict.fromkeys(("RETRY", "BREAKER", "PAYMENT_QUEUE", "RELEASE_LIMITER", "RESUME", "IDEMPOTENCY"), "on")
PASSWORD = "hunter2-of-the-database"
CUSTOMERS = 4
SETTLE_S = 60.0

PLAN = """\
name: wrong-deadline
title: The queue's deadline is set too short
customers:
  - username: Rayaan
operations:
  - {at: 1, customer: Rayaan, do: register}
  - {at: 2, customer: Rayaan, do: add, socks: {Crossed Socks: 1}}
  - {at: 3, customer: Rayaan, do: checkout}
faults:
  - {fault: set-env, target: orders, from: 0, until: 20, settings: {env: {QUEUE_DEADLINE_S: "60"}}}
"""


def _deploy(stack: "LongStack", replicas: int, env: dict[str, str]) -> None:
    """What `kubectl set env` and `kubectl scale` ask for in one."""
    container = {"name": "orders", "env": [{"name": name, "value": value} for name, value in env.items()]}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [container]}}}
    path = "/apis/apps/v1/namespaces/sock-shop/deployments/orders"
    stack.api("PATCH", path, {"spec": spec}, media="application/strategic-merge-patch+json")

    def are_ready() -> bool:
        found = stack.api("GET", path)
        status = found["status"]
        is_observed = status.get("observedGeneration") == found["metadata"]["generation"]
        counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
        return bool(is_observed and counts == [replicas] * 3)

    assert stack.command.wait_until(are_ready), stack.api("GET", path)["status"]


def _endpoints(stack: "LongStack", service: str) -> list[Any]:
    found = stack.api("GET", f"/api/v1/namespaces/sock-shop/endpoints/{service}")
    return [address for subset in found.get("subsets") or [] for address in subset.get("addresses") or []]


async def _buy(stack: "LongStack", customers: list[Customer], times: int) -> Counter[int]:
    async def buy(customer: Customer) -> list[int]:
        return [await customer.buy() for _ in range(times)]

    return Counter(status for found in await asyncio.gather(*map(buy, customers)) for status in found)


async def test_orders_of_two_replicas_that_were_parked_end_once_each(
    long_stack: "LongStack", new_database: Callable[[], str]
) -> None:
    address = new_database().replace("shop@", f"shop:{PASSWORD}@")
    _deploy(long_stack, 2, {**ON, "ORDERS_STORE": "postgres", "ORDERS_DSN": address, "ORDERS_LEASE_S": "5"})
    customers = [Customer(long_stack.status["storefront"]) for _ in range(CUSTOMERS)]
    try:
        await asyncio.gather(*(customer.begin() for customer in customers))
        assert (await _buy(long_stack, customers, 2)).keys() <= {201}
        long_stack.scale("payment", 0)
        assert long_stack.command.wait_until(lambda: not _endpoints(long_stack, "payment"))
        assert (await _buy(long_stack, customers, 3)).keys() <= {201, 202}
        assert long_stack.ask("orders", "/queue")["counts"]["parked"] == CUSTOMERS * 3
        long_stack.scale("payment", 1)
        assert long_stack.command.wait_until(lambda: _is_drained(long_stack), SETTLE_S)
        # The breaker of the replica that drained nothing may still be open.
        assert (await _buy(long_stack, customers, 1)).keys() <= {201, 202}
        assert long_stack.command.wait_until(lambda: _is_drained(long_stack), SETTLE_S)
    finally:
        for customer in customers:
            await customer.close()
    _check_books(long_stack, CUSTOMERS * 6)


def _is_drained(stack: "LongStack") -> bool:
    return bool(stack.ask("orders", "/queue")["counts"] == {"parked": 0, "dead": 0})


def _check_books(stack: "LongStack", orders: int) -> None:
    """Every order is PAID once, charged once and shipped once."""
    changes = stack.ask("orders", "/journal?limit=5000")["changes"]
    last = {row["order_id"]: row["status"] for row in changes}
    paid = Counter(row["order_id"] for row in changes if row["status"] == "PAID")
    charges = stack.ask("payment", "/charges?limit=5000")["charges"]
    captured = Counter(row["order_id"] for row in charges if row["kind"] == "capture")
    parcels = stack.ask("shipping", "/shipments?limit=5000")["shipments"]
    accepted = Counter(row["order_id"] for row in parcels if row["event"] == "accepted")
    assert set(last.values()) == {"PAID"}
    assert paid == captured == accepted == Counter(last.keys())
    assert len(last) == orders


def _env(stack: "LongStack", deployment: str) -> dict[str, str]:
    found = stack.api("GET", f"/apis/apps/v1/namespaces/sock-shop/deployments/{deployment}")
    return {one["name"]: one.get("value", "") for one in found["spec"]["template"]["spec"]["containers"][0]["env"]}


async def test_a_drill_beside_secrets_puts_its_variable_back_and_keeps_no_secret(
    long_stack: "LongStack", new_database: Callable[[], str]
) -> None:
    address = new_database().replace("shop@", f"shop:{PASSWORD}@")
    _deploy(long_stack, 2, {**ON, "ORDERS_STORE": "postgres", "ORDERS_DSN": address, "ORDERS_LEASE_S": "5"})
    customers = [Customer(long_stack.status["storefront"]) for _ in range(CUSTOMERS)]
    try:
        await asyncio.gather(*(customer.begin() for customer in customers))
        assert (await _buy(long_stack, customers, 3)).keys() <= {201, 202}
    finally:
        for customer in customers:
            await customer.close()
    plan = long_stack.command.home / "wrong-deadline.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    before = _env(long_stack, "orders")
    ended = long_stack.command.run("drill", str(plan), "--json")
    assert ended.code in (0, 1), ended.told
    assert ended.json["verdicts"]["cleanup"] == "ok", ended.told
    assert _env(long_stack, "orders") == before
    [case] = long_stack.command.cases("wrong-deadline")
    [undo, _] = long_stack.command.read_lines(case / "undo.jsonl")
    assert [change["path"] for change in undo["changes"]] == ["env.orders.QUEUE_DEADLINE_S"]
    logs = {path.name for path in case.rglob("logs/orders-*.log") if "Order created" in path.read_text()}
    assert len(logs) >= 2, "one replica took all orders"
    secrets = [PASSWORD, before["WEBHOOK_SECRET"], _env(long_stack, "payment")["GATEWAY_KEY"]]
    assert all(secrets)
    kept = [path for path in case.rglob("*") if path.is_file()]
    holding = [path.name for path in kept if any(secret.encode() in path.read_bytes() for secret in secrets)]
    assert (len(kept) > 20, holding) == (True, [])


def test_a_drill_that_would_have_to_keep_a_secret_is_refused_before_it_begins(long_stack: "LongStack") -> None:
    plan = long_stack.command.home / "wrong-key.yaml"
    plan.write_text(PLAN.replace("QUEUE_DEADLINE_S", "ORDERS_DSN"), encoding="utf-8")
    ended = long_stack.command.run("drill", str(plan))
    assert ended.code == 2, ended.told
    assert "wrong-key.yaml:10:" in ended.err and "ORDERS_DSN is a secret by its name" in ended.err
