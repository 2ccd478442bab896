"""The engine of logs beside DuckDB and ripgrep: one run, the same logs, the same questions.

ODDSOCK_BENCH_LOGS says how many logs (1,000,000 when it does not). The engine runs in a process of its own, so that its
memory is its own; each question is asked RUNS times and the median is told.
"""

import asyncio
import importlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil
import pytest

from oddsock.kit.clock import SystemClock
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.aggregates import Compute, Group
from oddsock.telemetry.store.logs import LogStore

pytestmark = pytest.mark.bench

COUNT = int(os.environ.get("ODDSOCK_BENCH_LOGS", "1000000"))
BATCH = 1000
RUNS = 9
RSS_MIB_MAX = 250
CLOCK = SystemClock()
DAY = (1_761_782_400_000, 1_761_868_800_000)
HOUR = (DAY[0] + 8 * 3_600_000, DAY[0] + 9 * 3_600_000)
NEEDLE = "690320cee2c84800016ceb4a"
NAMESPACE = "kube_namespace:sock-shop"
QUERY_1 = f'{NAMESPACE} service:sock-shop-orders "status updated to PAYMENT_FAILED"'
ORDERS = f'{NAMESPACE} service:sock-shop-front-end "order"'

SEARCHES: dict[str, tuple[str, tuple[int, int], int]] = {
    "query 1": (QUERY_1, DAY, 1000),
    "one order's lines": (f'{NAMESPACE} "{NEEDLE}"', DAY, 1000),
    "newest 100": ("", DAY, 100),
    "newest 50 of pod_name:payment*": ("pod_name:payment*", DAY, 50),
    "payment's silence": (f"{NAMESPACE} service:sock-shop-payment", (DAY[0] + 30_240_000, DAY[0] + 31_440_000), 1000),
    "newest 50 without health": ('-"method=Health"', DAY, 50),
    "*exception* in an hour": ("*exception*", HOUR, 1000),
    "@http.status_code:[500 TO 599]": ("@http.status_code:[500 TO 599]", DAY, 1000),
}
COUNTS: dict[str, tuple[str, list[Compute], list[Group]]] = {
    "count by status per minute": ("", [Compute(interval_ms=60_000)], [Group("status")]),
    "count of query 6": (ORDERS, [Compute()], []),
    "pc95 of @duration by service": ("@duration:*", [Compute("pc95", "@duration")], [Group("service")]),
}
AIMS_MS = {"query 1": 5, "one order's lines": 1, "newest 100": 1, "count by status per minute": 15}

SQL = {
    "query 1": f"SELECT * FROM logs WHERE service = 'sock-shop-orders' AND list_contains(tags, '{NAMESPACE}')"
    " AND contains(lower(message), 'status updated to payment_failed') ORDER BY at_ms DESC",
    "one order's lines": f"SELECT * FROM logs WHERE list_contains(tags, '{NAMESPACE}')"
    f" AND contains(lower(message), '{NEEDLE}') ORDER BY at_ms DESC",
    "newest 100": "SELECT * FROM logs ORDER BY at_ms DESC LIMIT 100",
    "count by status per minute": "SELECT at_ms // 60000, status, count(*) FROM logs GROUP BY ALL",
    "count of query 6": "SELECT count(*) FROM logs WHERE service = 'sock-shop-front-end'"
    " AND regexp_matches(lower(message), '\\border\\b')",
}
GREP = {"query 1": "status updated to PAYMENT_FAILED", "one order's lines": NEEDLE}


