"""What drill and command line need of telemetry; `datadog.Datadog` is it over the wire, tests have one in memory."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

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
    Monitor,
)


class TelemetryDoor(Protocol):
    """The reading half of one Datadog; every call has a deadline and raises Unreachable, Forbidden or QueryRefused."""

    @property
    def address(self) -> str:
        """Where questions are answered, without keys."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is our own store, which has the tag `deployment` that the real agent no longer sets."""
        ...

    async def close(self) -> None:
        """Let every connection go."""
        ...

    async def search_logs(
        self, query: str, from_: str, to: str, limit: int = LOGS_MAX, *, newest_first: bool = False
    ) -> FoundLogs:
        """At most *limit* logs between two instants, oldest first unless told otherwise."""
        ...

    async def aggregate_logs(
        self,
        query: str,
        from_: str,
        to: str,
        computes: Sequence[dict[str, Any]] = (),
        group_by: Sequence[dict[str, Any]] = (),
    ) -> list[Bucket]:
        """Logs counted by facet."""
        ...

    async def query_metric(self, query: str, from_s: int, to_s: int) -> FoundSeries:
        """What a metric query gives between two instants in seconds since 1970."""
        ...

    async def list_events(
        self, start_s: int, end_s: int, *, sources: str = "", tags: Iterable[str] = (), limit: int = EVENTS_MAX
    ) -> list[Event]:
        """The events of *sources* with all of *tags* between two instants in seconds since 1970."""
        ...

    async def search_events(self, query: str, from_: str, to: str, limit: int = EVENTS_MAX) -> list[Event]:
        """The events that *query* finds, oldest first."""
        ...

    async def monitors(self, tags: str = "") -> list[Monitor]:
        """Every monitor with its states."""
        ...

    async def dashboards(self) -> list[Dashboard]:
        """Every dashboard, without its widgets."""
        ...

    async def dashboard(self, dashboard_id: str) -> Dashboard:
        """One dashboard with its widgets."""
        ...

    async def hosts(self, filter_: str = "") -> list[Host]:
        """The machines that *filter_* names."""
        ...

    async def containers(self, tags: str = "") -> list[Container]:
        """The containers with all of *tags*."""
        ...
