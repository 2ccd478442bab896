"""Monitor queries, parsed by hand: `parse_monitor_query(type, text)`.

    avg(last_5m):avg:kubernetes_state.deployment.replicas_available{kube_deployment:payment} < 1     metric, query alert
    logs("service:payment status:error").index("*").rollup("count").by("host").last("5m") > 0         log alert
    events("source:kubernetes").rollup("count").last("5m") > 0                                        event-v2 alert
    "payment.can_connect".over("kube_namespace:sock-shop").by("*").last(3).count_by_status()          service check
    1234 && (5678 || !91)                                                                             composite

Source of the grammar: the monitor API's documentation, https://docs.datadoghq.com/api/latest/monitors/.
"""

import re

from oddsock.kit.errors import QueryError
from oddsock.telemetry.monitors.query_text import Call, QueryText, Quoted
from oddsock.telemetry.monitors.query_tree import (
    CheckAlert,
    Comparison,
    Composite,
    CountAlert,
    Joined,
    MetricAlert,
    Negated,
    Node,
    Part,
    Query,
)
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.query.metric_eval import queries_of
from oddsock.telemetry.query.metric_query import parse_query
from oddsock.telemetry.query.metric_tree import Expression
from oddsock.telemetry.store.aggregates import AGGREGATIONS, Aggregation

TYPES = ("metric alert", "query alert", "log alert", "event-v2 alert", "service check", "composite")
"""The types that are evaluated; `metric alert` is the older name of `query alert`."""

METRIC_AGGREGATORS = ("avg", "sum", "min", "max")
GROUPS_MAX, LAST_MAX, WINDOW_S_MAX = 4, 100, 7 * 86_400
DEPTH_MAX, PARTS_MAX = 20, 10

_HEAD = re.compile(r"([a-z_]+)\(\s*([^()]*?)\s*\)\s*:\s*")
_TAIL = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*$")
_WINDOW = re.compile(r"(?:last_)?(\d{1,6})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_UNKNOWN_FUNCTIONS = (
    "anomalies",
    "outliers",
    "forecast",
    "change",
    "pct_change",
    "percentile",
    "cloud_cost",
    "formula",
)


def parse_monitor_query(kind: str, text: str) -> Query:
    """The tree of *text*, a query of monitor type *kind*; QueryError with the column of what is wrong."""
    match kind:
        case "metric alert" | "query alert":
            return _parse_metric(text)
        case "log alert":
            return _parse_count(text, "logs")
        case "event-v2 alert":
            return _parse_count(text, "events")
        case "service check":
            return _parse_check(text)
        case "composite":
            return _parse_composite(text)
    raise QueryError(f"Monitors of type {kind[:50]!r} are not evaluated here; there are {', '.join(TYPES)}.", 1)


def window_s(text: str, column: int) -> float:
    """Seconds of a window as queries write it; QueryError at *column* when it is none.

    >>> window_s("last_5m", 1), window_s("1h", 1)
    (300.0, 3600.0)
    """
    found = _WINDOW.fullmatch(text)
    seconds = int(found[1]) * _UNIT_S[found[2]] if found else 0
    if not 0 < seconds <= WINDOW_S_MAX:
        raise QueryError(f"{text[:30]!r} is no window: write 30s, 5m, 4h or 2d, up to a week.", column)
    return float(seconds)


def _parse_metric(text: str) -> MetricAlert:
    head = _HEAD.match(text)
    named = (head[1] if head else text.partition("(")[0]).strip()
    if named in _UNKNOWN_FUNCTIONS:
        raise QueryError(f"{named}() is not evaluated here; compare a metric with a threshold.", 1)
    if head is None:
        raise QueryError("A metric monitor begins with how it aggregates over time, such as avg(last_5m):", 1)
    if named not in METRIC_AGGREGATORS:
        raise QueryError(f"{named!r} is no aggregator over time; there are {', '.join(METRIC_AGGREGATORS)}.", 1)
    if not head[2].startswith("last_"):
        raise QueryError(f"{head[2][:30]!r} is no window: write last_5m.", head.start(2) + 1)
    tail = _TAIL.search(text, head.end())
    if tail is None:
        raise QueryError("A metric monitor ends with a comparison, such as < 1.", len(text) + 1)
    expression = _read_expression(text[head.end() : tail.start()], head.end())
    return MetricAlert(
        aggregator=named,
        window_s=window_s(head[2], head.start(2) + 1),
        expression=expression,
        is_grouped=any(query.by for query in queries_of(expression)),
        comparison=Comparison(tail[1], float(tail[2])),
    )


def _read_expression(text: str, place: int) -> Expression:
    if not text.strip():
        raise QueryError("A metric query is missing here, such as avg:system.load.1{*}.", place + 1)
    try:
        expressions = parse_query(text)
    except QueryError as error:
        raise QueryError(error.reason, place + error.column) from error
    if len(expressions) > 1:
        raise QueryError("A monitor asks one question: join several queries by arithmetic.", place + 1)
    return expressions[0]


