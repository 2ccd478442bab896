"""A hundred order pages follow their orders for ten minutes: each knows of a change at once, and nothing grows."""

import asyncio
import json
import statistics
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.buying import Customer

from oddsock.kit.clock import SystemClock, instant

if TYPE_CHECKING:
    from tests.conftest import LongStack

pytestmark = [pytest.mark.proof, pytest.mark.e2e, pytest.mark.timeout(1200)]

UP = ("--speed", "10", "--remedies", "live_status,payment_queue,retry,resume", "--no-telemetry", "--no-console")
PAGES = 100
CUSTOMERS = 5
MINUTES = 10
P99_S_MAX = 1.0
GROWTH_MIB_MAX = 6.0
ROUND_S_MAX = 120.0


def _rss_mib(stack: "LongStack") -> float:
    """Memory of the front-end's process."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if "front-end" in words and str(stack.command.home) in str({**environment, "words": words}):
            return float(process.memory_info().rss) / 2**20
    raise AssertionError("the front-end has no process")


async def _follow(customer: Customer, order_id: str, listening: asyncio.Semaphore) -> float:
    """Wall seconds between the order's change to PAID and the page's knowing of it."""
    url = f"{customer.storefront}/orders/{order_id}/status-stream"
    async with customer.client.get(url, timeout=None) as stream:
        assert stream.status == 200
        listening.release()
        heard = []
        async for line in stream.content:
            heard.append(line)
            if line.startswith(b"data: ") and (told := json.loads(line[6:])).get("status") == "PAID":
                return (datetime.now(UTC) - instant(told["at"])).total_seconds()
    raise AssertionError(f"the stream of {order_id} ended before it was PAID: {heard}")


async def _play_round(stack: "LongStack", customers: list[Customer]) -> list[float]:
    stack.scale("payment", 0)

    async def buy(customer: Customer) -> list[str]:
        answers = [await customer.order() for _ in range(PAGES // CUSTOMERS)]
        assert {status for status, _ in answers} <= {201, 202}
        return [str(document["id"]) for status, document in answers if status == 202]

    bought = await asyncio.gather(*map(buy, customers))
    pages = [(customer, order_id) for customer, ids in zip(customers, bought, strict=True) for order_id in ids]
    listening = asyncio.Semaphore(0)
    async with asyncio.timeout(ROUND_S_MAX), asyncio.TaskGroup() as group:
        following = [group.create_task(_follow(customer, order_id, listening)) for customer, order_id in pages]
        for _ in pages:
            await listening.acquire()
        stack.scale("payment", 1)
    return [one.result() for one in following]


async def test_a_hundred_pages_know_of_a_change_within_a_second_for_ten_minutes(long_stack: "LongStack") -> None:
    clock = SystemClock()
    customers = [Customer(long_stack.status["storefront"]) for _ in range(CUSTOMERS)]
    late_s: list[float] = []
    memory: list[float] = []
    try:
        await asyncio.gather(*(customer.begin() for customer in customers))
        end = clock.monotonic() + MINUTES * 60
        while clock.monotonic() < end:
            late_s += await _play_round(long_stack, customers)
            memory.append(_rss_mib(long_stack))
    finally:
        for customer in customers:
            await customer.close()
    late_s.sort()
    p99 = late_s[int(len(late_s) * 0.99)]
    third = max(1, len(memory) // 3)
    first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
    print(f"\n{len(late_s)} changes in {len(memory)} rounds, p50 {late_s[len(late_s) // 2]:.3f} s, p99 {p99:.3f} s")
    print(f"front-end {memory[0]:.1f} MiB at first, {first:.1f} MiB in the first third, {last:.1f} MiB in the last")
    assert len(late_s) >= PAGES * 3
    assert p99 <= P99_S_MAX
    assert last - first <= GROWTH_MIB_MAX
