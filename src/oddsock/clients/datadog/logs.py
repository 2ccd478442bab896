"""Logs searched, page by page along the cursor, and counted by facet."""

from collections.abc import Sequence
from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Bucket, FoundLogs, Log

PAGE_ROWS = 1000
"""The largest page that Datadog gives."""

LOGS_MAX = 10_000
"""How many logs one search reads unless it is told otherwise."""


class _Attributes(msgspec.Struct):
    timestamp: str = ""
    status: str = ""
    service: str = ""
    host: str = ""
    message: str = ""
    tags: list[str] = []
    attributes: dict[str, Any] = {}


class _Row(msgspec.Struct):
    id: str
    attributes: _Attributes


class _Cursor(msgspec.Struct):
    after: str | None = None


class _Warning(msgspec.Struct):
    title: str = ""
    detail: str = ""


class _Meta(msgspec.Struct):
    page: _Cursor = msgspec.field(default_factory=_Cursor)
    warnings: list[_Warning | str] = []


class _Page(msgspec.Struct):
    data: list[_Row] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Counted(msgspec.Struct):
    buckets: list[Bucket] = []


class _Aggregate(msgspec.Struct):
    data: _Counted = msgspec.field(default_factory=_Counted)


class Logs:
    """The log half of `Datadog`."""

    connection: Connection

    async def search_logs(
        self, query: str, from_: str, to: str, limit: int = LOGS_MAX, *, newest_first: bool = False
    ) -> FoundLogs:
        """At most *limit* logs between *from_* and *to* (ISO 8601, date math or milliseconds as text).

        QueryRefused when the query is wrong.
        """
        rows: list[Log] = []
        warnings: dict[str, None] = {}
        cursor: str | None = None
        while True:
            page: dict[str, Any] = {"limit": min(PAGE_ROWS, limit - len(rows))}
            if cursor:
                page["cursor"] = cursor
            found = await self.connection.ask(
                _Page,
                "POST",
                "/api/v2/logs/events/search",
                document={
                    "filter": {"query": query, "from": from_, "to": to},
                    "sort": "-timestamp" if newest_first else "timestamp",
                    "page": page,
                },
                what="a log search",
            )
            rows += [_read_log(row) for row in found.data]
            warnings |= dict.fromkeys(_spell(one) for one in found.meta.warnings)
            cursor = found.meta.page.after
            if not cursor or not found.data or len(rows) >= limit:
                return FoundLogs(rows=rows[:limit], is_whole=not cursor, warnings=tuple(warnings))

    async def aggregate_logs(
        self,
        query: str,
        from_: str,
        to: str,
        computes: Sequence[dict[str, Any]] = ({"aggregation": "count", "type": "total"},),
        group_by: Sequence[dict[str, Any]] = (),
    ) -> list[Bucket]:
        """Logs counted as *computes* and *group_by* say, in Datadog's own shapes; QueryRefused when they are wrong."""
        found = await self.connection.ask(
            _Aggregate,
            "POST",
            "/api/v2/logs/analytics/aggregate",
            document={
                "filter": {"query": query, "from": from_, "to": to},
                "compute": list(computes),
                "group_by": list(group_by),
            },
            what="a count of logs",
        )
        return found.data.buckets

    async def count_logs(self, query: str, from_: str, to: str) -> int:
        """How many logs a search would find."""
        buckets = await self.aggregate_logs(query, from_, to)
        return int(next((bucket.computes.get("c0") or 0 for bucket in buckets), 0))


def _read_log(row: _Row) -> Log:
    about = row.attributes
    return Log(
        id=row.id,
        at=about.timestamp,
        message=about.message,
        status=about.status,
        service=about.service,
        host=about.host,
        tags=tuple(about.tags),
        attributes=about.attributes,
    )


def _spell(warning: _Warning | str) -> str:
    return warning if isinstance(warning, str) else warning.detail or warning.title
