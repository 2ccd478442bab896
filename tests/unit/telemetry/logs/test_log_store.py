"""The store of logs: durable, stored once, paged, a file a day, read while it is written, planned as intended."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store import logs_read
from oddsock.telemetry.store.logs import LogStore
from oddsock.telemetry.store.logs_day import SOURCE_OFFSET, DayFile
from oddsock.telemetry.store.logs_read import Reading

AT_MS = 1_761_812_686_328
DAY_MS = 86_400_000
ALL = parse_search("")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LogStore]:
    """An empty store."""
    opened = LogStore.open(tmp_path, ManualClock())
    yield opened
    opened.close()


def _log(at_ms: int = AT_MS, message: str = "a", **more: object) -> Log:
    return Log(at_ms=at_ms, message=message, attributes=dict(more))


async def test_a_log_comes_back_as_it_was_given(store: LogStore) -> None:
    given = Log(
        at_ms=AT_MS,
        message="línea\nzwei \U0001f600",
        status="warn",
        service="s",
        host="h",
        source="java",
        trace_id="t",
        tags=("b:2", "a:1"),
        attributes={"n": {"m": [1, None, {"x": True}]}, "f": 0.1},
    )
    (log_id,) = await store.append([given])
    (found,) = await store.search(ALL, AT_MS, AT_MS + 1, 10)
    assert found == Log(**{**{name: getattr(given, name) for name in given.__struct_fields__}, "id": log_id})
    assert log_id >> 20 == AT_MS


async def test_half_a_surrogate_pair_loses_only_itself(store: LogStore) -> None:
    await store.append([_log(message="a\ud800b", key="\udfff"), _log(message="whole")])
    assert sorted(log.message for log in await store.search(ALL, 0, AT_MS * 2, 9)) == ["a?b", "whole"]


async def test_ids_are_new_after_reopening_even_within_one_millisecond(tmp_path: Path) -> None:
    ids: list[int] = []
    for _ in range(3):
        store = LogStore.open(tmp_path, ManualClock())
        ids += await store.append([_log(), _log(AT_MS - 5), _log()])
        store.close()
    assert len(set(ids)) == 9
    assert all(log_id >> 20 in (AT_MS, AT_MS - 5) for log_id in ids)


async def test_what_is_sent_twice_is_stored_once_also_after_reopening(tmp_path: Path) -> None:
    first = [_log(AT_MS + n, f"line {n}", **{SOURCE_OFFSET: f"/var/log/a.log:{n * 100}"}) for n in range(5)]
    other = _log(AT_MS, "other", **{SOURCE_OFFSET: "/var/log/b.log:0"})
    store = LogStore.open(tmp_path, ManualClock())
    assert all(await store.append(first[:3]))
    assert [log_id > 0 for log_id in await store.append([*first, other, other])] == [False] * 3 + [True] * 3 + [False]
    store.close()
    store = LogStore.open(tmp_path, ManualClock())
    assert await store.append(first) == [0] * 5
    found = await store.search(ALL, 0, AT_MS * 2, 100, newest_first=False)
    assert [log.message for log in found] == ["line 0", "other", *(f"line {n}" for n in range(1, 5))]
    assert all(log.attributes == {} for log in found)
    store.close()


async def test_pages_over_several_days_hold_every_log_once_in_both_directions(store: LogStore) -> None:
    await store.append([_log(AT_MS + n % 7 * DAY_MS // 3, str(n)) for n in range(50)])
    for newest_first in (True, False):
        seen: list[int] = []
        while page := await store.search(ALL, 0, AT_MS * 2, 7, newest_first, after=seen[-1] if seen else None):
            seen += [log.id for log in page]
        assert len(seen) == 50
        assert seen == sorted(seen, reverse=newest_first)


async def test_days_are_files_and_old_ones_are_deleted_whole(store: LogStore, tmp_path: Path) -> None:
    await store.append([_log(AT_MS), _log(AT_MS + DAY_MS)])
    days = ["logs-2025-10-30.sqlite", "logs-2025-10-31.sqlite"]
    assert sorted(path.name for path in tmp_path.glob("*.sqlite")) == days
    assert await store.drop_before(AT_MS + DAY_MS) == 1
    assert all(path.name.startswith(days[1]) for path in tmp_path.glob("*.sqlite*"))
    assert [log.at_ms for log in await store.search(ALL, 0, AT_MS * 2, 10)] == [AT_MS + DAY_MS]


@pytest.mark.parametrize("query", ["-odd", "-odd OR @n:3", "-(odd @n:>50)"])
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_range_searched_in_windows_loses_nothing_between_them(
    store: LogStore, monkeypatch: pytest.MonkeyPatch, query: str, newest_first: bool
) -> None:
    monkeypatch.setattr(logs_read, "WINDOW_ROWS", 7)
    await store.append([_log(AT_MS + n * 19_900, ("odd", "even")[n % 2], n=n) for n in range(300)])
    accepts = predicate(parse_search(query))
    everything = await store.search(ALL, 0, AT_MS * 2, 1000, newest_first)
    expected = [log for log in everything if accepts(log)]
    assert await store.search(parse_search(query), 0, AT_MS * 2, 1000, newest_first) == expected
    assert (
        await store.search(parse_search(query), AT_MS + 1, AT_MS * 2, 20, newest_first)
        == [log for log in expected if log.at_ms > AT_MS][:20]
    )


async def test_a_follower_sees_each_log_once(store: LogStore) -> None:
    last, seen = 0, []
    for round_ in range(4):
        await store.append([_log(AT_MS + round_ * 10 + n, str(n)) for n in range(3)])
        for log in await store.tail(last, 100):
            seen.append(log.at_ms)
            last = log.id
    assert seen == sorted(seen)
    assert len(seen) == 12


async def test_readers_read_while_logs_are_written(store: LogStore) -> None:
    done = asyncio.Event()

    async def read() -> list[int]:
        counts = []
        while not done.is_set():
            counts.append(len(await store.search(parse_search("line"), 0, AT_MS * 2, 1000)))
        return counts

    readers = [asyncio.create_task(read()) for _ in range(3)]
    for n in range(20):
        await store.append([_log(AT_MS + n, "line")] * 10)
    done.set()
    for counts in await asyncio.gather(*readers):
        assert counts == sorted(counts)
        assert all(count % 10 == 0 for count in counts)


async def test_one_bad_request_does_not_spoil_those_it_is_written_with(store: LogStore) -> None:
    requests = [store.append([_log(AT_MS, str(n))]) for n in range(10)]
    outcomes = await asyncio.gather(*requests, store.append([_log(-1)]), return_exceptions=True)
    assert isinstance(outcomes.pop(), UsageError)
    assert len({log_id for outcome in outcomes if isinstance(outcome, list) for log_id in outcome}) == 10


class _Hasty(ManualClock):
    """A clock that goes on by ten seconds whenever somebody looks."""

    def monotonic(self) -> float:
        self.advance(10.0)
        return super().monotonic()


async def test_a_search_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path, _Hasty())
    await store.append([_log(AT_MS + n, "order", key="value") for n in range(20_000)])
    with pytest.raises(CannotRun, match="Narrow the time range"):
        await store.search(parse_search("@key:*x* *rd*zz*"), 0, AT_MS * 2, 10)
    assert len(await store.search(ALL, 0, AT_MS * 2, 10)) == 10
    store.close()


async def test_a_second_owner_is_refused(store: LogStore, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="another process"):
        LogStore.open(tmp_path, ManualClock())


async def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path, ManualClock())
    store.close()
    with pytest.raises(CannotRun, match="closed"):
        await store.append([_log()])


WRITER = """
import asyncio, sys
from pathlib import Path
from oddsock.kit.clock import SystemClock
from oddsock.telemetry.records import Log
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.store import logs_read
from oddsock.telemetry.store.logs import LogStore
async def write():
    store = LogStore.open(Path(sys.argv[1]), SystemClock())
    for n in range(1_000_000):
        await store.append([Log(at_ms=1761812686328 + n, message=f"line {n} {part}") for part in range(10)])
        print(n, flush=True)
