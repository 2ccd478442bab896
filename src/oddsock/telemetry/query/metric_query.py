"""Datadog's metric queries, parsed by hand: `parse_query` for a query, `parse_formula` for one that names others.

    AGG:metric.name{scope} [by {key, ...}] [.as_count() | .as_rate() | .rollup(f[, s]) | .fill(m[, s])] ...

and arithmetic (+ - * /), numbers, parentheses and functions of these. A query may hold several, parted by commas.
"""

import re
from dataclasses import replace

from oddsock.telemetry.query.metric_scope import parse_scope
from oddsock.telemetry.query.metric_text import NAME, NUMBER, Text
from oddsock.telemetry.query.metric_tree import Binary, Call, Expression, Negation, Number, Query, Reference

AGGREGATORS = ("avg", "sum", "min", "max", "count")
ROLLUPS = ("avg", "sum", "min", "max", "count")
FILLS = ("linear", "last", "zero", "null")
FILL_S_MAX = 600
EXPRESSIONS_MAX = 10

# How many arguments a function takes after its operand: at least, at most.
FUNCTIONS = {
    "default_zero": (0, 0),
    "abs": (0, 0),
    "diff": (0, 0),
    "monotonic_diff": (0, 0),
    "derivative": (0, 0),
    "per_second": (0, 0),
    "per_minute": (0, 0),
    "per_hour": (0, 0),
    "cumsum": (0, 0),
    "top": (3, 3),
    "moving_rollup": (1, 2),
    "timeshift": (1, 1),
    "hour_before": (0, 0),
    "day_before": (0, 0),
    "week_before": (0, 0),
}
RANKS = ("mean", "max", "min", "last", "sum", "area")

AGGREGATOR = re.compile(r"([A-Za-z][A-Za-z0-9]*)\s*:")
METRIC = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
KEY = re.compile(r"[^\s,{}()!\"'$]+")
WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_][A-Za-z0-9_]*")


def parse_query(query: str) -> list[Expression]:
    """The expressions of *query*; QueryError names the column of what is wrong."""
    text = Text(query)
    expressions = [_sum(text, names=None)]
    while text.take(","):
        if len(expressions) == EXPRESSIONS_MAX:
            text.fail(f"A query holds {EXPRESSIONS_MAX} expressions at most.")
        expressions.append(_sum(text, names=None))
    if not text.ends():
        text.fail(f"Expected the end of the query, found {text.shown()}.")
    for expression in expressions:
        if not _asks(expression):
            text.fail("A query needs a metric, such as avg:system.load.1{*}.", 1)
    return expressions


def parse_formula(formula: str, names: frozenset[str]) -> Expression:
    """The expression of *formula*, which speaks of queries by *names*; QueryError names the column."""
    text = Text(formula)
    expression = _sum(text, names)
    if not text.ends():
        text.fail(f"Expected the end of the formula, found {text.shown()}.")
    return expression


def _asks(expression: Expression) -> bool:
    match expression:
        case Number():
            return False
        case Negation(operand=operand) | Call(operand=operand):
            return _asks(operand)
        case Binary(left=left, right=right):
            return _asks(left) or _asks(right)
        case _:
            return True


def _sum(text: Text, names: frozenset[str] | None) -> Expression:
    left = _product(text, names)
    while text.next() in {"+", "-"}:
        column = text.column
        operator = text.next()
        text.take(operator)
        left = Binary(operator, left, _product(text, names), column)
        _count(text)
    return left


def _product(text: Text, names: frozenset[str] | None) -> Expression:
    left = _atom(text, names)
    while text.next() in {"*", "/"}:
        column = text.column
        operator = text.next()
        text.take(operator)
        left = Binary(operator, left, _atom(text, names), column)
        _count(text)
    return left


def _count(text: Text) -> None:
    # A long chain nests to the left, and whoever walks the tree recurses as deep.
    text.links += 1
    if text.links > 200:
        text.fail("A query holds 200 operators at most.")


def _atom(text: Text, names: frozenset[str] | None) -> Expression:
    text.deepen()
    try:
        if text.take("("):
            inner = _sum(text, names)
            text.expect(")", "to close '('")
            return inner
        if text.take("-"):
            return Negation(_atom(text, names))
        number = text.match(NUMBER)
        if number is not None:
            return Number(float(number))
        column = text.column
        name = NAME.match(text.text, text.place)
        if name and text.text[name.end() :].lstrip().startswith("("):
            return _call(text, names)
        if names is None:
            return _query(text)
        reference = text.match(NAME)
        if reference is None:
            text.fail(f"Expected a query's name, a number or a function, found {text.shown()}.")
        if reference not in names:
            text.fail(f"No query is named '{reference}'; there are {', '.join(sorted(names))}.", column)
        return Reference(reference, column)
    finally:
        text.rise()


def _call(text: Text, names: frozenset[str] | None) -> Expression:
    column = text.column
    function = text.match(NAME) or ""
    if function not in FUNCTIONS:
        text.fail(f"'{function}' is no function; there are {', '.join(FUNCTIONS)}.", column)
    text.expect("(", f"after {function}")
    operand = _sum(text, names)
    arguments: list[float | str] = []
    while text.take(","):
        arguments.append(_argument(text))
    text.expect(")", f"to close {function}(")
    least, most = FUNCTIONS[function]
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        text.fail(f"{function} takes {wanted} arguments after what it is applied to, not {len(arguments)}.", column)
    call = Call(function, operand, tuple(arguments), column)
    _check_arguments(text, call)
    return call


