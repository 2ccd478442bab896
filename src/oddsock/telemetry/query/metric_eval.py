"""What a metric query answers: first over time, then over space, then functions and arithmetic, as Datadog does it.

Over time a bucket holds the average of a series' points, their sum under `.as_count()`, their sum by second under
`.as_rate()`; a gauge takes no notice of these two. Over space the series of one group are made one by the aggregator;
a series that has no value where another has one is bridged by a straight line if its gap is 5 minutes or less, but not
under the two modifiers. A bucket without a point is None, and a series without any is not there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import isnan

from oddsock.kit.errors import QueryError
from oddsock.telemetry.query import metric_functions
from oddsock.telemetry.query.metric_buckets import Grid, Roller, Values, aggregate, align, bucket_width, fill
from oddsock.telemetry.query.metric_query import parse_query
from oddsock.telemetry.query.metric_tree import Binary, Call, Expression, Negation, Number, Query, holds
from oddsock.telemetry.store.metrics import MetricStore
from oddsock.telemetry.store.metrics_index import Series

BUCKETS_MAX = 5_000
WINDOW_BUCKETS_MAX = 1_500
"""How many buckets moving_rollup looks at, window and range together."""
NO_VALUE = "N/A"

ALIASES = {"kubernetes.cpu.usage": "kubernetes.cpu.usage.total"}
"""Names that reports use and no agent sends, and what is meant; taken only while the store has no such metric."""


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """One series of an answer: *points* are (milliseconds, value or None), one a bucket of *interval_s*.

    *tags* are those of its group, *query_index* says which expression of a query of several it answers.
    """

    metric: str
    expression: str
    scope: str
    tags: tuple[str, ...]
    interval_s: int
    points: list[tuple[int, float | None]]
    aggregator: str = ""
    query_index: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One series between two steps; *counted* is that of `.as_count()`, whose gaps count as 0 in arithmetic."""

    metric: str
    expression: str
    scope: str
    tags: tuple[str, ...]
    values: Values
    aggregator: str = ""
    counted: bool = False


def evaluate(
    store: MetricStore, query: str, from_s: int, to_s: int, interval_s: int | None = None
) -> list[SeriesAnswer]:
    """The series that answer *query* from *from_s* to *to_s*, both included; QueryError when it cannot be understood.

    *interval_s* is the width of a bucket where the query's rollup names none; None lets `bucket_width` choose.
    This blocks for as long as the reading takes: call it off the event loop.
    """
    answers: list[SeriesAnswer] = []
    for index, expression in enumerate(parse_query(query)):
        grid = grid_of([expression], store, from_s, to_s, interval_s)
        for line in lines_of(store, expression, grid):
            whole = query.strip() if not isinstance(expression, Query) else line.expression
            points = [(1000 * (grid.start_s + grid.step_s * i), value) for i, value in enumerate(line.values)]
            metric = line.metric or whole
            answers.append(
                SeriesAnswer(metric, whole, line.scope, line.tags, grid.step_s, points, line.aggregator, index)
            )
    return answers


def grid_of(
    expressions: Sequence[Expression], store: MetricStore, from_s: int, to_s: int, interval_s: int | None
) -> Grid:
    """The buckets of expressions: as their rollup says, else as *interval_s* says, else as wide as suits the range."""
    if to_s < from_s:
        raise QueryError("The range ends before it begins.", 1)
    step_s, column = interval_s or bucket_width(from_s, to_s, store.bucket_s_min), 1
    rolled = [query for expression in expressions for query in queries_of(expression) if query.rollup_s]
    for query in rolled:
        if query.rollup_s != rolled[0].rollup_s:
            raise QueryError(
                f"Roll-ups of {rolled[0].rollup_s} s and {query.rollup_s} s do not combine; give both the same.",
                query.column,
            )
        step_s, column = query.rollup_s, query.column
    grid = Grid.over(from_s, to_s, step_s)
    if grid.count > BUCKETS_MAX:
        raise QueryError(
            f"{grid.count} buckets of {step_s} s are too many, {BUCKETS_MAX} the most; roll up wider.", column
        )
    return grid


def queries_of(expression: Expression) -> Iterator[Query]:
    """The queries in an expression, in the order they stand there."""
    match expression:
        case Query():
            yield expression
        case Negation(operand=operand) | Call(operand=operand):
            yield from queries_of(operand)
        case Binary(left=left, right=right):
            yield from queries_of(left)
            yield from queries_of(right)


