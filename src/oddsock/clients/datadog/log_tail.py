"""Logs followed as they come in: our store's live tail, or, where there is none, a search asked again and again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.logs import PAGE_ROWS, LogRow, Logs, read_log
from oddsock.clients.datadog.records import Tailed
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun

TAIL = "/_oddsock/tail"
"""Our own store's live tail; the real Datadog has no public call for it."""

POLL_WALL_S = 2.0
LATE_S = 60
"""How late a log may arrive, in seconds, and still be followed where there is no live tail."""


class _Missed(msgspec.Struct):
    count: int = 0


class LogTail(Logs):
    """The following part of `Datadog`."""

    connection: Connection

    async def tail_logs(self, query: str, clock: Clock | None = None) -> AsyncGenerator[Tailed, None]:
        """The logs that *query* finds from now on, as many at a time as came together, oldest first.

        QueryRefused when the query is wrong, Unreachable when the stream breaks off.
        """
        if not self.connection.address.is_local:
            async for told in self._poll_logs(query, clock or SystemClock()):
                yield told
            return
        async with aclosing(self.connection.follow(TAIL, {"query": query}, "a live tail")) as stream:
            async for events in stream:
                try:
                    rows = [read_log(msgspec.json.decode(data, type=LogRow)) for name, data in events if name == "log"]
                    missed = [msgspec.json.decode(data, type=_Missed) for name, data in events if name == "missed"]
                except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
                    raise CannotRun(f"The live tail told something else than logs: {cause}.") from cause
                yield Tailed(rows=rows, missed=sum(one.count for one in missed))

    async def _poll_logs(self, query: str, clock: Clock) -> AsyncGenerator[Tailed, None]:
        first = await self.page_logs(query, f"now-{LATE_S}s", "now", PAGE_ROWS)
        seen = {row.id for row in first.rows}
        while True:
            await clock.sleep(POLL_WALL_S * clock.speed)
            found = await self.page_logs(query, f"now-{LATE_S}s", "now", PAGE_ROWS)
            fresh = [row for row in reversed(found.rows) if row.id not in seen]
            # Ids older than what is asked for can never come again.
            seen = {row.id for row in found.rows} | (seen if len(seen) < 10 * PAGE_ROWS else set())
            if fresh:
                yield Tailed(rows=fresh)
