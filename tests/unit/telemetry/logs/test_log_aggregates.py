"""Aggregations: every function, groups and their order, series, the roll-up against the logs themselves."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import UsageError
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store import logs_aggregate
from oddsock.telemetry.store.aggregates import AGGREGATIONS, Compute, Group, Histogram, Sort
from oddsock.telemetry.store.logs import LogStore

AT_MS = 1_761_812_686_328
LOGS = [
    Log(
        at_ms=AT_MS + n * 1700,
        message=f"order {n}",
        status="error" if n % 5 == 0 else "info",
        service=("orders", "payment", "")[n % 3],
        tags=(f"pod:{n % 4}", "kube_namespace:sock-shop"),
        attributes={"took": n / 2, "order": {"status": ("PAID", "PAYMENT_FAILED")[n % 7 == 0]}, "items": [n % 2, "x"]}
        | ({"rare": n} if n % 10 == 0 else {}),
    )
    for n in range(200)
]
END_MS = AT_MS + 10**7


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LogStore]:
    """A store with the logs above, on two UTC days more than one file."""
    opened = LogStore.open(tmp_path, ManualClock())
    await opened.append(LOGS)
    yield opened
    opened.close()


async def test_every_function_computes_what_it_is_called(store: LogStore) -> None:
    computes = [Compute(aggregation, "@took") for aggregation in AGGREGATIONS]
    (bucket,) = await store.aggregate(parse_search("service:orders"), 0, END_MS, computes, [])
    values = sorted(n / 2 for n in range(200) if n % 3 == 0)
    rank = 0.95 * (len(values) - 1)
    pc95 = values[int(rank)] + (values[int(rank) + 1] - values[int(rank)]) * (rank - int(rank))
    got = dict(zip(AGGREGATIONS, bucket.computes, strict=True))
    assert (got["count"], got["cardinality"], got["sum"]) == (len(values), len(values), sum(values))
    assert (got["min"], got["max"]) == (values[0], values[-1])
    assert got["avg"] == pytest.approx(sum(values) / len(values))
    assert got["median"] == pytest.approx(median(values))
    assert got["pc95"] == pytest.approx(pc95)


async def test_groups_come_in_the_order_and_number_asked_for(store: LogStore) -> None:
    groups = [Group("@order.status", limit=1), Group("pod", limit=2, sort=Sort(Compute("max", "@took")))]
    buckets = await store.aggregate(parse_search(""), 0, END_MS, [Compute()], groups)
    assert [bucket.by for bucket in buckets] == [
        {"@order.status": "PAID", "pod": "3"},
        {"@order.status": "PAID", "pod": "2"},
    ]
    by_name = Group("service", sort=Sort(None, descending=False), missing="none")
    named = await store.aggregate(parse_search(""), 0, END_MS, [Compute()], [by_name])
    assert [(bucket.by["service"], bucket.computes[0]) for bucket in named] == [
        ("none", 66),
        ("orders", 67),
        ("payment", 67),
    ]


async def test_lists_count_for_each_member_and_missing_ones_for_none(store: LogStore) -> None:
    search = parse_search("")
    items = await store.aggregate(search, 0, END_MS, [Compute()], [Group("@items")])
    assert {bucket.by["@items"]: bucket.computes[0] for bucket in items} == {"x": 200, 0: 100, 1: 100}
    rare = await store.aggregate(search, 0, END_MS, [Compute("cardinality", "@rare")], [])
    assert rare[0].computes == (20,)


async def test_a_histogram_groups_by_steps(store: LogStore) -> None:
    group = Group("@took", histogram=Histogram(interval=25, low=0, high=75), sort=Sort(None, descending=False))
    buckets = await store.aggregate(parse_search(""), 0, END_MS, [Compute()], [group])
    assert [(bucket.by["@took"], bucket.computes[0]) for bucket in buckets] == [(0, 50), (25, 50), (50, 50)]


@pytest.mark.parametrize("interval_ms", [1000, 60_000, 90_000, 120_000])
@pytest.mark.parametrize("query", ["", "pod:1 status:error", "order @took:<80"])
@pytest.mark.parametrize("edge_ms", [0, 12_345])
async def test_the_roll_up_counts_what_the_logs_say(
    store: LogStore, query: str, interval_ms: int, edge_ms: int
) -> None:
    search, from_ms, to_ms = parse_search(query), AT_MS + edge_ms, AT_MS + 300_000 - edge_ms
    buckets = await store.aggregate(
        search, from_ms, to_ms, [Compute(interval_ms=interval_ms), Compute()], [Group("status")]
    )
    found = await store.search(search, from_ms, to_ms, 1000)
    expected = Counter((log.status, log.at_ms // interval_ms * interval_ms) for log in found)
    series = {
        (bucket.by["status"], at): n
        for bucket in buckets
        if isinstance(bucket.computes[0], list)
        for at, n in bucket.computes[0]
    }
    assert series == dict(expected)
    assert sum(bucket.computes[1] for bucket in buckets if isinstance(bucket.computes[1], int)) == len(found)


async def test_nothing_found_is_one_bucket_of_zero_or_none_of_a_group(store: LogStore) -> None:
    search = parse_search("nosuchword")
    (bucket,) = await store.aggregate(search, 0, END_MS, [Compute(), Compute("avg", "@took")], [])
    assert bucket.computes == (0, None)
    assert await store.aggregate(search, 0, END_MS, [Compute()], [Group("status")]) == []


async def test_too_many_groups_are_refused(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_aggregate, "TALLIES_MAX", 50)
    with pytest.raises(UsageError, match="Narrow"):
        await store.aggregate(parse_search(""), 0, END_MS, [Compute()], [Group("@took", limit=5)])


async def test_values_of_a_facet_are_offered_most_frequent_first(store: LogStore) -> None:
    assert await store.facet_values("status", 0, END_MS) == [("info", 160), ("error", 40)]
    assert await store.facet_values("@order.status", 0, END_MS, beginning="PAY") == [("PAYMENT_FAILED", 29)]
    assert await store.facet_values("pod", 0, END_MS, limit=2) == [("0", 50), ("1", 50)]