def notes(store: MetricStore, query: str) -> list[str]:
    """What an answer to *query* has to say about it: the names that were taken for others."""
    said = [
        f"No metric is named {one.metric}; {actual} answers in its place."
        for expression in parse_query(query)
        for one in queries_of(expression)
        if (actual := actual_metric(store, one.metric)) != one.metric
    ]
    return list(dict.fromkeys(said))


def actual_metric(store: MetricStore, metric: str) -> str:
    """The metric that is meant by a name: itself, or what its alias stands for."""
    return ALIASES[metric] if metric in ALIASES and not store.series(metric) else metric


def lines_of(store: MetricStore, expression: Expression, grid: Grid) -> list[Line]:
    """The lines that answer *expression*."""
    answer = _Evaluation(store, _no_names).answer(expression, grid)
    return [] if isinstance(answer, float) else answer


class _Evaluation:
    """The walk over one tree; *resolve* gives the lines of what a formula's references stand for."""

    def __init__(self, store: MetricStore, resolve: "Resolve") -> None:
        self._store = store
        self._resolve = resolve

    def answer(self, expression: Expression, grid: Grid) -> list[Line] | float:
        """A number, or lines."""
        match expression:
            case Number(value=value):
                return value
            case Query():
                return _answer_query(self._store, expression, grid)
            case Negation(operand=operand):
                return _binary("-", 0.0, self.answer(operand, grid))
            case Binary(operator=sign, left=left, right=right):
                return _binary(sign, self.answer(left, grid), self.answer(right, grid))
            case Call():
                return self._call(expression, grid)
            case _:
                return self._resolve(expression.name, grid)

    def _call(self, call: Call, grid: Grid) -> list[Line] | float:
        function, arguments = call.function, call.arguments
        if function in metric_functions.SHIFTS_S or function == "timeshift":
            shift_s = metric_functions.SHIFTS_S.get(function) or int(arguments[0])
            return self.answer(call.operand, grid.shifted(shift_s))
        if function == "moving_rollup":
            return self._moving(call, grid)
        lines = self.answer(call.operand, grid)
        if isinstance(lines, float):
            raise QueryError(f"{function} is applied to a metric, not to a number.", call.column)
        if function == "top":
            return _top(lines, arguments, grid.step_s)
        if function == "default_zero" and not lines:
            first = next(queries_of(call.operand), None)
            # A grouped query cannot tell which groups are missing; an ungrouped one has one line, and it is zero.
            if first is not None and not first.by:
                return [Line(first.metric, "", first.scope_text, (), [0.0] * grid.count, first.aggregator)]
        return [replace(line, values=metric_functions.apply(function, line.values, grid)) for line in lines]

    def _moving(self, call: Call, grid: Grid) -> list[Line]:
        window_s = call.arguments[0]
        assert isinstance(window_s, float)
        buckets = max(1, round(window_s / grid.step_s))
        before = buckets - 1
        wide = grid.widened(before)
        if wide.count > WINDOW_BUCKETS_MAX:
            raise QueryError(
                f"The window and the range are {wide.count} buckets, {WINDOW_BUCKETS_MAX} the most; roll up wider.",
                call.column,
            )
        lines = self.answer(call.operand, wide)
        if isinstance(lines, float):
            raise QueryError("moving_rollup is applied to a metric, not to a number.", call.column)
        by = str(call.arguments[1]) if len(call.arguments) > 1 else "avg"
        return [replace(line, values=metric_functions.roll(line.values, buckets, by)[before:]) for line in lines]


Resolve = Callable[[str, Grid], list[Line]]
"""Gives the lines that a name of a formula stands for, in the buckets asked: of another time under `timeshift`."""


def _no_names(name: str, _grid: Grid) -> list[Line]:
    raise LookupError(name)


def evaluate_formula(store: MetricStore, formula: Expression, resolve: Resolve, grid: Grid) -> list[Line]:
    """The lines of a formula in the buckets of *grid*; *resolve* knows the queries it names."""
    answer = _Evaluation(store, resolve).answer(formula, grid)
    if isinstance(answer, float):
        return [Line("", "", "*", (), [None if isnan(answer) else answer] * grid.count)]
    return answer


def _answer_query(store: MetricStore, query: Query, grid: Grid) -> list[Line]:
    metric = actual_metric(store, query.metric)
    groups: dict[tuple[str, ...], list[Series]] = {}
    for series in store.series(metric, grid.start_s):
        tags = series.all_tags
        if holds(query.scope, frozenset(tag.lower() for tag in tags)):
            for group in _groups(tags, query.by):
                groups.setdefault(group, []).append(series)
    asked = {series.id: series for members in groups.values() for series in members}
    points = store.points(list(asked.values()), grid.start_s, grid.end_s)
    roller = Roller(grid)
    rows = {
        series.id: _row(series, at, values, query, grid, roller)
        for series, (at, values) in zip(asked.values(), points, strict=True)
        if at
    }
    lines = []
    for group, members in sorted(groups.items()):
        among = [rows[series.id] for series in members if series.id in rows]
        if among:
            lines.append(_line(metric, query, group, among, grid))
    return lines


