"""The answers to what the widgets of a dashboard ask: series, rows of numbers, logs, events, checks, a monitor."""

from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.errors import QueryRefused
from oddsock.clients.datadog.events import read_found_event
from oddsock.clients.datadog.logs import LogRow, read_log
from oddsock.clients.datadog.metrics import MetricAnswer, read_series
from oddsock.clients.datadog.monitors import MonitorAnswer, read_monitor
from oddsock.clients.datadog.records import CheckState, Event, Log, Monitor, Series
from oddsock.clients.datadog.widget_queries import WidgetQuery, call_of
from oddsock.kit.clock import instant

ROWS = 50
"""So many logs or events a stream is answered with."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One group of a scalar answer: its tags' values, and a number for each formula."""

    group: tuple[str, ...] = ()
    values: tuple[float | None, ...] = ()


class WidgetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one question was answered with; the field that fits its source is filled."""

    series: tuple[Series, ...] = ()
    keys: tuple[str, ...] = ()
    """By which tags *rows* are grouped."""
    names: tuple[str, ...] = ()
    """What each number of *rows* is called."""
    units: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    logs: tuple[Log, ...] = ()
    events: tuple[Event, ...] = ()
    checks: tuple[CheckState, ...] = ()
    monitor: Monitor | None = None


class _Line(msgspec.Struct):
    group_tags: list[str] | None = None
    query_index: int = 0
    unit: list[dict[str, Any] | None] | None = None


class _Lines(msgspec.Struct):
    series: list[_Line] = []
    times: list[float] = []
    values: list[list[float | None]] = []


class _Meta(msgspec.Struct):
    unit: list[dict[str, Any] | None] | None = None


class _Column(msgspec.Struct):
    name: str = ""
    type: str = ""
    values: list[Any] = []
    meta: _Meta | None = None


class _Columns(msgspec.Struct):
    columns: list[_Column] = []


class _LinesData(msgspec.Struct):
    attributes: _Lines = msgspec.field(default_factory=_Lines)


class _ColumnsData(msgspec.Struct):
    attributes: _Columns = msgspec.field(default_factory=_Columns)


class _Timeseries(msgspec.Struct):
    data: _LinesData = msgspec.field(default_factory=_LinesData)


class _Scalar(msgspec.Struct):
    data: _ColumnsData = msgspec.field(default_factory=_ColumnsData)


class _Bucket(msgspec.Struct):
    by: dict[str, Any] = {}
    computes: dict[str, Any] = {}


class _Buckets(msgspec.Struct):
    buckets: list[_Bucket] = []


class _Aggregate(msgspec.Struct):
    data: _Buckets = msgspec.field(default_factory=_Buckets)


class _Logs(msgspec.Struct):
    data: list[LogRow] = []


class _Events(msgspec.Struct):
    data: list[dict[str, Any]] = []


class _Report(msgspec.Struct):
    at: str = ""
    message: str = ""


class _Subject(msgspec.Struct):
    host: str = ""
    tags: list[str] = []
    status: str = ""
    reports: list[_Report] = []


class _Subjects(msgspec.Struct):
    subjects: list[_Subject] = []


class WidgetAnswers:
    """The half of `Datadog` that answers widgets."""

    connection: Connection

    async def answer_widget(self, question: WidgetQuery, from_ms: int, to_ms: int, limit: int = ROWS) -> WidgetAnswer:
        """What answers *question* between two instants; streams give their newest *limit* rows.

        QueryRefused when the question is wrong, NotThere for a monitor, or a check at a Datadog that has no such call.
        """
        match question.source:
            case "metrics":
                found = await self._ask(MetricAnswer, question, from_ms, to_ms)
                if found.status != "ok":
                    raise QueryRefused(found.error or "The metric query was refused.")
                return WidgetAnswer(series=tuple(read_series(one) for one in found.series))
            case "formulas" if question.is_scalar:
                scalar = await self._ask(_Scalar, question, from_ms, to_ms)
                return read_scalar(question, scalar.data.attributes.columns)
            case "formulas":
                lines = await self._ask(_Timeseries, question, from_ms, to_ms)
                return WidgetAnswer(series=read_lines(question, lines.data.attributes))
            case "logs" if question.computes:
                counted = await self._ask(_Aggregate, question, from_ms, to_ms)
                return read_buckets(question, counted.data.buckets)
            case "logs":
                logs = await self._ask(_Logs, question, from_ms, to_ms, limit)
                return WidgetAnswer(logs=tuple(read_log(row) for row in logs.data))
            case "events":
                events = await self._ask(_Events, question, from_ms, to_ms, limit)
                return WidgetAnswer(events=tuple(read_found_event(row) for row in events.data))
            case "check":
                checks = await self._ask(_Subjects, question, from_ms, to_ms)
                return WidgetAnswer(checks=tuple(_read_subject(one) for one in checks.subjects))
        return WidgetAnswer(monitor=read_monitor(await self._ask(MonitorAnswer, question, from_ms, to_ms)))

    async def _ask(
        self, shape: type[Any], question: WidgetQuery, from_ms: int, to_ms: int, limit: int | None = None
    ) -> Any:
        call = call_of(question, from_ms, to_ms)
        body = call.body
        if body is not None and limit is not None:
            body = {**body, "page": {"limit": limit}, "sort": "-timestamp"}
        return await self.connection.ask(
            shape, call.method, call.path, query=call.parameters or None, document=body, what=f"the {question.source}"
        )


def read_lines(question: WidgetQuery, found: _Lines) -> tuple[Series, ...]:
    """The series of a version 2 answer, each called as its formula's alias says."""
    step_s = int((found.times[1] - found.times[0]) / 1000) if len(found.times) > 1 else 0
    return tuple(
        Series(
            metric=_name(question, line.query_index),
            tags=tuple(line.group_tags or ()),
            interval_s=step_s,
            unit=_unit(line.unit),
            points=tuple(zip(found.times, values, strict=False)),
        )
        for line, values in zip(found.series, found.values, strict=False)
    )


