"""Telemetry in memory: a `TelemetryDoor` for unit tests, which knows what it was given and nothing of a server.

Of the search language it knows words, quoted texts and key:value, all of which must hold. *series* answers metric
queries by their text; *failing* is raised by every call while it is set; *asked* lists every query, in order.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from oddsock.clients.datadog.errors import NotThere
from oddsock.clients.datadog.events import EVENTS_MAX
from oddsock.clients.datadog.logs import LOGS_MAX
from oddsock.clients.datadog.records import (
    Bucket,
    Container,
    Dashboard,
    Event,
    FoundLogs,
    FoundSeries,
    Host,
    Log,
    Monitor,
    Series,
)
from oddsock.kit.clock import instant
from oddsock.kit.errors import OddsockError

_TERM = re.compile(r'"([^"]*)"|(\S+)')


class MemoryTelemetry:
    """One Datadog with the rows that its fields hold."""

    def __init__(self, address: str = "http://memory", *, is_local: bool = True) -> None:
        self.address = address
        self.is_local = is_local
        self.logs: list[Log] = []
        self.series: dict[str, list[Series]] = {}
        self.event_rows: list[Event] = []
        self.monitor_rows: list[Monitor] = []
        self.dashboard_rows: list[Dashboard] = []
        self.host_rows: list[Host] = []
        self.container_rows: list[Container] = []
        self.failing: OddsockError | None = None
        self.asked: list[str] = []

    async def close(self) -> None:
        """Nothing to let go."""

    async def search_logs(
        self, query: str, from_: str, to: str, limit: int = LOGS_MAX, *, newest_first: bool = False
    ) -> FoundLogs:
        """The logs that match, oldest first unless told otherwise."""
        self._hear(query)
        found = [log for log in self.logs if _is_between(log.at, from_, to) and _matches(query, log)]
        found.sort(key=lambda log: log.at, reverse=newest_first)
        return FoundLogs(rows=found[:limit], is_whole=len(found) <= limit)

    async def aggregate_logs(
        self,
        query: str,
        from_: str,
        to: str,
        computes: Sequence[dict[str, Any]] = (),
        group_by: Sequence[dict[str, Any]] = (),
    ) -> list[Bucket]:
        """One bucket with how many logs match; it knows no groups."""
        found = await self.search_logs(query, from_, to)
        return [Bucket(computes={"c0": len(found.rows)})]

    async def query_metric(self, query: str, from_s: int, to_s: int) -> FoundSeries:
        """The series that were given for exactly *query*, cut to the span."""
        self._hear(query)
        rows = []
        for one in self.series.get(query, []):
            points = tuple(point for point in one.points if from_s * 1000 <= point[0] <= to_s * 1000)
            if points:
                rows.append(msgspec.structs.replace(one, points=points))
        return FoundSeries(rows=rows)

    async def list_events(
        self, start_s: int, end_s: int, *, sources: str = "", tags: Iterable[str] = (), limit: int = EVENTS_MAX
    ) -> list[Event]:
        """The events of *sources* with all of *tags*."""
        self._hear(sources)
        wanted = set(tags)
        return [
            event
            for event in self.event_rows
            if start_s <= instant(event.at).timestamp() <= end_s
            and wanted <= set(event.tags)
            and (not sources or event.source in sources.split(","))
        ][:limit]

    async def search_events(self, query: str, from_: str, to: str, limit: int = EVENTS_MAX) -> list[Event]:
        """The events that match, oldest first."""
        self._hear(query)
        found = [event for event in self.event_rows if _is_between(event.at, from_, to) and _matches(query, event)]
        return sorted(found, key=lambda event: event.at)[:limit]

    async def monitors(self, tags: str = "") -> list[Monitor]:
        """Every monitor."""
        self._hear("monitors")
        return list(self.monitor_rows)

    async def dashboards(self) -> list[Dashboard]:
        """Every dashboard."""
        self._hear("dashboards")
        return list(self.dashboard_rows)

    async def dashboard(self, dashboard_id: str) -> Dashboard:
        """One dashboard; NotThere when there is none."""
        self._hear(dashboard_id)
        for one in self.dashboard_rows:
            if one.id == dashboard_id:
                return one
        raise NotThere(f"There is no dashboard {dashboard_id}.")

    async def hosts(self, filter_: str = "") -> list[Host]:
        """The hosts with tag *filter_*, all without one."""
        self._hear(filter_)
        return [host for host in self.host_rows if not filter_ or filter_ in host.tags]

    async def containers(self, tags: str = "") -> list[Container]:
        """The containers with all of *tags*."""
        self._hear(tags)
        wanted = {tag for tag in tags.split(",") if tag}
        return [container for container in self.container_rows if wanted <= set(container.tags)]

    def _hear(self, query: str) -> None:
        self.asked.append(query)
        if self.failing is not None:
            raise self.failing


def _is_between(at: str, from_: str, to: str) -> bool:
    return instant(from_) <= instant(at) <= instant(to)


def _matches(query: str, row: Log | Event) -> bool:
    text = row.message if isinstance(row, Log) else f"{row.title} {row.text}"
    for phrase, word in _TERM.findall(query):
        key, colon, value = word.removeprefix("tags:").partition(":")
        if not word:
            if phrase not in text:
                return False
        elif colon and key in ("service", "status") and isinstance(row, Log):
            if getattr(row, key) != value:
                return False
        elif colon and key in ("source", "sources") and isinstance(row, Event):
            if row.source != value:
                return False
        elif colon:
            if f"{key}:{value}" not in row.tags:
                return False
        elif word.casefold() not in text.casefold():
            return False
    return True
