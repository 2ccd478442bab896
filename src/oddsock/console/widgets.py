"""The widgets of a dashboard as a page tells them: what each shows, asked of telemetry, or why it cannot be shown."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from oddsock.clients.datadog.records import Monitor
from oddsock.clients.datadog.widget_answers import Row, WidgetAnswer
from oddsock.clients.datadog.widget_queries import WidgetQuery, read_queries
from oddsock.console.lines import measure_all
from oddsock.console.widget_looks import colour_of, lines_of, number_of, shown_as
from oddsock.kit.errors import OddsockError

ANSWER_WALL_S_MAX = 8.0
"""A widget that is not answered within this time says so; the others are shown."""

AT_ONCE_MAX = 6
WIDGETS_MAX = 100
COLUMNS = 12
"""Datadog's ordered layout has so many."""

DEPTH_MAX = 3
_WIDE = {"group": COLUMNS, "powerpack": COLUMNS, "query_value": 4, "check_status": 4, "note": 4, "free_text": 4}
_STREAMS = ("list_stream", "event_stream", "event_timeline", "log_stream", "query_table", "table", "manage_status")

Document = dict[str, Any]


class Answering(Protocol):
    """What widgets need of telemetry."""

    async def answer_widget(self, question: WidgetQuery, from_ms: int, to_ms: int, limit: int = 50) -> WidgetAnswer:
        """What answers *question* between two instants."""
        ...

    async def monitors(self, tags: str = "") -> list[Monitor]:
        """Every monitor with its states."""
        ...


async def read_widgets(telemetry: Answering, dashboard: Mapping[str, Any], from_ms: int, to_ms: int) -> list[Document]:
    """Every widget of *dashboard* in the order of its layout, answered; groups hold their own."""
    gate = asyncio.Semaphore(AT_ONCE_MAX)
    left = [WIDGETS_MAX]
    variables = dashboard.get("template_variables") or []

    async def read(widget: Document, depth: int) -> Document:
        definition = widget["definition"]
        told = _about(widget)
        inner = definition.get("widgets")
        if isinstance(inner, list) and depth < DEPTH_MAX:
            told["view"] = "group"
            told["widgets"] = await asyncio.gather(*(read(one, depth + 1) for one in in_order(inner)))
            return told
        left[0] -= 1
        if left[0] < 0:
            return {**told, "failed": f"A page shows {WIDGETS_MAX} widgets at most."}
        asked = {"widgets": [widget], "template_variables": variables}
        async with gate:
            return await _answer(telemetry, told, definition, read_queries(asked), from_ms, to_ms)

    return list(await asyncio.gather(*(read(one, 1) for one in in_order(dashboard.get("widgets")))))


def in_order(widgets: Any) -> list[Document]:
    """*widgets* from top to bottom, left to right, where all have a place; else as they stand."""
    found = [one for one in widgets or [] if isinstance(one, dict) and isinstance(one.get("definition"), dict)]
    if found and all(_place(one) is not None for one in found):
        return sorted(found, key=lambda one: _place(one) or (0.0, 0.0))
    return found


def _place(widget: Document) -> tuple[float, float] | None:
    layout = widget.get("layout")
    if not isinstance(layout, dict):
        return None
    x, y = layout.get("x"), layout.get("y")
    return (float(y), float(x)) if isinstance(x, int | float) and isinstance(y, int | float) else None


def _about(widget: Document) -> Document:
    definition = widget["definition"]
    kind = str(definition.get("type", ""))
    return {
        "id": widget.get("id") if isinstance(widget.get("id"), int) else 0,
        "kind": kind,
        "title": str(definition.get("title") or ""),
        "wide": wide_of(widget),
        "view": "unknown",
        "queries": [],
        "failed": "",
        "hint": "",
        "is_note": kind in ("note", "free_text"),
    }


def wide_of(widget: Mapping[str, Any]) -> int:
    """Over how many of 12 columns a widget goes: as its layout says, else as its kind needs.

    >>> wide_of({"layout": {"width": 6}, "definition": {"type": "note"}}), wide_of({"definition": {"type": "table"}})
    (6, 8)
    """
    kind = str(widget["definition"].get("type", ""))
    layout = widget.get("layout")
    width = layout.get("width") if isinstance(layout, dict) else None
    if isinstance(width, int) and 1 <= width <= COLUMNS:
        return max(2, width)
    return _WIDE.get(kind, 8 if kind in _STREAMS else 4)


