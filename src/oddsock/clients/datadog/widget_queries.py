"""What the widgets of a dashboard ask: each question with the call that answers it, here as at Datadog.

A template variable stands for its default, or for everything.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec

from oddsock.kit.clock import instant, iso

DEPTH_MAX = 4
"""Groups within groups are read so deep; Datadog nests them once."""

ROWS_MAX = 1000
"""How many rows a stream of logs or events is answered with."""

Source = Literal["metrics", "logs", "events", "formulas", "check", "monitor"]
_STREAMS: dict[str, Source] = {"logs": "logs", "logs_stream": "logs", "events": "events", "event_stream": "events"}
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_-]*)(\.value)?")


class WidgetQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One question of one widget: *query* in the language of its *source*.

    Of `formulas`, *queries* and *formulas* are Datadog's JSON and *query* is their text for a reader; *is_scalar* asks
    for single values in the place of series. Of `logs` with *computes* numbers are asked for, else the rows themselves.
    """

    widget_id: int = 0
    title: str
    widget: str
    source: Source
    query: str
    queries: list[dict[str, Any]] = []
    formulas: list[dict[str, Any]] = []
    is_scalar: bool = False
    computes: list[dict[str, Any]] = []
    group_by: list[dict[str, Any]] = []
    aliases: list[str] = []
    """What a legend calls each formula, empty where nobody said."""
    display: str = ""
    """How its series are drawn (line, bars, area), as the request says."""
    tags: list[str] = []
    """All of these a service check must have."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to Datadog's API, or to the path of ours that stands where Datadog has none."""

    method: str
    path: str
    parameters: dict[str, str] = {}
    body: dict[str, Any] | None = None


def read_queries(dashboard: Mapping[str, Any]) -> list[WidgetQuery]:
    """Every question of *dashboard*, Datadog's JSON, in the order of its widgets; what cannot be read is left out."""
    variables = {
        str(one.get("name")): _default(one) for one in _dicts(dashboard.get("template_variables")) if one.get("name")
    }
    return [
        found for widget in _widgets(dashboard.get("widgets"), 1) for found in _read(_fill(widget, variables), widget)
    ]