def _check_arguments(text: Text, call: Call) -> None:
    arguments = call.arguments
    if call.function == "top":
        count, rank, order = arguments
        if not isinstance(count, float) or not 1 <= count <= 1000:
            text.fail("top takes how many series, 1 to 1000, first.", call.column)
        if rank not in RANKS or order not in {"asc", "desc"}:
            text.fail(f"top ranks by one of {', '.join(RANKS)}, and 'asc' or 'desc'.", call.column)
    elif call.function == "moving_rollup":
        window_s = arguments[0]
        if not isinstance(window_s, float) or not 1 <= window_s <= 30 * 86_400:
            text.fail("moving_rollup takes a window in seconds, 1 to 30 days, first.", call.column)
        if len(arguments) == 2 and arguments[1] not in ROLLUPS:
            text.fail(f"moving_rollup rolls up by one of {', '.join(ROLLUPS)}.", call.column)
    elif call.function == "timeshift":
        shift_s = arguments[0]
        if not isinstance(shift_s, float) or not -366 * 86_400 <= shift_s <= 0:
            text.fail("timeshift takes seconds into the past, 0 or below, down to a year.", call.column)


def _argument(text: Text) -> float | str:
    sign = -1.0 if text.take("-") else 1.0
    number = text.match(NUMBER)
    if number is not None:
        return sign * float(number)
    word = text.match(WORD)
    if word is None or sign < 0:
        text.fail(f"Expected a number or a word, found {text.shown()}.")
    return word.strip("'\"")


def _query(text: Text) -> Query:
    column = text.column
    found = AGGREGATOR.match(text.text, text.place)
    if found is None:
        text.fail(f"Expected an aggregator such as avg: before a metric, found {text.shown()}.")
    aggregator = found.group(1)
    if re.fullmatch(r"p\d+", aggregator):
        text.fail(f"{aggregator} needs a distribution metric, and this store has none; use {', '.join(AGGREGATORS)}.")
    if aggregator not in AGGREGATORS:
        text.fail(f"'{aggregator}' is no aggregator; there are {', '.join(AGGREGATORS)}.")
    text.place = found.end()
    metric = text.match(METRIC)
    if metric is None:
        text.fail(f"Expected a metric's name, found {text.shown()}.")
    scope, scope_text = parse_scope(text)
    query = Query(aggregator, metric, scope, scope_text, column=column)
    if text.next() == "b" and re.compile(r"by\b").match(text.text, text.place):
        text.take("by")
        query = replace(query, by=_keys(text))
    while text.next() == ".":
        query = _modify(text, query)
    return query


def _keys(text: Text) -> tuple[str, ...]:
    text.expect("{", "after by")
    keys: list[str] = []
    while True:
        key = text.match(KEY)
        if key is None:
            text.fail(f"Expected a tag's key, found {text.shown()}.")
        keys.append(key.lower())
        if not text.take(","):
            text.expect("}", "after the keys")
            return tuple(dict.fromkeys(keys))


def _modify(text: Text, query: Query) -> Query:
    column = text.column
    text.take(".")
    name = text.match(NAME)
    if name not in {"as_count", "as_rate", "rollup", "fill", "weighted"}:
        text.fail("Expected .as_count(), .as_rate(), .rollup(...) or .fill(...).", column)
    text.expect("(", f"after .{name}")
    arguments: list[float | str] = []
    if text.next() != ")":
        arguments.append(_argument(text))
        while text.take(","):
            arguments.append(_argument(text))
    text.expect(")", f"to close .{name}(")
    if name == "rollup":
        return _rolled(text, query, arguments, column)
    if name == "fill":
        return _filled(text, query, arguments, column)
    if arguments:
        text.fail(f".{name}() takes nothing.", column)
    if name == "weighted":
        text.fail(".weighted() is not known here.", column)
    return replace(query, modifier=name)


def _rolled(text: Text, query: Query, arguments: list[float | str], column: int) -> Query:
    function = arguments.pop(0) if arguments and isinstance(arguments[0], str) else ""
    seconds = arguments.pop(0) if arguments else 0.0
    if arguments or (function and function not in ROLLUPS) or not isinstance(seconds, float):
        text.fail(f".rollup takes one of {', '.join(ROLLUPS)} and seconds.", column)
    if seconds and not (seconds.is_integer() and 1 <= seconds <= 30 * 86_400):
        text.fail(".rollup takes whole seconds, 1 to 30 days.", column)
    return replace(query, rollup=str(function), rollup_s=int(seconds))


def _filled(text: Text, query: Query, arguments: list[float | str], column: int) -> Query:
    method = arguments[0] if arguments else None
    seconds = arguments[1] if len(arguments) > 1 else 300.0
    if len(arguments) > 2 or method not in FILLS or not isinstance(seconds, float):
        text.fail(f".fill takes one of {', '.join(FILLS)} and seconds.", column)
    if not 0 <= seconds <= FILL_S_MAX:
        text.fail(f".fill bridges gaps of {FILL_S_MAX} s at most.", column)
    return replace(query, fill=str(method), fill_s=int(seconds))