async def _answer(
    telemetry: Answering,
    told: Document,
    definition: Document,
    questions: list[WidgetQuery],
    from_ms: int,
    to_ms: int,
) -> Document:
    """*told* with what the widget shows, or with the sentence that says why it does not."""
    told["queries"] = [{"query": one.query, "source": one.source} for one in questions]
    try:
        async with asyncio.timeout(ANSWER_WALL_S_MAX):
            if told["kind"] in ("manage_status", "monitor_summary"):
                rows = await telemetry.monitors()
                return {**told, "view": "monitors", "monitors": [_short(one) for one in rows]}
            answers = [await telemetry.answer_widget(one, from_ms, to_ms) for one in questions]
    except OddsockError as cause:
        return {**told, "failed": cause.sentence, "hint": cause.hint}
    except TimeoutError:
        return {**told, "failed": f"No answer within {ANSWER_WALL_S_MAX:g} s.", "hint": "Choose a shorter time."}
    return {**told, **show(definition, list(zip(questions, answers, strict=True)))}


def show(definition: Document, answered: list[tuple[WidgetQuery, WidgetAnswer]]) -> Document:
    """What a widget of *definition* shows of its answers: `view` names the way, the rest is what that way needs."""
    kind = str(definition.get("type", ""))
    if kind in ("note", "free_text"):
        text = str(definition.get("content") or definition.get("text") or "")
        return {"view": "note", "parts": list(_parts(text))}
    if not answered:
        return {"view": "unknown"}
    view = shown_as(kind, answered[0][0], answered[0][1])
    if view == "plot":
        return _plot(definition, answered)
    if view == "value":
        return {"view": view, **number_of(definition, *answered[0])}
    if view in ("ranks", "table"):
        return {"view": view, **_rows(definition, answered)}
    answer = answered[0][1]
    if view == "checks":
        return {"view": view, "checks": [msgspec.to_builtins(one) for one in answer.checks]}
    if view == "monitor" and answer.monitor is not None:
        return {"view": view, "monitor": _short(answer.monitor)}
    if view == "logs":
        return {"view": view, "logs": [msgspec.to_builtins(one) for one in answer.logs]}
    return {"view": view, "events": [msgspec.to_builtins(one) for one in answer.events]}


def _plot(definition: Document, answered: list[tuple[WidgetQuery, WidgetAnswer]]) -> Document:
    series = []
    for question, answer in answered:
        shape = {"bars": "bars", "area": "area"}.get(question.display, "line")
        rows = measure_all(answer.series)
        for one, told in zip(answer.series, rows, strict=True):
            # An alias says what a line is; its tags tell it from its sisters.
            name = (
                " ".join([one.metric, ", ".join(one.tags)]).strip() if question.source == "formulas" else told["name"]
            )
            series.append({**told, "name": name, "shape": shape})
    return {"view": "plot", "series": series, **lines_of(definition)}


def _rows(definition: Document, answered: list[tuple[WidgetQuery, WidgetAnswer]]) -> Document:
    """One table of all answers whose rows are groups; each number with its share of the greatest."""
    question, answer = answered[0]
    ranked = sorted(answer.rows, key=_first, reverse=True)
    rows = [{"group": one.group, "values": one.values, "colour": colour_of(definition, _value(one))} for one in ranked]
    held = [value for one in ranked if (value := _value(one)) is not None]
    return {
        "keys": answer.keys,
        "names": answer.names,
        "units": answer.units,
        "rows": rows,
        "most": max(held, default=0),
        "total": sum(held),
        "is_share": question.widget in ("sunburst", "treemap", "pie"),
    }


def _value(row: Row) -> float | None:
    return row.values[0] if row.values else None


def _first(row: Row) -> float:
    value = _value(row)
    return float("-inf") if value is None else value


def _short(monitor: Monitor) -> Document:
    return {"id": monitor.id, "name": monitor.name, "state": monitor.state, "query": monitor.query}


def _parts(text: str) -> Iterator[Document]:
    """*text* of a note in pieces, what stands between backticks told apart."""
    for place, part in enumerate(text.split("`")):
        if part:
            yield {"text": part, "is_code": place % 2 == 1}
