"""Questions of version 2: queries by name and formulas over them, as series or as single values.

`POST /api/v2/query/timeseries` and `POST /api/v2/query/scalar`. A query's data source is metrics, logs or events, which
can only be counted. Without formulas every query is one. A scalar is a metric query's buckets made one by its
aggregator; logs and events are measured over the whole range.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from oddsock.kit.errors import QueryError
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.formula_sources import SOURCES, Measured, Sources
from oddsock.telemetry.api.log_filters import convert
from oddsock.telemetry.api.metric_query import read_range, show_units
from oddsock.telemetry.query.metric_buckets import Grid, Values, reduce_values
from oddsock.telemetry.query.metric_eval import Line, evaluate_formula, grid_of, lines_of
from oddsock.telemetry.query.metric_query import parse_formula, parse_query
from oddsock.telemetry.query.metric_text import NAME
from oddsock.telemetry.query.metric_tree import Expression
from oddsock.telemetry.store.metrics import MetricStore

QUERIES_MAX = 20
SERIES_MAX = 1_000
INTERVAL_MS_MAX = 31 * 86_400_000
AGGREGATORS = ("avg", "min", "max", "sum", "last", "mean", "l2norm", "area")


class Limit(msgspec.Struct):
    """How many series of a formula are wanted, the greatest (desc) or the least (asc)."""

    count: Annotated[int, Meta(ge=1, le=SERIES_MAX)] = SERIES_MAX
    order: str = "desc"


class Formula(msgspec.Struct):
    """One formula."""

    formula: str
    limit: Limit | None = None


class Attributes(msgspec.Struct, rename={"from_": "from"}):
    """What a request asks."""

    from_: int
    to: int
    queries: Annotated[list[Measured], Meta(min_length=1, max_length=QUERIES_MAX)]
    formulas: Annotated[list[Formula], Meta(max_length=QUERIES_MAX)] = []
    interval: int | None = None


class _Data(msgspec.Struct):
    attributes: Attributes


class _Body(msgspec.Struct):
    data: _Data


@dataclass(frozen=True)
class _Asked:
    """A request understood: trees by query name, formulas, the range and its buckets."""

    attributes: Attributes
    metrics: dict[str, Expression]
    formulas: list[tuple[Formula, Expression]]
    grid: Grid


class FormulaQueries:
    """Answers the questions of version 2."""

    def __init__(self, metrics: MetricStore, sources: Sources) -> None:
        self._metrics = metrics
        self._sources = sources

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.post("/api/v2/query/timeseries", self._timeseries),
            web.post("/api/v2/query/scalar", self._scalar),
        ]

    async def _timeseries(self, request: web.Request) -> web.Response:
        asked = _understand(self._metrics, await read_json(request))
        grid = asked.grid
        others = await self._measure(asked, grid)

        def resolve(name: str, wanted: Grid) -> list[Line]:
            if name in asked.metrics:
                return lines_of(self._metrics, asked.metrics[name], wanted)
            return [_moved(line, grid, wanted) for line in others[name]]

        found = await asyncio.to_thread(self._evaluate, asked, resolve, grid)
        lines = [(index, line) for index, (_, some) in enumerate(found) for line in some]
        series = [
            {"group_tags": list(line.tags), "query_index": index, "unit": show_units(self._metrics, line.metric)}
            for index, line in lines
        ]
        attributes = {
            "series": series,
            "times": [1000 * (grid.start_s + place * grid.step_s) for place in range(grid.count)],
            "values": [line.values for _, line in lines],
        }
        return answer_json({"data": {"type": "timeseries_response", "attributes": attributes}})

    async def _scalar(self, request: web.Request) -> web.Response:
        asked = _understand(self._metrics, await read_json(request))
        whole = Grid(asked.grid.start_s, asked.grid.step_s * asked.grid.count, 1)
        others = await self._measure(asked, None)
        aggregators = {query.name: query.aggregator for query in asked.attributes.queries}

        def resolve(name: str, wanted: Grid) -> list[Line]:
            if name in asked.metrics:
                buckets = asked.grid.shifted(wanted.start_s - whole.start_s)
                lines = lines_of(self._metrics, asked.metrics[name], buckets)
                return [_reduced(line, aggregators[name], buckets.step_s) for line in lines]
            return [_moved(line, whole, wanted) for line in others[name]]

        found = await asyncio.to_thread(self._evaluate, asked, resolve, whole)
        attributes = {"columns": self._columns(found)}
        return answer_json({"data": {"type": "scalar_response", "attributes": attributes}})

    async def _measure(self, asked: _Asked, grid: Grid | None) -> dict[str, list[Line]]:
        from_ms, to_ms = asked.attributes.from_, asked.attributes.to
        return {
            query.name: await self._sources.measure(query, from_ms, to_ms, grid)
            for query in asked.attributes.queries
            if query.name not in asked.metrics
        }

    def _evaluate(
        self, asked: _Asked, resolve: Callable[[str, Grid], list[Line]], grid: Grid
    ) -> list[tuple[Formula, list[Line]]]:
        """The lines of each formula, cut to its limit; run off the event loop."""
        found = []
        for formula, tree in asked.formulas:
            lines = evaluate_formula(self._metrics, tree, resolve, grid)
            if formula.limit is not None:
                lines = sorted(lines, key=_size, reverse=formula.limit.order != "asc")[: formula.limit.count]
            found.append((formula, lines[:SERIES_MAX]))
        return found

    def _columns(self, found: list[tuple[Formula, list[Line]]]) -> list[dict[str, Any]]:
        rows = list(dict.fromkeys(frozenset(line.tags) for _, lines in found for line in lines))
        keys = dict.fromkeys(tag.partition(":")[0] for _, lines in found for line in lines for tag in line.tags)
        columns: list[dict[str, Any]] = [
            {"name": key, "type": "group", "values": [_values_of(row, key) for row in rows]} for key in keys
        ]
        for formula, lines in found:
            values = {frozenset(line.tags): line.values[0] for line in lines}
            unit = show_units(self._metrics, lines[0].metric) if lines else [None, None]
            columns.append(
                {
                    "name": formula.formula,
                    "type": "number",
                    "meta": {"unit": unit},
                    "values": [values.get(row) for row in rows],
                }
            )
        return columns


def _understand(metrics: MetricStore, body: object) -> _Asked:
    attributes = convert(body, _Body).data.attributes
    from_s, to_s = read_range({"from": attributes.from_, "to": attributes.to}, 1000)
    trees: dict[str, Expression] = {}
    for place, query in enumerate(attributes.queries):
        query.name = query.name or f"query{place + 1}"
        if query.data_source not in SOURCES:
            raise ApiError(400, f"queries[{place}].data_source is one of {', '.join(SOURCES)} here.")
        if not NAME.fullmatch(query.name):
            raise ApiError(400, f"queries[{place}].name is a word of letters, digits and _.")
        if query.aggregator not in AGGREGATORS:
            raise ApiError(400, f"queries[{place}].aggregator is one of {', '.join(AGGREGATORS)}.")
        if query.data_source == "metrics":
            expressions = parse_query(query.query)
            if len(expressions) > 1:
                raise ApiError(400, f"queries[{place}].query holds several queries: give each its own name.")
            trees[query.name] = expressions[0]
    names = [query.name for query in attributes.queries]
    if len(set(names)) < len(names):
        raise ApiError(400, "Two queries have one name.")
    formulas = attributes.formulas or [Formula(name) for name in names]
    parsed = [(one, parse_formula(one.formula, frozenset(names))) for one in formulas]
    grid = grid_of(list(trees.values()), metrics, from_s, to_s, _interval_s(attributes))
    return _Asked(attributes, trees, parsed, grid)


def _interval_s(attributes: Attributes) -> int | None:
    asked = [attributes.interval, *(query.compute.interval for query in attributes.queries if query.compute)]
    given = next((interval for interval in asked if interval), None)
    if given is not None and not 0 <= given <= INTERVAL_MS_MAX:
        raise ApiError(400, f"interval is milliseconds, 0 to {INTERVAL_MS_MAX}.")
    return max(1, given // 1000) if given else None


def _moved(line: Line, have: Grid, wanted: Grid) -> Line:
    """The values of *line* in the buckets of *wanted*, which may begin earlier; another time was never asked for."""
    if have.end_s != wanted.end_s:
        raise QueryError("timeshift is for metrics, not for logs or events.", 1)
    missing: Values = [None] * (wanted.count - have.count)
    return Line(line.metric, line.expression, line.scope, line.tags, missing + line.values, counted=line.counted)


def _reduced(line: Line, aggregator: str, step_s: int) -> Line:
    held = [value for value in line.values if value is not None]
    if aggregator == "l2norm":
        value = math.sqrt(sum(value * value for value in held)) if held else None
    else:
        value = reduce_values(held, {"mean": "avg", "area": "sum"}.get(aggregator, aggregator))
        if aggregator == "area" and value is not None:
            value *= step_s
    return Line(line.metric, line.expression, line.scope, line.tags, [value], counted=line.counted)


def _size(line: Line) -> float:
    value = reduce_values([value for value in line.values if value is not None], "avg")
    return float("-inf") if value is None else value


def _values_of(row: frozenset[str], key: str) -> list[str]:
    return sorted(tag.partition(":")[2] for tag in row if tag.partition(":")[0] == key)
