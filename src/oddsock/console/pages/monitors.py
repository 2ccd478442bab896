"""Monitors: the state of each, and one: how its state changed, and what its query gave meanwhile."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from aiohttp import web

from oddsock.clients.datadog.errors import NotThere
from oddsock.clients.datadog.records import FoundSeries, Monitor, MonitorChange
from oddsock.console.desk import Desk
from oddsock.console.lines import measure_all
from oddsock.console.live import Followers
from oddsock.console.page import PLOT_STYLES, Page
from oddsock.console.span import PRESETS, Span, read_span
from oddsock.kit.clock import instant
from oddsock.kit.errors import OddsockError, UsageError

COLOURS = {"OK": "good", "Alert": "bad", "Warn": "wait"}
_ORDER = ("Alert", "Warn", "Unknown", "No Data")
"""What is wrong stands first."""

_LINES = {"critical": "--bad", "warning": "--wait"}

LINES_MAX = 20

_WINDOW = re.compile(
    r"^\s*(avg|sum|min|max)\(last_[0-9]+[mhd]\)\s*:\s*(.*?)\s*(<=|>=|<|>)\s*(-?[0-9.]+)\s*$", re.DOTALL
)
_COUNT = re.compile(r'^\s*(logs|events)\("((?:[^"\\]|\\.)*)"\)\.', re.DOTALL)
_CHECK = re.compile(r'^\s*"([^"]+)"\.over\(')


class _Telemetry(Protocol):
    """What a monitor's page needs of telemetry."""

    async def query_metric(self, query: str, from_s: int, to_s: int) -> FoundSeries: ...

    async def monitor_history(self, monitor_id: int, limit: int = 200) -> list[MonitorChange]: ...


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """/monitors, /monitors/{id} and their twins."""

    async def read_list(request: web.Request) -> dict[str, Any]:
        rows = [describe(one) for one in await desk.telemetry().monitors()]
        rows.sort(key=lambda row: (_rank(row["state"]), row["name"].casefold()))
        return {"monitors": rows, "states": dict(Counter(row["state"] or "no state" for row in rows))}

    async def read_one(request: web.Request) -> dict[str, Any]:
        told = request.match_info["id"]
        if not told.isascii() or not told.isdigit() or len(told) > 18:
            raise UsageError(f"{told[:50]!r} is no number of a monitor.", "The list of monitors has their numbers.")
        telemetry = desk.telemetry()
        span = read_span(request.query, desk.clock, PRESETS[0])
        monitor = await telemetry.monitor(int(told))
        return {
            **span.document(),
            "presets": PRESETS,
            "monitor": describe(monitor),
            **await read_history(telemetry, monitor, span),
            **await read_line(telemetry, monitor, span),
        }

    styles = (*PLOT_STYLES, "search.css", "monitors.css")
    return [
        *Page("/monitors", "Monitors", "monitors.html", read_list, ("monitors.js",), styles).routes(),
        *Page("/monitors/{id}", "Monitor", "monitor.html", read_one, ("monitor.js",), styles).routes(),
    ]


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def describe(monitor: Monitor) -> dict[str, Any]:
    """*monitor* as pages tell it, its groups the worst first."""
    groups = [
        {
            "name": name,
            "state": str(group.get("status") or ""),
            "since": str(group.get("since") or _at(group.get("last_triggered_ts"))),
            "value": group.get("value") if isinstance(group.get("value"), int | float) else None,
            "reason": str(group.get("reason") or ""),
            "colour": COLOURS.get(str(group.get("status") or ""), "off"),
        }
        for name, group in monitor.groups.items()
    ]
    groups.sort(key=lambda row: (_rank(str(row["state"])), str(row["name"])))
    thresholds = monitor.options.get("thresholds")
    return {
        "id": monitor.id,
        "name": monitor.name,
        "type": monitor.type,
        "query": monitor.query,
        "message": monitor.message,
        "state": monitor.state,
        "colour": COLOURS.get(monitor.state, "off"),
        "tags": monitor.tags,
        "thresholds": thresholds if isinstance(thresholds, dict) else {},
        "is_muted": bool(monitor.options.get("silenced")),
        "window_wall_s": monitor.window_wall_s,
        "groups": groups,
        "asks": asked_of(monitor.query),
    }


def asked_of(query: str) -> dict[str, Any]:
    """What a monitor's query asks, for who wants to see its answer: of metrics, logs, events or a check.

    >>> asked_of("avg(last_5m):avg:a{*} by {b} < 1")
    {'source': 'metrics', 'query': 'avg:a{*} by {b}'}
    """
    if found := _WINDOW.match(query):
        return {"source": "metrics", "query": found[2]}
    if found := _COUNT.match(query):
        return {"source": found[1], "query": found[2].replace('\\"', '"').replace("\\\\", "\\")}
    if found := _CHECK.match(query):
        return {"source": "check", "query": found[1]}
    return {"source": "", "query": query}


async def read_history(telemetry: _Telemetry, monitor: Monitor, span: Span) -> dict[str, Any]:
    """The changes of the monitor's state, newest first, and the bands that they make within *span*, by group."""
    try:
        changes = await telemetry.monitor_history(monitor.id)
    except NotThere:
        return {"history": [], "bands": [], "history_away": "This Datadog tells no history; look at its event stream."}
    rows = [{**msgspec.to_builtins(one), "colour": COLOURS.get(one.after, "off")} for one in changes]
    return {"history": rows, "bands": bands_of(changes, span), "history_away": ""}


def bands_of(changes: list[MonitorChange], span: Span) -> list[dict[str, Any]]:
    """For each group the spans of time it was in a state, cut to *span*; oldest first."""
    groups: dict[str, list[MonitorChange]] = {}
    for change in reversed(changes):
        groups.setdefault(change.group, []).append(change)
    told = []
    for name, steps in sorted(groups.items()):
        ends = [_ms(step.at) for step in steps[1:]] + [span.to_ms]
        parts = [
            {
                "state": step.after,
                "from_ms": max(_ms(step.at), span.from_ms),
                "to_ms": min(end_ms, span.to_ms),
                "colour": COLOURS.get(step.after, "off"),
            }
            for step, end_ms in zip(steps, ends, strict=True)
            if end_ms > span.from_ms and _ms(step.at) < span.to_ms
        ]
        told.append({"group": name, "parts": parts})
    return told


async def read_line(telemetry: _Telemetry, monitor: Monitor, span: Span) -> dict[str, Any]:
    """What the monitor's query of metrics gave, with its thresholds; other kinds have no line."""
    asked = asked_of(monitor.query)
    told: dict[str, Any] = {"series": [], "lines": [], "line_away": ""}
    if asked["source"] != "metrics":
        return told
    try:
        found = await telemetry.query_metric(asked["query"], span.from_ms // 1000, -(-span.to_ms // 1000))
    except OddsockError as cause:
        return {**told, "line_away": cause.sentence}
    thresholds = monitor.options.get("thresholds")
    lines = [
        {"value": value, "name": f"{name.replace('_', ' ')} {value:g}", "colour": _LINES.get(name, "--off")}
        for name, value in (thresholds if isinstance(thresholds, dict) else {}).items()
        if isinstance(value, int | float)
    ]
    return {**told, "series": measure_all(found.rows[:LINES_MAX]), "lines": lines}


def _ms(at: str) -> int:
    return round(instant(at).timestamp() * 1000)


def _at(seconds: Any) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if isinstance(seconds, int) and seconds > 0 else ""
