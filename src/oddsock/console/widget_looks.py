"""How a widget looks: the way that fits it, its colour by conditional formats, its thresholds, its number."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from oddsock.clients.datadog.widget_answers import WidgetAnswer
from oddsock.clients.datadog.widget_queries import WidgetQuery
from oddsock.console.magnitude import write_magnitude

View = Literal["plot", "value", "ranks", "table", "logs", "events", "checks", "monitor", "unknown"]

_LEVEL = re.compile(r"y\s*=\s*(-?[0-9]+(?:\.[0-9]+)?)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "=": lambda value, limit: value == limit,
}


def shown_as(kind: str, question: WidgetQuery, answer: WidgetAnswer) -> View:
    """The way to show *answer* in a widget of *kind*; a kind that is not known is shown as its answer can be."""
    match question.source:
        case "check":
            return "checks"
        case "monitor":
            return "monitor"
        case "events":
            return "events"
        case "logs" if not question.computes:
            return "logs"
    if kind == "query_value":
        return "value"
    if answer.rows or question.is_scalar:
        return "table" if kind in ("query_table", "table") or len(answer.keys) > 1 or len(answer.names) > 1 else "ranks"
    return "plot"


def colour_of(definition: Mapping[str, Any], value: float | None) -> str:
    """good, bad, wait or nothing, as the first conditional format that holds for *value* says.

    >>> rules = [{"comparator": "<", "value": 90, "palette": "white_on_red"}]
    >>> colour_of({"requests": [{"conditional_formats": rules}]}, 12.0)
    'bad'
    """
    requests = definition.get("requests")
    if value is None or not isinstance(requests, list):
        return ""
    for request in requests:
        rules = [*_rules(request), *(rule for one in _listed(request.get("formulas")) for rule in _rules(one))]
        for rule in rules:
            holds = _COMPARE.get(str(rule.get("comparator")))
            limit = rule.get("value")
            if holds and isinstance(limit, int | float) and holds(value, limit):
                return _colour(str(rule.get("palette")))
    return ""


def _rules(part: Any) -> list[dict[str, Any]]:
    return _listed(part.get("conditional_formats")) if isinstance(part, dict) else []


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _colour(palette: str) -> str:
    for word, colour in (("red", "bad"), ("yellow", "wait"), ("green", "good")):
        if word in palette:
            return colour
    return "note"


def lines_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Thresholds (markers `y = N`) and the limits of the axis, as a chart takes them."""
    markers = [
        {"value": float(found[1]), "name": str(one.get("label") or one.get("value"))}
        for one in _listed(definition.get("markers"))
        if (found := _LEVEL.fullmatch(str(one.get("value", "")).strip()))
    ]
    axis = definition.get("yaxis")
    axis = axis if isinstance(axis, dict) else {}
    return {"lines": markers, "y_min": _limit(axis.get("min")), "y_max": _limit(axis.get("max"))}


def _limit(told: Any) -> float | None:
    try:
        return float(told)
    except (TypeError, ValueError):
        return None


def number_of(definition: Mapping[str, Any], question: WidgetQuery, answer: WidgetAnswer) -> dict[str, Any]:
    """The number of a query value, as text with its unit, its colour, and the number itself."""
    value: float | None = None
    unit = ""
    if answer.rows:
        value = next((one for one in answer.rows[0].values if one is not None), None)
        unit = answer.units[0] if answer.units else ""
    elif answer.series:
        held = [one for _, one in answer.series[0].points if one is not None]
        value = _reduced(held, str(_listed(definition.get("requests"))[0].get("aggregator", "avg")))
        unit = answer.series[0].unit
    digits = definition.get("precision")
    given = definition.get("custom_unit")
    text = write_magnitude(value, unit, digits if isinstance(digits, int) and 0 <= digits <= 9 else None)
    return {
        "value": value,
        "text": text if value is not None else "",
        "unit": given if isinstance(given, str) else "",
        "colour": colour_of(definition, value),
    }


def _reduced(held: list[float], aggregator: str) -> float | None:
    if not held:
        return None
    if aggregator == "last":
        return held[-1]
    known: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max, "sum": sum}
    return known[aggregator](held) if aggregator in known else sum(held) / len(held)