def read_scalar(question: WidgetQuery, columns: list[_Column]) -> WidgetAnswer:
    """The rows of a scalar answer, which comes column by column."""
    groups = [one for one in columns if one.type == "group"]
    numbers = [one for one in columns if one.type != "group"]
    count = max((len(one.values) for one in columns), default=0)
    return WidgetAnswer(
        keys=tuple(one.name for one in groups),
        names=tuple(_name(question, place) for place in range(len(numbers))),
        units=tuple(_unit(one.meta.unit if one.meta else None) for one in numbers),
        rows=tuple(
            Row(
                group=tuple(_text(_at(one.values, place)) for one in groups),
                values=tuple(_at(one.values, place) for one in numbers),
            )
            for place in range(count)
        ),
    )


def read_buckets(question: WidgetQuery, buckets: list[_Bucket]) -> WidgetAnswer:
    """Counted logs: series where a compute was a time series, rows where it was a total."""
    keys = tuple(str(one.get("facet")) for one in question.group_by)
    names = tuple(str(one.get("aggregation")) for one in question.computes)
    if any(one.get("type") == "timeseries" for one in question.computes):
        return WidgetAnswer(
            series=tuple(
                Series(
                    metric=names[place],
                    tags=tuple(f"{key}:{bucket.by.get(key, '')}" for key in keys),
                    points=tuple(
                        (instant(str(one["time"])).timestamp() * 1000, one.get("value"))
                        for one in bucket.computes.get(f"c{place}") or []
                    ),
                )
                for bucket in buckets
                for place in range(len(names))
            )
        )
    return WidgetAnswer(
        keys=keys,
        names=names,
        units=("",) * len(names),
        rows=tuple(
            Row(
                group=tuple(str(bucket.by.get(key, "")) for key in keys),
                values=tuple(bucket.computes.get(f"c{place}") for place in range(len(names))),
            )
            for bucket in buckets
        ),
    )


def _read_subject(one: _Subject) -> CheckState:
    newest = one.reports[0] if one.reports else _Report()
    return CheckState(status=one.status, tags=tuple(one.tags), host=one.host, at=newest.at, message=newest.message)


def _name(question: WidgetQuery, place: int) -> str:
    alias = question.aliases[place] if place < len(question.aliases) else ""
    formulas = [str(one.get("formula", "")) for one in question.formulas] or [
        str(one.get("name", "")) for one in question.queries
    ]
    return alias or (formulas[place] if place < len(formulas) else "")


def _unit(unit: list[dict[str, Any] | None] | None) -> str:
    return next((str(part.get("short_name") or part.get("name") or "") for part in unit or [] if part), "")


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