def call_of(question: WidgetQuery, from_ms: int, to_ms: int) -> Call:
    """The call that answers *question* from *from_ms* to *to_ms*."""
    match question.source:
        case "metrics":
            parameters = {"from": str(from_ms // 1000), "to": str(to_ms // 1000), "query": question.query}
            return Call(method="GET", path="/api/v1/query", parameters=parameters)
        case "check":
            tags = {"tags": ",".join(question.tags)} if question.tags else {}
            return Call(method="GET", path="/_oddsock/checks", parameters={"check": question.query, **tags})
        case "monitor":
            path = f"/api/v1/monitor/{question.query}"
            return Call(method="GET", path=path, parameters={"group_states": "all"})
        case "formulas":
            kind = "scalar" if question.is_scalar else "timeseries"
            attributes = {"from": from_ms, "to": to_ms, "queries": question.queries, "formulas": question.formulas}
            body: dict[str, Any] = {"data": {"type": f"{kind}_request", "attributes": attributes}}
            return Call(method="POST", path=f"/api/v2/query/{kind}", body=body)
    found: dict[str, Any] = {"filter": {"query": question.query, "from": _iso_of(from_ms), "to": _iso_of(to_ms)}}
    if question.source == "logs" and question.computes:
        body = {**found, "compute": question.computes, "group_by": question.group_by}
        return Call(method="POST", path="/api/v2/logs/analytics/aggregate", body=body)
    path = "/api/v2/logs/events/search" if question.source == "logs" else "/api/v2/events/search"
    return Call(method="POST", path=path, body={**found, "page": {"limit": ROWS_MAX}})


def _widgets(widgets: Any, depth: int) -> Iterator[dict[str, Any]]:
    for widget in _dicts(widgets):
        definition = widget.get("definition")
        if isinstance(definition, dict):
            yield widget
            if depth < DEPTH_MAX:
                yield from _widgets(definition.get("widgets"), depth + 1)


def _read(definition: dict[str, Any], widget: dict[str, Any]) -> Iterator[WidgetQuery]:
    kind = str(definition.get("type", ""))
    about: dict[str, Any] = {
        "widget_id": widget.get("id") if isinstance(widget.get("id"), int) else 0,
        "title": str(definition.get("title") or kind),
        "widget": kind,
    }
    match kind:
        case "check_status":
            given = definition.get("tags")
            tags = [tag for tag in given if isinstance(tag, str) and tag != "*"] if isinstance(given, list) else []
            yield WidgetQuery(**about, source="check", query=str(definition.get("check", "")), tags=tags)
        case "event_stream" | "event_timeline":
            yield WidgetQuery(**about, source="events", query=str(definition.get("query", "")))
        case "log_stream":
            yield WidgetQuery(**about, source="logs", query=str(definition.get("query", "")))
        case "alert_graph" | "alert_value":
            yield WidgetQuery(**about, source="monitor", query=str(definition.get("alert_id", "")))
    requests = definition.get("requests")
    # A few widgets (scatter plot, host map) name their requests instead of listing them.
    for request in _dicts(list(requests.values()) if isinstance(requests, dict) else requests):
        yield from _read_request(request, about)


def _read_request(request: dict[str, Any], about: dict[str, Any]) -> Iterator[WidgetQuery]:
    about = {**about, "display": str(request.get("display_type") or "")}
    if isinstance(request.get("q"), str):
        yield WidgetQuery(**about, source="metrics", query=request["q"])
    stream = request.get("query")
    if isinstance(stream, dict) and (source := _STREAMS.get(str(stream.get("data_source")))):
        yield WidgetQuery(**about, source=source, query=str(stream.get("query_string", "")))
    if isinstance(request.get("log_query"), dict):
        yield _read_logs(request["log_query"], about, is_total=about["widget"] != "timeseries")
    if queries := _dicts(request.get("queries")):
        formulas: list[dict[str, Any]] = [
            {name: one[name] for name in ("formula", "limit") if name in one} for one in _dicts(request.get("formulas"))
        ]
        yield WidgetQuery(
            **about,
            source="formulas",
            query=_text_of(queries, formulas),
            queries=queries,
            formulas=formulas,
            aliases=[str(one.get("alias") or "") for one in _dicts(request.get("formulas"))],
            is_scalar=request.get("response_format") == "scalar",
        )


def _text_of(queries: list[dict[str, Any]], formulas: list[dict[str, Any]]) -> str:
    """Queries and formulas as one reads them: `a = avg:x{*}; b = logs status:error; 100 * a / b`."""
    parts = []
    for one in queries:
        search = one.get("search")
        asked = (
            one.get("query") or f"{one.get('data_source')} {search.get('query') if isinstance(search, dict) else ''}"
        )
        parts.append(f"{one.get('name', 'query')} = {asked}".strip())
    return "; ".join([*parts, *(str(one.get("formula")) for one in formulas)])


def _read_logs(query: dict[str, Any], about: dict[str, Any], is_total: bool) -> WidgetQuery:
    """The older form of a request over logs, `log_query`, as the aggregate call names its parts."""
    search = query.get("search")
    return WidgetQuery(
        **about,
        source="logs",
        query=str(search.get("query", "")) if isinstance(search, dict) else "",
        computes=[
            _compute(one, is_total) for one in _dicts(query.get("multi_compute")) or _dicts([query.get("compute")])
        ],
        group_by=[
            {name: one[name] for name in ("facet", "limit") if name in one} for one in _dicts(query.get("group_by"))
        ],
    )


def _compute(compute: dict[str, Any], is_total: bool) -> dict[str, Any]:
    metric = compute.get("facet")
    found = {"aggregation": compute.get("aggregation", "count"), **({"metric": metric} if metric else {})}
    if is_total:
        return {**found, "type": "total"}
    interval_ms = compute.get("interval")
    step = {"interval": f"{max(1, interval_ms // 1000)}s"} if isinstance(interval_ms, int) else {}
    return {**found, "type": "timeseries", **step}


def _default(variable: Mapping[str, Any]) -> str:
    defaults = variable.get("defaults")
    chosen = defaults[0] if isinstance(defaults, list) and defaults else variable.get("default")
    if not isinstance(chosen, str) or chosen == "*":
        return "*"
    return f"{variable['prefix']}:{chosen}" if variable.get("prefix") else chosen


def _fill(widget: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The widget's definition with its template variables filled in, in every text of it."""

    def value(name: re.Match[str]) -> str:
        if name[1] not in variables:
            return name[0]
        return variables[name[1]].rpartition(":")[2] if name[2] else variables[name[1]]

    def filled(part: Any) -> Any:
        if isinstance(part, str):
            return _VARIABLE.sub(value, part)
        if isinstance(part, list):
            return [filled(one) for one in part]
        return {name: filled(one) for name, one in part.items()} if isinstance(part, dict) else part

    definition: dict[str, Any] = widget["definition"]
    return filled(definition) if variables else definition


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _iso_of(at_ms: int) -> str:
    return iso(instant("1970-01-01T00:00:00Z") + timedelta(milliseconds=at_ms))