def _groups(tags: Sequence[str], keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not keys:
        return iter([()])
    choices = []
    for key in keys:
        prefix = f"{key}:"
        choices.append([tag for tag in tags if tag.lower().startswith(prefix)] or [f"{key}:{NO_VALUE}"])
    return product(*choices)


def _row(
    series: Series, at: Sequence[int], values: Sequence[float], query: Query, grid: Grid, roller: Roller
) -> Values:
    function = query.rollup or "avg"
    if query.modifier and series.kind != "gauge":
        if series.kind == "rate" and query.modifier == "as_count":
            values = [value * max(1, series.interval_s) for value in values]
        if query.modifier == "as_count" or series.kind == "count":
            function = query.rollup or "sum"
    row = roller.roll_up(at, values, function)
    if query.modifier == "as_rate" and series.kind == "count":
        row = [None if value is None else value / grid.step_s for value in row]
    return fill(row, grid.step_s, query.fill, query.fill_s) if query.fill else row


def _line(metric: str, query: Query, group: tuple[str, ...], rows: list[Values], grid: Grid) -> Line:
    if not query.fill and not query.modifier:
        rows = align(rows, grid.step_s)
    if len(rows) == 1 and query.aggregator != "count":
        values = rows[0]
    else:
        values = aggregate(zip(*rows, strict=True), query.aggregator)
    parts = [*group, *([query.scope_text] if query.scope_text != "*" or not group else [])]
    scope = ",".join(dict.fromkeys(parts))
    expression = f"{query.aggregator}:{metric}{{{scope}}}{_suffix(query)}"
    return Line(metric, expression, scope, group, values, query.aggregator, query.modifier == "as_count")


def _suffix(query: Query) -> str:
    modifier = f".{query.modifier}()" if query.modifier else ""
    rolled = ", ".join(filter(None, [query.rollup, str(query.rollup_s or "")]))
    filled = f".fill({query.fill}, {query.fill_s})" if query.fill else ""
    return f"{modifier}{f'.rollup({rolled})' if rolled else ''}{filled}"


def _top(lines: list[Line], arguments: tuple[float | str, ...], step_s: int) -> list[Line]:
    count, by, order = arguments
    ranked = sorted(
        lines, key=lambda line: metric_functions.rank(line.values, str(by), step_s), reverse=order == "desc"
    )
    return ranked[: int(count)]


def _binary(sign: str, left: list[Line] | float, right: list[Line] | float) -> list[Line] | float:
    if isinstance(left, float) and isinstance(right, float):
        value = metric_functions.combine(sign, left, right)
        return float("nan") if value is None else value
    if isinstance(left, float):
        assert isinstance(right, list)
        return [
            _computed(line, [metric_functions.combine(sign, left, value) for value in line.values]) for line in right
        ]
    if isinstance(right, float):
        return [
            _computed(line, [metric_functions.combine(sign, value, right) for value in line.values]) for line in left
        ]
    return [_joined(sign, one, other) for one, other in _pairs(left, right)]


def _computed(line: Line, values: Values) -> Line:
    return replace(line, values=values, metric="", expression="")


def _pairs(left: list[Line], right: list[Line]) -> Iterator[tuple[Line, Line]]:
    """Lines of one group meet; a line of fewer tags, or of none, meets every line that has these tags among its own."""
    by_group = {frozenset(line.tags): line for line in right}
    for one in left:
        same = by_group.get(frozenset(one.tags))
        if same is not None:
            yield one, same
            continue
        for other in right:
            mine, theirs = set(one.tags), set(other.tags)
            if mine < theirs or theirs < mine:
                yield one, other


def _joined(sign: str, left: Line, right: Line) -> Line:
    mine, theirs = _for_arithmetic(left), _for_arithmetic(right)
    values = [metric_functions.combine(sign, a, b) for a, b in zip(mine, theirs, strict=True)]
    longer = left if len(left.tags) >= len(right.tags) else right
    return replace(_computed(longer, values), counted=left.counted and right.counted)


def _for_arithmetic(line: Line) -> Values:
    return [0.0 if value is None else value for value in line.values] if line.counted else line.values
