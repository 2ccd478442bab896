"""What is stored: a log, an event, a service check, a point of a metric. Instants are milliseconds since 1970, UTC."""

from typing import Any

import msgspec


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """One log record; *id* is 0 until it is stored, then at_ms << 20 | sequence, so that ids sort by time."""

    id: int = 0
    at_ms: int
    message: str
    status: str = "info"
    service: str = ""
    host: str = ""
    source: str = ""
    trace_id: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one metric: *kind* is gauge, count or rate, *interval_s* what a count or rate was taken over."""

    metric: str
    at_s: int
    value: float
    kind: str = "gauge"
    interval_s: int = 0
    host: str = ""
    tags: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the event stream; *id* is 0 until it is stored."""

    id: int = 0
    at_ms: int
    title: str
    text: str = ""
    alert_type: str = "info"
    priority: str = "normal"
    source: str = ""
    host: str = ""
    aggregation_key: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class ServiceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a service check: *status* 0 OK, 1 warning, 2 critical, 3 unknown."""

    check: str
    at_ms: int
    status: int
    host: str = ""
    message: str = ""
    tags: tuple[str, ...] = ()
