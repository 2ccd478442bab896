"""What metric queries answer, against numbers computed by hand."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.metric_buckets import bucket_width
from oddsock.telemetry.query.metric_eval import SeriesAnswer, evaluate, notes
from oddsock.telemetry.records import Point
from oddsock.telemetry.store.metrics import MetricStore

BEGIN = 1_761_812_640
"""A whole minute."""

Values = list[float | None]
Ask = Callable[..., list[SeriesAnswer]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[MetricStore]:
    opened = MetricStore.open(tmp_path / "metrics.sqlite", ManualClock())
    yield opened
    opened.close()


@pytest.fixture
def ask(store: MetricStore) -> Ask:
    """Asks over five buckets of 20 s."""

    def begin(query: str, seconds: int = 99, interval_s: int | None = None) -> list[SeriesAnswer]:
        return evaluate(store, query, BEGIN, BEGIN + seconds, interval_s)

    return begin


def points(
    metric: str, values: dict[int, float], tags: str = "", kind: str = "gauge", interval_s: int = 0
) -> list[Point]:
    """Points of *metric* by seconds after the beginning."""
    return [
        Point(
            metric=metric,
            at_s=BEGIN + s,
            value=value,
            kind=kind,
            interval_s=interval_s,
            tags=tuple(filter(None, tags.split())),
        )
        for s, value in values.items()
    ]


def values_of(series: SeriesAnswer) -> Values:
    return [value for _, value in series.points]


async def one(store: MetricStore, ask: Ask, query: str, sent: list[Point]) -> Values:
    await store.write(sent)
    (series,) = ask(query)
    return values_of(series)


async def test_a_bucket_holds_the_average_of_its_points_and_none_without_any(store: MetricStore, ask: Ask) -> None:
    sent = points("m", {0: 1, 10: 3, 20: 5, 80: 7, 99: 9})
    assert await one(store, ask, "avg:m{*}", sent) == [2.0, 5.0, None, None, 8.0]
    (series,) = ask("avg:m{*}")
    assert [at_ms for at_ms, _ in series.points] == [1000 * (BEGIN + 20 * bucket) for bucket in range(5)]
    assert (series.interval_s, series.metric, series.scope, series.tags) == (20, "m", "*", ())


@pytest.mark.parametrize(
    ("function", "expected"), [("sum", 9.0), ("min", 1.0), ("max", 5.0), ("count", 3.0), ("avg", 3.0)]
)
async def test_rollup_chooses_how_a_bucket_is_made(
    store: MetricStore, ask: Ask, function: str, expected: float
) -> None:
    sent = points("m", {0: 1, 5: 3, 10: 5})
    assert await one(store, ask, f"avg:m{{*}}.rollup({function}, 60)", sent) == [expected, None]


@pytest.mark.parametrize(
    ("aggregator", "expected"), [("sum", 9.0), ("min", 1.0), ("max", 5.0), ("count", 3.0), ("avg", 3.0)]
)
async def test_the_aggregator_makes_one_of_many_series(
    store: MetricStore, ask: Ask, aggregator: str, expected: float
) -> None:
    sent = [*points("m", {0: 1}, "h:a"), *points("m", {5: 3}, "h:b"), *points("m", {10: 5}, "h:c")]
    assert await one(store, ask, f"{aggregator}:m{{*}}", sent) == [expected, None, None, None, None]


async def test_a_gap_is_bridged_only_where_another_series_has_a_value(store: MetricStore, ask: Ask) -> None:
    sent = [*points("m", {0: 10, 60: 40}, "h:a"), *points("m", {20: 1, 80: 1}, "h:b")]
    # a is 20 at second 20, between 10 and 40; b is 1 at 60; nobody has a value at 40; a ended before 80.
    assert await one(store, ask, "sum:m{*}", sent) == [10.0, 21.0, None, 41.0, 1.0]


async def test_a_gap_wider_than_five_minutes_is_not_bridged(store: MetricStore) -> None:
    await store.write([*points("m", {0: 10, 360: 10}, "h:a"), *points("m", dict.fromkeys(range(0, 361, 60), 1), "h:b")])
    (series,) = evaluate(store, "sum:m{*}", BEGIN, BEGIN + 360, 60)
    assert values_of(series) == [11.0, 1.0, 1.0, 1.0, 1.0, 1.0, 11.0]
    (filled,) = evaluate(store, "sum:m{*}.fill(linear, 600)", BEGIN, BEGIN + 360, 60)
    assert values_of(filled) == [11.0] * 7


async def test_counts_add_up_and_are_never_bridged(store: MetricStore, ask: Ask) -> None:
    sent = [
        *points("c", {0: 2, 10: 2, 60: 5}, "h:a", "count", 10),
        *points("c", {20: 1}, "h:b", "count", 10),
    ]
    assert await one(store, ask, "sum:c{*}.as_count()", sent) == [4.0, 1.0, None, 5.0, None]
    (rate,) = ask("sum:c{*}.as_rate()")
    assert values_of(rate) == [0.2, 0.05, None, 0.25, None]


async def test_a_rate_asked_as_count_is_multiplied_by_its_interval(store: MetricStore, ask: Ask) -> None:
    sent = points("r", {0: 0.5, 10: 1.5, 20: 2}, kind="rate", interval_s=10)
    assert await one(store, ask, "sum:r{*}.as_count()", sent) == [20.0, 20.0, None, None, None]
    (rate,) = ask("sum:r{*}.as_rate()")
    assert values_of(rate) == [1.0, 2.0, None, None, None]


async def test_a_gauge_takes_no_notice_of_as_count(store: MetricStore, ask: Ask) -> None:
    assert (await one(store, ask, "sum:m{*}.as_count()", points("m", {0: 1, 10: 3})))[0] == 2.0


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("null", [1.0, None, None, 4.0, None]),
        ("zero", [1.0, 0.0, 0.0, 4.0, 0.0]),
        ("last", [1.0, 1.0, 1.0, 4.0, 4.0]),
        ("last, 20", [1.0, 1.0, None, 4.0, 4.0]),
        ("linear", [1.0, 2.0, 3.0, 4.0, None]),
        ("linear, 20", [1.0, None, None, 4.0, None]),
    ],
)
async def test_fill_says_what_stands_in_a_gap(store: MetricStore, ask: Ask, fill: str, expected: Values) -> None:
    assert await one(store, ask, f"avg:m{{*}}.fill({fill})", points("m", {0: 1, 60: 4})) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("default_zero(avg:m{*})", [-2.0, 4.0, 0.0, 8.0, 3.0]),
        ("abs(avg:m{*})", [2.0, 4.0, None, 8.0, 3.0]),
        ("diff(avg:m{*})", [None, 6.0, None, 4.0, -5.0]),
        ("monotonic_diff(avg:m{*})", [None, 6.0, None, 4.0, None]),
        ("derivative(avg:m{*})", [None, 0.3, None, 0.1, -0.25]),
        ("per_second(avg:m{*})", [None, 0.3, None, 0.1, -0.25]),
        ("per_minute(avg:m{*})", [None, 18.0, None, 6.0, -15.0]),
        ("cumsum(avg:m{*})", [-2.0, 2.0, 2.0, 10.0, 13.0]),
        ("moving_rollup(avg:m{*}, 40)", [-2.0, 1.0, 4.0, 8.0, 5.5]),
        ("moving_rollup(avg:m{*}, 60, 'max')", [-2.0, 4.0, 4.0, 8.0, 8.0]),
        ("100 * avg:m{*} / (avg:m{*} + 1)", [200.0, 80.0, None, 800 / 9, 75.0]),
        ("1 / (avg:m{*} + 2)", [None, 1 / 6, None, 0.1, 0.2]),
        ("-avg:m{*}", [2.0, -4.0, None, -8.0, -3.0]),
        ("10 - avg:m{*} - 1", [11.0, 5.0, None, 1.0, 6.0]),
        ("avg:m{*} + avg:nothing{*}.as_count()", None),
    ],
)
async def test_functions_and_arithmetic_work_on_buckets(
    store: MetricStore, ask: Ask, query: str, expected: Values | None
) -> None:
    await store.write(points("m", {0: -2, 20: 4, 60: 8, 80: 3}))
    found = ask(query)
    if expected is None:
        assert found == []
        return
    assert [value if value is None else round(value, 9) for value in values_of(found[0])] == [
        value if value is None else round(value, 9) for value in expected
    ]


async def test_a_count_that_is_missing_is_zero_in_arithmetic(store: MetricStore, ask: Ask) -> None:
    await store.write(points("ok", {0: 3, 20: 4}, kind="count") + points("bad", {0: 1}, kind="count"))
    (share,) = ask("100 * sum:bad{*}.as_count() / (sum:ok{*}.as_count() + sum:bad{*}.as_count())")
    assert values_of(share) == [25.0, 0.0, None, None, None]


async def test_groups_are_answered_apart_and_meet_by_their_tags(store: MetricStore, ask: Ask) -> None:
    await store.write(
        [
            *points("used", {0: 1}, "pod:a ns:x"),
            *points("used", {0: 3}, "pod:b ns:x"),
            *points("limit", {0: 10}, "pod:a"),
            *points("limit", {0: 4}, "pod:b"),
            *points("limit", {0: 4}, "pod:c"),
        ]
    )
    shares = ask("avg:used{*} by {pod} / avg:limit{*} by {pod}")
    assert [(series.tags, values_of(series)[0]) for series in shares] == [(("pod:a",), 0.1), (("pod:b",), 0.75)]
    parts = ask("avg:used{*} by {pod} / sum:used{*}")
    assert [(series.tags, values_of(series)[0]) for series in parts] == [(("pod:a",), 0.25), (("pod:b",), 0.75)]
    both = ask("sum:used{ns:x} by {ns,pod}")
    assert [series.tags for series in both] == [("ns:x", "pod:a"), ("ns:x", "pod:b")]
    assert both[0].scope == "ns:x,pod:a"
    assert ask("avg:limit{*} by {ns}")[0].tags == ("ns:N/A",)
    best = ask("top(avg:limit{*} by {pod}, 1, 'max', 'desc')")
    assert [series.tags for series in best] == [("pod:a",)]


async def test_an_earlier_hour_is_shown_in_the_buckets_of_now(store: MetricStore, ask: Ask) -> None:
    await store.write(points("m", {0: 5, -3600: 2, -120: 4}))
    (before,) = ask("hour_before(avg:m{*})")
    assert values_of(before) == [2.0, None, None, None, None]
    (shifted,) = ask("avg:m{*} - timeshift(avg:m{*}, -120)")
    assert values_of(shifted)[0] == 1.0
    assert shifted.points[0][0] == BEGIN * 1000


async def test_nothing_is_zero_only_when_asked_without_groups(store: MetricStore, ask: Ask) -> None:
    assert ask("avg:m{*}") == []
    assert [values_of(series) for series in ask("default_zero(avg:m{*})")] == [[0.0] * 5]
    assert ask("default_zero(avg:m{*} by {host})") == []


async def test_several_queries_are_told_apart_by_their_index(store: MetricStore, ask: Ask) -> None:
    await store.write(points("a", {0: 1}) + points("b", {0: 2}))
    assert [(series.metric, series.query_index) for series in ask("avg:a{*}, avg:b{*}")] == [("a", 0), ("b", 1)]


async def test_two_different_rollups_do_not_combine(store: MetricStore, ask: Ask) -> None:
    with pytest.raises(QueryError, match="60 s and 30 s do not combine") as refusal:
        ask("avg:a{*}.rollup(60) + avg:b{*}.rollup(30)")
    assert refusal.value.column == 23
    with pytest.raises(QueryError, match="too many"):
        evaluate(store, "avg:a{*}.rollup(1)", BEGIN - 86_400, BEGIN)


async def test_a_name_that_no_agent_sends_is_taken_for_another_and_said_so(store: MetricStore, ask: Ask) -> None:
    query = "avg:kubernetes.cpu.usage{*}"
    assert await one(store, ask, query, points("kubernetes.cpu.usage.total", {0: 7})) == [7.0, None, None, None, None]
    assert notes(store, query) == [
        "No metric is named kubernetes.cpu.usage; kubernetes.cpu.usage.total answers in its place."
    ]
    await store.write(points("kubernetes.cpu.usage", {0: 1}))
    assert values_of(ask(query)[0])[0] == 1.0
    assert notes(store, query) == []


@pytest.mark.parametrize(
    ("span_s", "smallest_s", "expected"),
    [
        (60, 20, 20), (3_600, 20, 20), (3_601, 20, 60), (4 * 3_600, 20, 60), (86_400, 20, 300),
        (15 * 86_400, 20, 7_200),
        (60, 1, 1), (180, 1, 1), (181, 1, 2), (900, 1, 5), (3_600, 1, 20), (60, 3, 3), (1_000 * 86_400, 20, 86_400),
    ],
)  # fmt: skip
def test_buckets_are_as_wide_as_suits_the_range(span_s: int, smallest_s: int, expected: int) -> None:
    assert bucket_width(BEGIN, BEGIN + span_s, smallest_s) == expected


async def test_a_fast_clock_makes_small_buckets(tmp_path: Path) -> None:
    for speed, smallest_s in {1.0: 20, 4.0: 5, 30.0: 1}.items():
        store = MetricStore.open(tmp_path / f"{speed}.sqlite", ManualClock(speed=speed))
        assert store.bucket_s_min == smallest_s
        store.close()
