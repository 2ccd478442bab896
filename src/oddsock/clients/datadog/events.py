"""The event stream: listed by source and tags (v1), or searched like logs (v2)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Event
from oddsock.kit.clock import iso

PAGE_ROWS = 1000
EVENTS_MAX = 10_000
"""How many events one question reads unless it is told otherwise."""


class _Event(msgspec.Struct):
    id: int | str = 0
    title: str | None = ""
    text: str | None = ""
    date_happened: float = 0
    tags: list[str] | None = None
    alert_type: str | None = ""
    source: str | None = ""
    source_type_name: str | None = ""
    host: str | None = ""


class _Listed(msgspec.Struct):
    events: list[_Event] = []


class _Found(msgspec.Struct):
    data: list[dict[str, Any]] = []
    meta: dict[str, Any] = {}


class Events:
    """The event half of `Datadog`."""

    connection: Connection

    async def list_events(
        self, start_s: int, end_s: int, *, sources: str = "", tags: Iterable[str] = (), limit: int = EVENTS_MAX
    ) -> list[Event]:
        """The events between two instants in seconds since 1970, of *sources* and with all of *tags*; oldest first."""
        query = {"start": str(start_s), "end": str(end_s), "unaggregated": "true"}
        query |= {"sources": sources} if sources else {}
        query |= {"tags": told} if (told := ",".join(tags)) else {}
        rows: dict[str, Event] = {}
        for page in range(max(1, -(-limit // PAGE_ROWS))):
            answer = await self.connection.ask(
                _Listed, "GET", "/api/v1/events", query=query | {"page": str(page)}, what="events"
            )
            fresh = {event.id: event for event in map(_read_listed, answer.events) if event.id not in rows}
            rows |= fresh
            if len(answer.events) < PAGE_ROWS or not fresh:
                break
        # v1 tells whole seconds, newest first: within one of them the ids tell what came before what.
        return sorted(rows.values(), key=lambda event: (event.at, len(event.id), event.id))[:limit]

    async def search_events(
        self, query: str, from_: str, to: str, limit: int = EVENTS_MAX, *, newest_first: bool = False
    ) -> list[Event]:
        """At most *limit* events that *query* finds, oldest first unless told otherwise.

        QueryRefused when the query is wrong.
        """
        rows: list[Event] = []
        cursor = ""
        while True:
            page: dict[str, Any] = {"limit": min(PAGE_ROWS, limit - len(rows))}
            if cursor:
                page["cursor"] = cursor
            answer = await self.connection.ask(
                _Found,
                "POST",
                "/api/v2/events/search",
                document={
                    "filter": {"query": query, "from": from_, "to": to},
                    "sort": "-timestamp" if newest_first else "timestamp",
                    "page": page,
                },
                what="an event search",
            )
            rows += [read_found_event(row) for row in answer.data]
            cursor = str((answer.meta.get("page") or {}).get("after") or "")
            if not cursor or not answer.data or len(rows) >= limit:
                return rows[:limit]


def _read_listed(row: _Event) -> Event:
    return Event(
        id=str(row.id),
        at=iso(datetime.fromtimestamp(row.date_happened, UTC)),
        title=row.title or "",
        text=row.text or "",
        alert_type=row.alert_type or "",
        source=row.source or row.source_type_name or "",
        host=row.host or "",
        tags=tuple(row.tags or ()),
    )


def read_found_event(row: dict[str, Any]) -> Event:
    """An event as version 2 writes it."""
    outer = row.get("attributes") or {}
    inner = outer.get("attributes") or {}
    about = inner.get("evt") or {}
    return Event(
        id=str(row.get("id") or about.get("id") or ""),
        at=str(outer.get("timestamp") or ""),
        title=str(inner.get("title") or about.get("name") or ""),
        text=str(outer.get("message") or ""),
        alert_type=str(inner.get("status") or ""),
        source=str(about.get("source") or inner.get("sourcecategory") or inner.get("service") or ""),
        host=str(inner.get("hostname") or ""),
        tags=tuple(outer.get("tags") or ()),
    )
