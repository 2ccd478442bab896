"""The store of metrics: durable, ordered, limited, read while it is written."""

import asyncio
import sqlite3
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oddsock.kit.clock import ManualClock
from oddsock.telemetry.records import Point
from oddsock.telemetry.store import metrics as module
from oddsock.telemetry.store.metrics import Limits, MetricStore
from oddsock.telemetry.store.metrics_chunks import merge, pack_chunk, unpack_chunk
from oddsock.telemetry.store.metrics_index import SeriesLimit

DAY_S = 86_400


def open_store(folder: Path, clock: ManualClock | None = None, **limits: int) -> MetricStore:
    return MetricStore.open(folder / "metrics.sqlite", clock or ManualClock(), Limits(**limits))


def now_s(clock: ManualClock) -> int:
    return int(clock.now().timestamp())


def held(store: MetricStore, metric: str) -> dict[int, float]:
    """Every point of the one series of *metric*."""
    (series,) = store.series(metric)
    ((at, values),) = store.points([series], 0, 1 << 40)
    assert list(at) == sorted(at)
    return dict(zip(at, values, strict=True))


async def test_a_point_of_an_instant_takes_the_place_of_the_one_before_whatever_its_kind(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for value in (1.0, 2.0):
        await store.write(
            [Point(metric="g", at_s=10, value=value), Point(metric="c", at_s=10, value=value, kind="count")]
        )
    assert held(store, "g") == held(store, "c") == {10: 2.0}
    store.close()


async def test_late_points_find_their_place_before_and_after_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POINTS_PACKED", 4)
    store = open_store(tmp_path)
    expected: dict[int, float] = {}
    for at_s in (50, 10, 30, 40, 20, 60, 10, 5, 55, 30, 70):
        expected[at_s] = float(len(expected) + at_s)
        await store.write([Point(metric="m", at_s=at_s, value=expected[at_s])])
        assert held(store, "m") == expected
    store.close()
    again = open_store(tmp_path)
    assert held(again, "m") == expected
    (series,) = again.series("m")
    assert (series.first_s, series.last_s) == (5, 70)
    ((at, _),) = again.points([series], 20, 50)
    assert list(at) == [20, 30, 40, 50]
    again.close()
    with sqlite3.connect(tmp_path / "metrics.sqlite") as book:
        assert book.execute("SELECT count(*) FROM chunks").fetchone()[0] >= 2
        assert book.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    book.close()


async def test_what_was_written_is_there_again_with_kind_tags_and_metadata(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    tags = ("b:2", "a:1", "b:2")
    await store.write([Point(metric="m", at_s=1, value=1.5, kind="count", interval_s=10, host="h", tags=tags)])
    await store.write([Point(metric="m", at_s=2, value=2.5, kind="rate", interval_s=15, host="h", tags=("a:1", "b:2"))])
    await store.put_metadata("m", {"unit": "byte"})
    store.close()
    again = open_store(tmp_path)
    (series,) = again.series("m")
    assert (series.kind, series.interval_s, series.host, series.tags) == ("rate", 15, "h", ("a:1", "b:2"))
    assert series.all_tags == ("a:1", "b:2", "host:h")
    assert held(again, "m") == {1: 1.5, 2: 2.5}
    assert (again.metadata("m"), again.metadata("x")) == ({"unit": "byte"}, {})
    assert (again.names(), again.names(3)) == (["m"], [])
    again.close()


async def test_past_the_limit_new_series_are_refused_until_others_fall_silent(tmp_path: Path) -> None:
    clock = ManualClock()
    store = open_store(tmp_path, clock, series_max=2)

    def points(*names: str) -> list[Point]:
        return [Point(metric=name, at_s=now_s(clock), value=1.0) for name in names]

    await store.write(points("a", "b"))
    with pytest.raises(
        SeriesLimit, match=r"SeriesLimit: 2 metric series are active, 2 new ones were refused"
    ) as refusal:
        await store.write(points("a", "c", "d"))
    assert (refusal.value.refused, refusal.value.stored) == (2, 1)
    assert store.names() == ["a", "b"]
    clock.advance(3_000)
    await store.write(points("a"))
    clock.advance(1_000)
    await store.write(points("c"))
    assert store.names() == ["a", "b", "c"]
    with pytest.raises(SeriesLimit):
        await store.write(points("d"))
    store.close()


async def test_what_is_past_retention_goes_and_its_series_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POINTS_PACKED", 1)
    clock = ManualClock()
    store = open_store(tmp_path, clock, retention_s=DAY_S)
    for name in ("old", "both"):
        await store.write([Point(metric=name, at_s=now_s(clock), value=1.0)])
    clock.advance(DAY_S - 100)
    await store.write([Point(metric="both", at_s=now_s(clock), value=2.0)])
    clock.advance(200)
    kept_s = now_s(clock)
    for name in ("both", "new"):
        await store.write([Point(metric=name, at_s=kept_s, value=3.0)])
    assert store.names() == ["both", "new"]
    assert list(held(store, "both").values()) == [2.0, 3.0]
    store.close()
    again = open_store(tmp_path, clock, retention_s=DAY_S)
    assert again.names() == ["both", "new"]
    again.close()


async def test_readers_see_whole_writes_only_while_points_are_written_and_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POINTS_PACKED", 3)
    store = open_store(tmp_path)
    done, torn = asyncio.Event(), []

    def read() -> int:
        series = store.series("m")
        read = store.points(series, 0, 1 << 40)
        counts = [len(at) for at, _ in read]
        if any(list(at) != list(range(len(at))) for at, _ in read):
            torn.append(counts)
        return min(counts, default=0)

    async def follow() -> int:
        seen = 0
        while not done.is_set():
            now = await asyncio.to_thread(read)
            assert now >= seen, "a point that was there is gone"
            seen = now
        return seen

    readers = [asyncio.create_task(follow()) for _ in range(2)]
    for at_s in range(60):
        await store.write([Point(metric="m", at_s=at_s, value=1.0, tags=(f"n:{n}",)) for n in range(5)])
    done.set()
    await asyncio.gather(*readers)
    assert torn == []
    assert read() == 60
    store.close()


async def test_a_question_for_too_many_points_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POINTS_PACKED", 1)
    monkeypatch.setattr(module, "CHUNKS_MAX", 3)
    store = open_store(tmp_path)
    for at_s in range(4):
        await store.write([Point(metric="m", at_s=at_s, value=1.0)])
    with pytest.raises(module.TooMuch, match="shorter range"):
        store.points(store.series("m"), 0, 10)
    assert [len(at) for at, _ in store.points(store.series("m"), 1, 3)] == [3]
    store.close()


async def test_another_process_may_read_the_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.write([Point(metric="m", at_s=1, value=1.0)])
    reader = sqlite3.connect(f"file:{tmp_path / 'metrics.sqlite'}?mode=ro", uri=True)
    assert reader.execute("SELECT metric FROM series").fetchall() == [("m",)]
    reader.close()
    store.close()


async def test_too_many_waiting_writes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITES_WAITING_MAX", 2)
    store = open_store(tmp_path)
    writes = [store.write([Point(metric="m", at_s=n, value=1.0)]) for n in range(3)]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), module.Busy]
    store.close()


POINTS = some.dictionaries(
    some.integers(-(1 << 40), 1 << 40), some.floats(allow_nan=False), min_size=1, max_size=30
).map(lambda held: dict(sorted(held.items())))


@given(POINTS)
def test_a_chunk_unpacks_to_what_was_packed(points: dict[int, float]) -> None:
    packed = (array("q", points), array("d", points.values()))
    assert unpack_chunk(pack_chunk(packed)) == packed


@given(some.lists(POINTS, max_size=4))
def test_of_two_points_of_one_instant_the_later_part_counts(parts: list[dict[int, float]]) -> None:
    expected: dict[int, float] = {}
    for part in parts:
        expected.update(part)
    at, values = merge([(array("q", part), array("d", part.values())) for part in parts])
    assert dict(zip(at, values, strict=True)) == expected
    assert list(at) == sorted(expected)
