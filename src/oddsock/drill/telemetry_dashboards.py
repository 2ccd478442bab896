"""A dashboard answered: every widget's own queries, asked through the client as the page would ask them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.errors import NotThere
from oddsock.kit.clock import iso
from oddsock.kit.errors import OddsockError

WIDGETS_MAX = 100
"""Widgets of one dashboard that are answered."""


async def answer_widgets(door: TelemetryDoor, title: str, from_: datetime, to: datetime) -> list[dict[str, Any]]:
    """A row a widget of dashboard *title*: what was asked and how many values came; NotThere without the dashboard."""
    found = [one for one in await door.dashboards() if one.title == title]
    if not found:
        raise NotThere(f"There is no dashboard named {title!r}.")
    document = (await door.dashboard(found[0].id)).document
    rows: list[dict[str, Any]] = []
    for definition in list(_definitions(document.get("widgets") or []))[:WIDGETS_MAX]:
        row: dict[str, Any] = {"title": definition.get("title") or "", "type": definition.get("type") or ""}
        try:
            row |= await _answer(door, definition, from_, to)
        except OddsockError as error:
            row |= {"answered": False, "values": 0, "why": error.sentence}
        rows.append(row)
    return rows


def _definitions(widgets: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for widget in widgets:
        definition = widget.get("definition") or {}
        if definition.get("type") == "group":
            yield from _definitions(definition.get("widgets") or [])
        elif definition.get("type") != "note":
            yield definition


async def _answer(door: TelemetryDoor, definition: dict[str, Any], from_: datetime, to: datetime) -> dict[str, Any]:
    """Every query of a widget; one that has none (a service check) is told apart by what it watches."""
    asked: list[str] = []
    values = 0
    for source, query in _queries(definition):
        asked.append(query)
        if source == "metrics":
            found = await door.query_metric(query, int(from_.timestamp()), int(to.timestamp()) + 1)
            values += sum(1 for series in found.rows for _, value in series.points if value is not None)
        elif source == "events":
            values += len(await door.search_events(query, iso(from_), iso(to)))
        elif source == "check":
            monitors = [one for one in await door.monitors() if f'"{query}"' in one.query]
            values += len(monitors)
        else:
            buckets = await door.aggregate_logs(
                query, iso(from_), iso(to), [{"aggregation": "count", "type": "total"}], []
            )
            values += sum(int(one.computes.get("c0") or 0) for one in buckets)
    return {"asked": asked, "answered": bool(asked), "values": values, "why": "" if asked else "it asks nothing"}


def _queries(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Source and text of each query of a widget, in the three spellings of Datadog's JSON."""
    if definition.get("type") == "check_status":
        yield "check", str(definition.get("check") or "")
    if definition.get("type") in ("event_stream", "event_timeline"):
        yield "events", str(definition.get("query") or "")
    for request in definition.get("requests") or []:
        if not isinstance(request, dict):
            continue
        if text := request.get("q"):
            yield "metrics", str(text)
        for one in request.get("queries") or []:
            source = str(one.get("data_source") or "")
            if source == "metrics":
                yield "metrics", str(one.get("query") or "")
            elif source in ("logs", "events"):
                yield source, str((one.get("search") or {}).get("query") or "")
        if listed := request.get("query"):
            text = str(listed.get("query_string") or "") if isinstance(listed, dict) else ""
            event = isinstance(listed, dict) and "event" in str(listed.get("data_source"))
            yield ("events" if event else "logs"), text
        if log := request.get("log_query"):
            yield "logs", str((log.get("search") or {}).get("query") or "")
