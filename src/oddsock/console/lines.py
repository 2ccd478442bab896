"""The lines of a chart as pages tell them: each with its name, its last, least, greatest and mean value, its points."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from oddsock.clients.datadog.records import Series


def measure_all(rows: Sequence[Series]) -> list[dict[str, Any]]:
    """*rows* as a chart tells them; lines of one metric are called by their tags only."""
    is_one = len({one.metric for one in rows}) == 1 and all(one.tags for one in rows)
    return [{**measure(one), **({"name": ", ".join(one.tags)} if is_one else {})} for one in rows]


def measure(series: Series) -> dict[str, Any]:
    """*series* as the page tells it: its name, last, least, greatest and mean value, and its points.

    >>> told = measure(Series(metric="system.load.1", scope="host:a", points=((0, 1.0), (1000, 3.0))))
    >>> told["name"], told["last"], told["avg"]
    ('system.load.1 {host:a}', 3.0, 2.0)
    """
    held = [value for _, value in series.points if value is not None]
    return {
        "name": name_series(series),
        "metric": series.metric,
        "expression": series.expression,
        "tags": series.tags,
        "unit": series.unit,
        "interval_s": series.interval_s,
        "last": held[-1] if held else None,
        "min": min(held, default=None),
        "max": max(held, default=None),
        "avg": fmean(held) if held else None,
        "points": series.points,
    }


def name_series(series: Series) -> str:
    """What a legend calls *series*: its tags tell one line of a metric from another, its scope when it has none."""
    told = ", ".join(series.tags) or series.scope
    name = series.metric or series.expression
    return f"{name} {{{told}}}" if told and told != "*" else name
