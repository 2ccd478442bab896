"""How soon a hundred pages, each following an order of its own, hear that it changed: `make bench`."""

import asyncio
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from oddsock.kit import http
from oddsock.kit.clock import SystemClock, instant

if TYPE_CHECKING:
    from tests.contract.sockshop.conftest import Caller, RunningShop

pytestmark = [pytest.mark.bench, pytest.mark.xdist_group("sockshop")]

PAGES = 100
PROMISE_S_P99 = 1.0


async def test_a_hundred_order_pages_hear_of_a_change_within_a_second(shop: "RunningShop", caller: "Caller") -> None:
    shop.stop("front-end")
    shop.start("front-end", LIVE_STATUS="on")
    await caller.register()
    await caller.put_into_cart("Classic")
    assert shop.stop("payment") == 0
    for _ in range(PAGES):
        assert (await caller.checkout()).status == 500
    shop.start("payment")
    orders = (await caller.ask("front-end", "GET", "/orders")).json
    order_ids = [order["_links"]["self"]["href"].rpartition("/")[2] for order in orders]
    assert len(order_ids) == PAGES
    clock, delays_s, are_there = SystemClock(), list[float](), asyncio.Semaphore(0)

    async with http.session(120.0) as client:

        async def page(order_id: str) -> None:
            async with client.get(f"{shop.url('front-end')}/orders/{order_id}/status-stream") as stream:
                is_first = True
                async for line in stream.content:
                    if not line.startswith(b"data: "):
                        continue
                    news = msgspec.json.decode(line[6:], type=dict[str, object])
                    if is_first:
                        is_first = False
                        are_there.release()
                    elif news.get("label") == "Shipped":
                        # `at` is the instant in the book of the change that is told last: the parcel's.
                        delays_s.append((clock.now() - instant(str(news["at"]))).total_seconds())
                        return

        pages = [asyncio.create_task(page(order_id)) for order_id in order_ids]
        for _ in pages:
            await are_there.acquire()
        process = psutil.Process(shop.processes["front-end"].pid)
        began = sum(process.cpu_times()[:2])
        for order_id in order_ids:
            key = {"Idempotency-Key": f"bench-{order_id}"}
            assert (await caller.ask("orders", "POST", f"/orders/{order_id}/retry", None, key)).status == 200
        async with asyncio.timeout(60):
            await asyncio.gather(*pages)
        used_s = sum(process.cpu_times()[:2]) - began
        rss_mb = process.memory_info().rss / 2**20
    shop.stop("front-end")
    shop.start("front-end")
    ordered = sorted(delays_s)
    p50, p99, most = ordered[PAGES // 2], ordered[PAGES * 99 // 100 - 1], ordered[-1]
    print(
        f"\n{PAGES} pages followed {PAGES} orders: told p50 {p50:.3f} s, p99 {p99:.3f} s, last {most:.3f} s after the "
        f"change; front-end {rss_mb:.0f} MB, {used_s:.2f} s of CPU"
    )
    assert p99 <= PROMISE_S_P99