def _parse_count(text: str, source: str) -> CountAlert:
    reader = QueryText(text)
    first = reader.call(f'A {"log" if source == "logs" else "event"} monitor begins with {source}("...").')
    if first.name != source:
        raise QueryError(f'{first.name!r} stands where {source}("...") must.', first.column)
    (search,) = first.texts(1, 1)
    calls = reader.chain(("index", "rollup", "by", "last"))
    if "last" not in calls:
        raise QueryError('The window is missing: .last("5m").', reader.column)
    aggregation, measure = _read_rollup(calls.get("rollup"))
    return CountAlert(
        source="logs" if source == "logs" else "events",
        search=_read_search(search),
        aggregation=aggregation,
        measure=measure,
        by=_read_groups(calls.get("by")),
        window_s=window_s((last := calls["last"].texts(1, 1)[0]).text, last.column),
        comparison=_read_comparison(reader),
    )


def _read_search(quoted: Quoted) -> Search:
    try:
        return parse_search(quoted.text)
    except QueryError as error:
        column = quoted.columns[min(error.column, len(quoted.columns)) - 1]
        raise QueryError(error.reason, column) from error


def _read_rollup(rollup: Call | None) -> tuple[Aggregation, str]:
    if rollup is None:
        return "count", ""
    written, *measures = rollup.texts(1, 2)
    method = next((known for known in AGGREGATIONS if known == written.text), None)
    if method is None:
        raise QueryError(f"{written.text[:30]!r} is no roll-up; there are {', '.join(AGGREGATIONS)}.", written.column)
    if method == "count":
        return "count", ""
    if not measures:
        raise QueryError(f'A {method} needs what it is taken of: .rollup("{method}", "@a").', rollup.column)
    return method, measures[0].text


def _read_groups(by: Call | None) -> tuple[str, ...]:
    if by is None:
        return ()
    names = tuple(name.strip() for text in by.texts(1, GROUPS_MAX) for name in text.text.split(",") if name.strip())
    if len(names) > GROUPS_MAX:
        raise QueryError(f"A monitor has {GROUPS_MAX} groups at most.", by.column)
    return () if names == ("*",) else names


def _read_comparison(reader: QueryText) -> Comparison:
    operator, value = reader.comparison()
    return Comparison(operator, value)


def _parse_check(text: str) -> CheckAlert:
    reader = QueryText(text)
    name = reader.text('A service check monitor begins with the check\'s name, such as "http.can_connect".')
    calls = reader.chain(("over", "exclude", "by", "last", "count_by_status"))
    reader.end()
    if "last" not in calls or "count_by_status" not in calls:
        raise QueryError("A service check monitor ends with .last(N).count_by_status().", reader.column)
    calls["count_by_status"].texts(0, 0)
    last = calls["last"].number()
    if not 1 <= last <= LAST_MAX:
        raise QueryError(f".last(N) takes 1 to {LAST_MAX} reports.", calls["last"].column)
    over = _all_texts(calls.get("over"))
    by = calls.get("by")
    return CheckAlert(
        check=name.text,
        over=() if over == ("*",) else over,
        excluded=_all_texts(calls.get("exclude")),
        by=_all_texts(by) if by else (),
        last=last,
    )


def _all_texts(call: Call | None) -> tuple[str, ...]:
    return tuple(text.text for text in call.texts(1, 20)) if call else ()


def _parse_composite(text: str) -> Composite:
    reader = QueryText(text)
    root = _parse_any(reader, 0)
    reader.end()
    return Composite(root)


def _parse_any(reader: QueryText, depth: int) -> Node:
    left = _parse_all(reader, depth)
    while reader.take("||"):
        left = Joined("||", left, _parse_all(reader, depth))
    return left


def _parse_all(reader: QueryText, depth: int) -> Node:
    left = _parse_one(reader, depth)
    while reader.take("&&"):
        left = Joined("&&", left, _parse_one(reader, depth))
    return left


def _parse_one(reader: QueryText, depth: int) -> Node:
    if depth > DEPTH_MAX:
        raise QueryError(f"A composite nests {DEPTH_MAX} deep at most.", reader.column)
    if reader.take("!"):
        return Negated(_parse_one(reader, depth + 1))
    if reader.take("("):
        inner = _parse_any(reader, depth + 1)
        reader.expect(")", "to close '('")
        return inner
    column = reader.column
    reader.parts += 1
    if reader.parts > PARTS_MAX:
        raise QueryError(f"A composite names {PARTS_MAX} monitors at most.", column)
    return Part(reader.whole_number("The id of a monitor is missing here."), column)
