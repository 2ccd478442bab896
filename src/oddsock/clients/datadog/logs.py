"""Logs searched, page by page along the cursor, and counted by facet."""

from collections.abc import Sequence
from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Bucket, FacetValue, FoundLogs, Log, LogPage

PAGE_ROWS = 1000
"""The largest page that Datadog gives."""

LOGS_MAX = 10_000
"""How many logs one search reads unless it is told otherwise."""


FACETS = "/_oddsock/facets"
"""Our own store's completion of facets; Datadog is asked for groups in its place."""


class _Attributes(msgspec.Struct):
    timestamp: str = ""
    status: str = ""
    service: str = ""
    host: str = ""
    message: str = ""
    tags: list[str] = []
    attributes: dict[str, Any] = {}


class LogRow(msgspec.Struct):
    """A log as Datadog's v2 API has it."""

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
    data: list[LogRow] = []
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Facet(msgspec.Struct):
    values: list[FacetValue] = []


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
        cursor = ""
        while True:
            wanted = min(PAGE_ROWS, limit - len(rows))
            found = await self.page_logs(query, from_, to, wanted, cursor, newest_first=newest_first)
            rows += found.rows
            warnings |= dict.fromkeys(found.warnings)
            cursor = found.cursor
            if not cursor or not found.rows or len(rows) >= limit:
                return FoundLogs(rows=rows[:limit], is_whole=not cursor, warnings=tuple(warnings))

    async def page_logs(
        self, query: str, from_: str, to: str, limit: int, cursor: str = "", *, newest_first: bool = True
    ) -> LogPage:
        """One page of at most *limit* (up to PAGE_ROWS) logs, behind the page that gave *cursor*.

        QueryRefused when the query or the cursor is wrong.
        """
        found = await self.connection.ask(
            _Page,
            "POST",
            "/api/v2/logs/events/search",
            document={
                "filter": {"query": query, "from": from_, "to": to},
                "sort": "-timestamp" if newest_first else "timestamp",
                "page": {"limit": limit, **({"cursor": cursor} if cursor else {})},
            },
            what="a log search",
        )
        return LogPage(
            rows=[read_log(row) for row in found.data],
            cursor=found.meta.page.after or "",
            warnings=tuple(_spell(one) for one in found.meta.warnings),
        )

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

    async def facet_values(
        self, facet: str, query: str, from_: str, to: str, prefix: str = "", limit: int = 20
    ) -> list[FacetValue]:
        """The values of *facet* among the logs of a search that begin with *prefix*, most frequent first."""
        if self.connection.address.is_local:
            asked = {"facet": facet, "from": from_, "to": to, "prefix": prefix}
            asked |= {"query": query} if query.strip() not in ("", "*") else {}
            found = (await self.connection.ask(_Facet, "GET", FACETS, query=asked, what="facets")).values
        else:
            groups = [{"facet": facet, "limit": PAGE_ROWS}] if prefix else [{"facet": facet, "limit": limit}]
            buckets = await self.aggregate_logs(query, from_, to, group_by=groups)
            counted = [(str(one.by.get(facet, "")), int(one.computes.get("c0") or 0)) for one in buckets]
            found = [FacetValue(value=value, count=count) for value, count in counted if value.startswith(prefix)]
            found.sort(key=lambda one: -one.count)
        return found[:limit]


def read_log(row: LogRow) -> Log:
    """*row* as the house reads it."""
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
