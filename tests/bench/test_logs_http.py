"""Logs over HTTP against the engine alone: taken in with gzip, parsed and committed; questions asked from outside."""

import asyncio
import gzip
import itertools
import json
import os
import platform
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from oddsock.kit import processes
from oddsock.kit.clock import SystemClock
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs import LogStore

pytestmark = pytest.mark.bench

LOGS = int(os.environ.get("ODDSOCK_BENCH_LOGS", "200000"))
BATCH = 1000
TURNS = 4
AT_ONCE = 4
ASKED = 60
READY_S_MAX = 60.0
RATIO_MIN = 0.5
QUERY_P50_MS_MAX = 10.0
RSS_MIB_MAX = 250
CLOCK = SystemClock()
KEYS = {"DD-API-KEY": "a", "DD-APPLICATION-KEY": "b", "Content-Type": "application/json"}
DAY = {"from": "2025-10-30T00:00:00Z", "to": "2025-10-31T00:00:00Z"}
QUERY_1 = 'kube_namespace:sock-shop service:sock-shop-orders "status updated to PAYMENT_FAILED"'
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "query 1, whole day": ("events/search", {"filter": {**DAY, "query": QUERY_1}, "page": {"limit": 100}}),
    "order id in every service": ("events/search", {"filter": {**DAY, "query": "690320cee2c84800016ceb4a"}}),
    "newest 100": ("events/search", {"filter": {**DAY, "query": "*"}, "page": {"limit": 100}}),
    "count by status and minute": (
        "analytics/aggregate",
        {
            "filter": {**DAY, "query": "*"},
            "compute": [{"aggregation": "count", "type": "timeseries", "interval": "1m"}],
            "group_by": [{"facet": "status"}],
        },
    ),
}


@dataclass
class Server:
    """A telemetry server in a process of its own."""

    url: str
    process: asyncio.subprocess.Process

    def rss_mib(self) -> float:
        """What it holds in memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1024**2


@asynccontextmanager
async def _serving(root: Path) -> AsyncIterator[Server]:
    ready, tell = os.pipe()
    settings = {"root": str(root / "data"), "api_key": "a", "app_key": "b", "ready_fd": tell}
    # The day of the data is long past.
    (root / "telemetry.json").write_text(json.dumps({**settings, "logs_past_h_max": 1e6, "retention_days": 36_500}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oddsock.telemetry.server", str(root / "telemetry.json")),
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=[tell],
        preexec_fn=processes.die_with_parent,
    )
    os.close(tell)
    try:
        async with asyncio.timeout(READY_S_MAX):
            url = await asyncio.to_thread(os.read, ready, 4096)
        yield Server(url.decode().strip(), process)
    finally:
        os.close(ready)
        process.kill()
        await process.wait()


def _entry(log: Log) -> dict[str, Any]:
    """*log* as a shipper writes it."""
    trace = {"dd.trace_id": log.trace_id} if log.trace_id else {}
    return {
        "message": log.message, "status": log.status, "service": log.service, "hostname": log.host,
        "ddsource": log.source, "ddtags": ",".join(log.tags), "timestamp": log.at_ms, **log.attributes, **trace,
    }  # fmt: skip


async def _rate(work: Callable[[int], Awaitable[None]], numbers: range) -> float:
    """Wall seconds that *work* takes for all *numbers*, AT_ONCE at a time."""
    todo = iter(numbers)

    async def worker() -> None:
        for number in todo:
            await work(number)

    began = CLOCK.monotonic()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return CLOCK.monotonic() - began


async def test_intake_over_http_keeps_up_with_the_engine_and_questions_are_quick(
    tmp_path: Path, shop_logs: Callable[[int], Iterator[Log]]
) -> None:
    source = shop_logs(LOGS)
    batches = [list(itertools.islice(source, BATCH)) for _ in range(LOGS // BATCH)]
    bodies = [gzip.compress(msgspec.json.encode([_entry(log) for log in batch]), 1) for batch in batches]
    turn = len(batches) // TURNS
    engine_s = http_s = 0.0
    posts_ms: list[float] = []
    store = LogStore.open(tmp_path / "engine", CLOCK)
    async with _serving(tmp_path) as server, aiohttp.ClientSession(headers=KEYS) as session:

        async def post(number: int) -> None:
            began = CLOCK.monotonic()
            async with session.post(
                f"{server.url}/api/v2/logs", data=bodies[number], headers={"Content-Encoding": "gzip"}
            ) as answered:
                assert answered.status == 202, await answered.text()
            posts_ms.append((CLOCK.monotonic() - began) * 1000)

        async def append(number: int) -> None:
            await store.append(batches[number])

        for begin in range(0, turn * TURNS, turn):
            engine_s += await _rate(append, range(begin, begin + turn))
            http_s += await _rate(post, range(begin, begin + turn))
        store.close()
        rss_mib = server.rss_mib()
        asked_ms = {name: await _ask(session, server.url, *question) for name, question in QUESTIONS.items()}
        rss_after_mib = server.rss_mib()
    logs, ratio = turn * TURNS * BATCH, engine_s / http_s
    rows = [
        (
            f"{logs} logs over HTTP : into the engine",
            f"{ratio:.2f}",
            f"{logs / http_s:,.0f}/s : {logs / engine_s:,.0f}/s",
        ),
        (f"a post of {BATCH} logs, {AT_ONCE} at once, p50, p99", "", "{:.0f} ms, {:.0f} ms".format(*_cuts(posts_ms))),
        *((f"{name}, p50, p99", "", "{:.1f} ms, {:.1f} ms".format(*_cuts(ms))) for name, ms in asked_ms.items()),
        ("memory (RSS) after intake, after questions", "", f"{rss_mib:.0f} MiB, {rss_after_mib:.0f} MiB"),
    ]
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("\n".join("| " + " | ".join(row) + " |" for row in rows))
    assert ratio >= RATIO_MIN
    assert {name: _cuts(ms)[0] for name, ms in asked_ms.items() if _cuts(ms)[0] > QUERY_P50_MS_MAX} == {}
    assert rss_after_mib <= RSS_MIB_MAX


async def _ask(session: aiohttp.ClientSession, url: str, path: str, body: dict[str, Any]) -> list[float]:
    """How long one question took, each of *ASKED* times, in milliseconds."""
    took = []
    for _ in range(ASKED):
        began = CLOCK.monotonic()
        async with session.post(f"{url}/api/v2/logs/{path}", json=body) as answered:
            answer = await answered.read()
        took.append((CLOCK.monotonic() - began) * 1000)
        assert answered.status == 200, answer
        found = json.loads(answer)["data"]
        assert found["buckets"] if isinstance(found, dict) else found, path
    return took


def _cuts(values: list[float]) -> tuple[float, float]:
    hundredths = statistics.quantiles(values, n=100)
    return hundredths[49], hundredths[98]