async def measure(folder: Path, logs: Iterator[Log]) -> dict[str, Any]:
    """Fill a store with *logs* and ask it everything: rates, milliseconds, memory; runs in its own process."""
    store = LogStore.open(folder, CLOCK)
    batches: list[float] = []
    stored = 0
    batch: list[Log] = []
    for log in logs:
        batch.append(log)
        if len(batch) == BATCH:
            began = CLOCK.monotonic()
            stored += len(await store.append(batch))
            batches.append(CLOCK.monotonic() - began)
            batch = []
    took: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for name, (query, (low, high), limit) in SEARCHES.items():
        times = []
        for _ in range(RUNS):
            began = CLOCK.monotonic()
            sizes[name] = len(await store.search(parse_search(query), low, high, limit))
            times.append((CLOCK.monotonic() - began) * 1000)
        took[name] = median(times)
    for name, (query, computes, groups) in COUNTS.items():
        times = []
        for _ in range(RUNS):
            began = CLOCK.monotonic()
            sizes[name] = len(await store.aggregate(parse_search(query), *DAY, computes, groups))
            times.append((CLOCK.monotonic() - began) * 1000)
        took[name] = median(times)
    rss_mib = psutil.Process().memory_info().rss / 2**20
    store.close()
    disk = sum(path.stat().st_size for path in folder.iterdir())
    batches.sort()
    return {
        "logs": stored,
        "per_s": stored / sum(batches),
        "batch_ms": [1000 * batches[len(batches) // 2], 1000 * batches[len(batches) * 99 // 100]],
        "took": took,
        "sizes": sizes,
        "rss_mib": rss_mib,
        "disk_mib": disk / 2**20,
    }


def _read(path: Path) -> Iterator[Log]:
    decode = msgspec.json.Decoder(Log).decode
    with path.open("rb") as lines:
        for line in lines:
            yield decode(line)


def _duckdb(path: Path, folder: Path) -> dict[str, float]:
    """Milliseconds of the same questions in DuckDB, nothing where it is not installed (dependency group `bench`)."""
    if importlib.util.find_spec("duckdb") is None:
        return {}
    connection = importlib.import_module("duckdb").connect(str(folder / "logs.duckdb"))
    connection.execute("SET threads TO 2")
    began = CLOCK.monotonic()
    connection.execute(f"CREATE TABLE logs AS SELECT * FROM read_json('{path}', format = 'newline_delimited')")
    took = {"filling": (CLOCK.monotonic() - began) * 1000}
    for name, sql in SQL.items():
        took[name] = _timed(lambda text: connection.execute(text).fetchall(), sql)
    connection.close()
    return took


def _grep(path: Path, program: str) -> dict[str, float]:
    """Milliseconds of the questions that a search of the file can answer."""
    words = [program, "-c", "-i", "-F"]
    return {
        name: _timed(lambda sought: subprocess.run([*words, sought, path], stdout=subprocess.DEVNULL, check=True), text)
        for name, text in GREP.items()
    }


def _timed(ask: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(RUNS):
        began = CLOCK.monotonic()
        ask(text)
        times.append((CLOCK.monotonic() - began) * 1000)
    return median(times)


def test_a_million_logs_are_searched_in_milliseconds(tmp_path: Path, shop_logs: Callable[[int], Iterator[Log]]) -> None:
    lines = tmp_path / "logs.jsonl"
    with lines.open("wb") as out:
        encode = msgspec.json.Encoder().encode
        for log in shop_logs(COUNT):
            out.write(encode(log) + b"\n")
    (tmp_path / "store").mkdir()
    ran = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "store"), str(lines)], stdout=subprocess.PIPE, check=True
    )
    told = json.loads(ran.stdout)
    program = shutil.which("rg") or "grep"
    beside = {"DuckDB": _duckdb(lines, tmp_path), Path(program).name: _grep(lines, program)}
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")
    print(f"{told['logs']} logs, {told['per_s']:.0f} a second stored in batches of {BATCH}, ", end="")
    print(f"p50 {told['batch_ms'][0]:.0f} ms and p99 {told['batch_ms'][1]:.0f} ms a batch; ", end="")
    print(f"{told['rss_mib']:.0f} MiB of memory, {told['disk_mib']:.0f} MiB of disk", end="")
    print(f" for {lines.stat().st_size >> 20} MiB of JSON")
    for name, took_ms in told["took"].items():
        others = "".join(
            f", {other} {times[name]:.1f} ms ({times[name] / took_ms:.1f} x)"
            for other, times in beside.items()
            if name in times
        )
        print(f"{name:32} {took_ms:8.2f} ms, {told['sizes'][name]} rows{others}")
    if filling_ms := beside["DuckDB"].get("filling"):
        print(f"DuckDB is filled in {filling_ms / 1000:.1f} s by one statement from the file of JSON lines")
    assert told["sizes"]["one order's lines"] == 5
    assert told["rss_mib"] <= RSS_MIB_MAX
    missed = {name: told["took"][name] for name, aim in AIMS_MS.items() if told["took"][name] > aim}
    assert missed == {}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), _read(Path(sys.argv[2]))))))
