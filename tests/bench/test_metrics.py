"""What 10,000 active series cost the store of metrics: a flush every 15 s, and the widest query over an hour."""

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from oddsock.kit.clock import SystemClock
from oddsock.telemetry.query.metric_eval import evaluate
from oddsock.telemetry.records import Point
from oddsock.telemetry.store.metrics import MetricStore

pytestmark = pytest.mark.bench

SERIES, METRICS, DEPLOYMENTS = 10_000, 10, 20
FLUSH_S, FLUSHES = 15, 240
NEEDED = SERIES / FLUSH_S
TURNS = 9
WIDEST_S_MAX = 0.2
CLOCK = SystemClock()

QUERIES = {
    "one pod": "avg:bench.m1{pod_name:d1-1}",
    "one deployment by pod": "avg:bench.m1{kube_deployment:d1} by {pod_name}",
    "a whole namespace by deployment": "avg:bench.m1{kube_namespace:sock-shop} by {kube_deployment}",
}
WIDEST = "a whole namespace by deployment"
# The same answer from plain rows: the average of a bucket, then the average of the pods of a deployment.
ROWS_WIDEST = """
SELECT d, bucket, avg(v) FROM (
  SELECT s % 20 AS d, s, t / ? * ? AS bucket, avg(v) AS v FROM points
  WHERE s IN (SELECT value FROM json_each(?)) AND t BETWEEN ? AND ? GROUP BY s, bucket
) GROUP BY d, bucket
"""
Key = tuple[str, str, tuple[str, ...]]


def key(pod: int, metric: int) -> Key:
    """A series as an Agent names it."""
    deployment = f"d{pod % DEPLOYMENTS}"
    tags = (
        "kube_cluster_name:bench",
        f"kube_deployment:{deployment}",
        "kube_namespace:sock-shop",
        f"pod_name:{deployment}-{pod}",
    )
    return f"bench.m{metric}", f"node-{pod % 3}", tags


def value(series: int, flush: int) -> float:
    """A number that is no round one and changes."""
    return (series * 7919 + flush * 31) % 1000 / 7


def open_rows(path: Path) -> sqlite3.Connection:
    """The simplest store: one row a point, as durable as ours."""
    rows = sqlite3.connect(path, isolation_level=None)
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("PRAGMA synchronous=FULL")
    rows.execute("CREATE TABLE points (s INTEGER, t INTEGER, v REAL, PRIMARY KEY (s, t)) WITHOUT ROWID")
    return rows


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of this thread's processor."""
    began, worked = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - began, time.thread_time() - worked


async def test_10_000_series_are_kept_and_asked_in_time(tmp_path: Path) -> None:
    store = MetricStore.open(tmp_path / "metrics.sqlite", CLOCK)
    begin_s = int(CLOCK.now().timestamp()) - FLUSHES * FLUSH_S
    keys = [key(pod, metric) for pod in range(SERIES // METRICS) for metric in range(METRICS)]
    ours, plain = [], []
    with closing(open_rows(tmp_path / "rows.sqlite")) as rows:
        for flush in range(FLUSHES):
            at_s = begin_s + flush * FLUSH_S
            points = [
                Point(metric=metric, host=host, tags=tags, at_s=at_s, value=value(series, flush))
                for series, (metric, host, tags) in enumerate(keys)
            ]
            began = time.perf_counter()
            await store.write(points)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            rows.execute("BEGIN")
            rows.executemany(
                "INSERT INTO points VALUES (?, ?, ?)", [(n, at_s, point.value) for n, point in enumerate(points)]
            )
            rows.execute("COMMIT")
            plain.append(time.perf_counter() - began)
        assert len(store.series()) == SERIES
        print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}", end="")
        print(f"; {SERIES} series, {FLUSHES} flushes of one point each, every flush on disk before the next")
        reached = SERIES * FLUSHES / sum(ours)
        tell("points a second : what 15 s flushes need", reached, NEEDED, "/s")
        tell("points a second : plain rows", reached, SERIES * FLUSHES / sum(plain), "/s")
        p99 = percentile(ours, 99)
        tell("flush p99 : the 15 s until the next", p99, FLUSH_S, " s")
        tell("flush p99 : plain rows", p99, percentile(plain, 99), " s")
        worked = ask(store, rows, begin_s)
    store.close()
    sizes = [sum(path.stat().st_size for path in tmp_path.glob(f"{name}.sqlite*")) for name in ("metrics", "rows")]
    tell("disk : plain rows", sizes[0] / 1e6, sizes[1] / 1e6, " MB")
    assert reached >= NEEDED and p99 < FLUSH_S
    # By the clock it is a measure of the machine's other work too.
    assert worked <= WIDEST_S_MAX


def ask(store: MetricStore, rows: sqlite3.Connection, begin_s: int) -> float:
    """Print what the queries take over the whole hour; the processor's seconds of the widest."""
    end_s = begin_s + FLUSHES * FLUSH_S
    took: dict[str, list[tuple[float, float]]] = {what: [] for what in QUERIES}
    by_rows: list[tuple[float, float]] = []
    (first, *_) = evaluate(store, QUERIES[WIDEST], begin_s, end_s)
    step_s, wide = first.interval_s, str(list(range(1, SERIES, METRICS)))
    asked = (step_s, step_s, wide, begin_s, end_s)
    for _ in range(TURNS):
        for what, query in QUERIES.items():
            took[what].append(timed(partial(evaluate, store, query, begin_s, end_s)))
        by_rows.append(timed(lambda: rows.execute(ROWS_WIDEST, asked).fetchall()))
    for what, pairs in took.items():
        clocked, worked = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
        tell(f"{what} : the 0.2 s of the widest query", clocked, WIDEST_S_MAX, " s")
        tell(f"{what}, processor time : 0.2 s", worked, WIDEST_S_MAX, " s")
    widest, plain = (statistics.median(pair[0] for pair in pairs) for pairs in (took[WIDEST], by_rows))
    tell(f"{WIDEST} : plain rows in SQL", widest, plain, " s")
    return statistics.median(pair[1] for pair in took[WIDEST])


def tell(what: str, one: float, other: float, unit: str) -> None:
    """Print one figure beside another."""
    print(f"{what} = {one / other:.3g}  ({one:.4g}{unit} : {other:.4g}{unit})")


def percentile(row: list[float], rank: int) -> float:
    """The value of *row* that *rank* of 100 do not pass."""
    return statistics.quantiles(row, n=100, method="inclusive")[rank - 1]
