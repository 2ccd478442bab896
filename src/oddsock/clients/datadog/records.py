"""What the house reads of telemetry: logs, series, events, monitors, hosts, containers; instants are ISO 8601, UTC."""

from typing import Any

import msgspec


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """One stored log record."""

    id: str
    at: str
    message: str = ""
    status: str = ""
    service: str = ""
    host: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}

    def tag(self, key: str) -> str:
        """The value of the first tag *key*, empty without it."""
        return next((tag.partition(":")[2] for tag in self.tags if tag.partition(":")[0] == key), "")


class FoundLogs(msgspec.Struct, frozen=True, kw_only=True):
    """What a log search found; *is_whole* is False when the limit cut it, *warnings* are the server's own."""

    rows: list[Log]
    is_whole: bool = True
    warnings: tuple[str, ...] = ()


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a log search; *cursor* leads to the next, empty behind the last."""

    rows: list[Log]
    cursor: str = ""
    warnings: tuple[str, ...] = ()


class Tailed(msgspec.Struct, frozen=True, kw_only=True):
    """Logs that came in together, oldest first; *missed* is how many were left out before them."""

    rows: list[Log]
    missed: int = 0


class FacetValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a tag or an attribute and how many logs have it."""

    value: str
    count: int


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One group of counted logs: *by* facet, *computes* by name (c0, c1 ...), a number or a list of time and value."""

    by: dict[str, Any] = {}
    computes: dict[str, Any] = {}


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a metric query: *points* of milliseconds since 1970 and a value, None where there is none."""

    metric: str
    expression: str = ""
    scope: str = ""
    tags: tuple[str, ...] = ()
    interval_s: int = 0
    unit: str = ""
    points: tuple[tuple[float, float | None], ...] = ()


class FoundSeries(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric query gave; *message* is the server's own word about it."""

    rows: list[Series]
    message: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the event stream."""

    id: str
    at: str
    title: str = ""
    text: str = ""
    alert_type: str = ""
    source: str = ""
    host: str = ""
    tags: tuple[str, ...] = ()


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor and the *state* it is in: OK, Warn, Alert, No Data, ...; *groups* has each group's own state."""

    id: int
    name: str = ""
    type: str = ""
    query: str = ""
    message: str = ""
    state: str = ""
    tags: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    window_wall_s: float | None = None
    """How long its window lasts at this stack's speed, where our own store tells it."""


class MonitorChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a monitor's state: of which *group*, *before* (empty for the first look) and *after*."""

    at: str
    group: str = ""
    before: str = ""
    after: str = ""
    value: float | None = None
    reason: str = ""
    told: tuple[dict[str, Any], ...] = ()
    """To whom: channel, target, tries, outcome."""


class CheckState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest report of a service check about one subject: its tags, OK, WARNING, CRITICAL or UNKNOWN, its words."""

    status: str
    tags: tuple[str, ...] = ()
    host: str = ""
    at: str = ""
    message: str = ""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard's name, where it is shown, and its JSON."""

    id: str
    title: str = ""
    url: str = ""
    document: dict[str, Any] = {}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine of the infrastructure list."""

    name: str
    is_up: bool
    apps: tuple[str, ...] = ()
    metrics: dict[str, Any] = {}
    tags: tuple[str, ...] = ()


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container of the container list."""

    id: str
    name: str = ""
    state: str = ""
    host: str = ""
    image: str = ""
    started_at: str = ""
    tags: tuple[str, ...] = ()

    def tag(self, key: str) -> str:
        """The value of the first tag *key*, empty without it."""
        return next((tag.partition(":")[2] for tag in self.tags if tag.partition(":")[0] == key), "")