asyncio.run(write())
"""


async def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        acknowledged = -1
        while acknowledged < 20:
            acknowledged = int(await asyncio.wait_for(process.stdout.readline(), 60))
        os.kill(process.pid, signal.SIGKILL)
        rest = (await process.stdout.read()).split()
        await process.wait()
        acknowledged = max([acknowledged, *map(int, rest)])
        store = LogStore.open(tmp_path, ManualClock())
        found = await store.search(ALL, 0, AT_MS * 2, 1_000_000, newest_first=False)
        store.close()
        messages = {log.message for log in found}
        assert all(f"line {n} {part}" in messages for n in range(acknowledged + 1) for part in range(10))
        assert len(found) % 10 == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('service:s "status updated"', ["SCAN w VIRTUAL TABLE INDEX", "SEARCH l USING INTEGER PRIMARY KEY"]),
        ("service:s status:info", ["SEARCH l USING INTEGER PRIMARY KEY"]),
        ("service:rare", ["SEARCH l USING INDEX logs_by_stream (stream=? AND status=? AND rowid>? AND rowid<?)"]),
        ("trace_id:abc", ["SEARCH l USING INDEX logs_by_trace (trace_id=? AND rowid>? AND rowid<?)"]),
        ("", ["SEARCH l USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]),
    ],
)
def test_rows_are_reached_the_way_that_was_chosen(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Without it SQLite may drive a phrase from the index of streams: 381 ms where 1 ms is enough."""
    day = DayFile.open(tmp_path / "logs-2025-10-30.sqlite")
    logs = [Log(at_ms=AT_MS + n, message="status updated", service="s", trace_id=str(n)) for n in range(2000)]
    day.append([*logs, Log(at_ms=AT_MS, message="", service="rare")])
    with day.reader() as connection:
        current = Reading(day, connection, parse_search(text))
        way = current.way(50)
        driver = "w.rowid" if way == "words" else "l.id"
        sql = f"EXPLAIN QUERY PLAN SELECT l.message {current.source(way)} ORDER BY {driver} DESC LIMIT 50"
        steps = [row[3] for row in current.execute(sql, 0, AT_MS << 20 | 0xFFFFF, words=current.plan.words)]
    day.close()
    for step in expected:
        assert any(found.startswith(step) for found in steps), steps
    if way != "stream":
        assert not any("TEMP B-TREE" in found for found in steps), steps
