"""The store of logs: appended durably, searched, aggregated and followed.

One file a UTC day (logs_day), opened when time leads there, deleted whole when it is too old. One thread writes: what
arrives while it is busy becomes one transaction. Readers have threads and connections of their own and see what was
committed before they began.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from oddsock.kit.clock import Clock
from oddsock.kit.date_math import AT_MS_MAX
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.kit.files import try_lock
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.query.log_sql import SEQUENCE_BITS
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.aggregates import Bucket, Compute, Group
from oddsock.telemetry.store.logs_aggregate import Gathering
from oddsock.telemetry.store.logs_day import DayFile
from oddsock.telemetry.store.logs_days import DAY_MS, Days
from oddsock.telemetry.store.logs_read import reading

T = TypeVar("T")

READERS = 3
BATCH_LOGS_MAX = 5_000
WAITING_LOGS_MAX = 50_000
"""So many logs may wait for the writing thread; whoever brings more waits himself."""

FACET_VALUES_MAX = 10_000
_EVERYTHING = parse_search("")


class LogStore:
    """The logs of one folder, owned by this process from `open` to `close`; other processes may read the files."""

    def __init__(self, days: Days, lock: IO[str], clock: Clock) -> None:
        self._days = days
        self._lock = lock
        self._clock = clock
        self._writer = ThreadPoolExecutor(1, "logs-writer")
        self._readers = ThreadPoolExecutor(READERS, "logs-reader")
        self._waiting: deque[tuple[Sequence[Log], asyncio.Future[list[int]]]] = deque()
        self._waiting_logs = 0
        self._room: deque[asyncio.Future[None]] = deque()
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "LogStore":
        """Open or make the store in *folder*; CannotRun when another process owns it or the disk is full."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(folder / "logs.lock")
        if lock is None:
            raise CannotRun(f"The logs in {folder} are in use by another process.", "Stop it, or take another folder.")
        return cls(Days(folder), lock, clock)

    def close(self) -> None:
        """Finish what is being written and let the files go."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._days.close()
        self._lock.close()

    async def append(self, logs: Sequence[Log]) -> list[int]:
        """Store *logs* and answer their ids; durable when it returns.

        A log with the attribute `_oddsock.source_offset` = "file:offset" is stored once, however often it is sent:
        it is dropped, with id 0, when a log of the same file and UTC day with that offset or a later one is stored
        already. So one file's lines must be sent in their order, under a name that no other file will ever have. The
        attribute itself is not stored; the mark is committed with the log, one row a file and day.
        """
        if not logs:
            return []
        loop = asyncio.get_running_loop()
        while self._waiting_logs and self._waiting_logs + len(logs) > WAITING_LOGS_MAX:
            self._room.append(loop.create_future())
            await self._room[-1]
        done: asyncio.Future[list[int]] = loop.create_future()
        self._waiting.append((logs, done))
        self._waiting_logs += len(logs)
        if self._drain is None:
            self._drain = loop.create_task(self._write_waiting())
        return await asyncio.shield(done)

    async def _write_waiting(self) -> None:
        """Write what waits, a batch at a time, until nothing does."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch = [self._waiting.popleft()]
                count = len(batch[0][0])
                while self._waiting and count + len(self._waiting[0][0]) <= BATCH_LOGS_MAX:
                    batch.append(self._waiting.popleft())
                    count += len(batch[-1][0])
                outcomes: list[list[int] | Exception]
                try:
                    outcomes = await loop.run_in_executor(self._writer, self._write, [logs for logs, _ in batch])
                except RuntimeError:
                    outcomes = [CannotRun("The store of logs is closed.") for _ in batch]
                self._waiting_logs -= count
                for (_, done), outcome in zip(batch, outcomes, strict=True):
                    if done.done():
                        continue
                    if isinstance(outcome, Exception):
                        done.set_exception(outcome)
                    else:
                        done.set_result(outcome)
                while self._room:
                    waiting = self._room.popleft()
                    if not waiting.done():
                        waiting.set_result(None)
        finally:
            self._drain = None

    def _write(self, requests: Sequence[Sequence[Log]]) -> list[list[int] | Exception]:
        """Store several requests in one transaction a day; when one of them fails, each by itself."""
        try:
            ids = iter(self._write_one([log for logs in requests for log in logs]))
            return [[next(ids) for _ in logs] for logs in requests]
        except Exception as cause:  # noqa: BLE001  # whatever it is, it belongs to the request that brought it
            if len(requests) == 1:
                return [cause]
        return [outcome for logs in requests for outcome in self._write([logs])]

    def _write_one(self, logs: Sequence[Log]) -> list[int]:
        days: dict[int, list[int]] = {}
        for position, log in enumerate(logs):
            if not 0 <= log.at_ms < AT_MS_MAX:
                raise UsageError(f"A log is dated {log.at_ms} ms, out of the years 1970 to 2109.")
            days.setdefault(log.at_ms // DAY_MS, []).append(position)
        ids = [0] * len(logs)
        for day, positions in sorted(days.items()):
            stored = self._days.made(day).append([logs[position] for position in positions])
            for position, log_id in zip(positions, stored, strict=True):
                ids[position] = log_id
        return ids

    async def search(
        self,
        search: Search,
        from_ms: int,
        to_ms: int,
        limit: int,
        newest_first: bool = True,
        after: int | None = None,
    ) -> list[Log]:
        """At most *limit* logs with from_ms <= at_ms < to_ms, in order of id, beyond the id *after*.

        QueryError never comes from here; CannotRun when it takes longer than half a minute or the disk fails.
        """
        low, high = _ids(from_ms, to_ms)
        if after is not None:
            low, high = (low, min(high, after - 1)) if newest_first else (max(low, after + 1), high)
        return await self._read(lambda: self._found(search, low, high, limit, newest_first))

    def _found(self, search: Search, low: int, high: int, limit: int, newest_first: bool) -> list[Log]:
        found: list[Log] = []
        files = self._files(low, high)
        for file in reversed(files) if newest_first else files:
            with reading(file, search, self._clock) as current:
                rows = current.rows(low, high, limit - len(found), newest_first)
                found += map(current.log, rows)
            if len(found) >= limit:
                break
        return found

    async def aggregate(
        self, search: Search, from_ms: int, to_ms: int, computes: Sequence[Compute], groups: Sequence[Group]
    ) -> list[Bucket]:
        """One bucket for each combination of groups, a single one without groups; series by their interval."""
        low, high = _ids(from_ms, to_ms)

        def gathered() -> list[Bucket]:
            gathering = Gathering(computes, groups)
            for file in self._files(low, high):
                with reading(file, search, self._clock) as current:
                    gathering.add(current, low, high)
            return gathering.buckets()

        return await self._read(gathered)

    async def facet_values(
        self,
        facet: str,
        from_ms: int,
        to_ms: int,
        beginning: str = "",
        limit: int = 20,
        search: Search = _EVERYTHING,
    ) -> list[tuple[str, int]]:
        """Values of *facet* that begin with *beginning* and how many logs have them, most frequent first."""
        buckets = await self.aggregate(search, from_ms, to_ms, [Compute()], [Group(facet, limit=FACET_VALUES_MAX)])
        counted = [(str(bucket.by[facet]), bucket.computes[0]) for bucket in buckets]
        return [(value, n) for value, n in counted if isinstance(n, int) and value.startswith(beginning)][:limit]

    async def tail(self, after_id: int, limit: int) -> list[Log]:
        """At most *limit* logs with ids beyond *after_id*, oldest first; ids go by a log's own time, not by arrival."""
        return await self.search(_EVERYTHING, 0, AT_MS_MAX, limit, newest_first=False, after=after_id)

    async def drop_before(self, at_ms: int) -> int:
        """Delete the files of all UTC days that ended before *at_ms*; how many there were."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._days.drop_before, at_ms // DAY_MS)

    async def _read(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def _files(self, low: int, high: int) -> list[DayFile]:
        return self._days.between((low >> SEQUENCE_BITS) // DAY_MS, (high >> SEQUENCE_BITS) // DAY_MS)


def _ids(from_ms: int, to_ms: int) -> tuple[int, int]:
    """The least and the greatest id of a half-open range of instants."""
    low = min(max(0, from_ms), AT_MS_MAX)
    return low << SEQUENCE_BITS, (min(max(low, to_ms), AT_MS_MAX) << SEQUENCE_BITS) - 1
