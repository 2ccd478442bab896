"""The functions of metric queries, over values in buckets: after aggregation over time and space, as at Datadog."""

import operator
from collections.abc import Callable

from oddsock.telemetry.query.metric_buckets import Grid, Values, reduce_values

SHIFTS_S = {"hour_before": -3_600, "day_before": -86_400, "week_before": -7 * 86_400}
RATES_S = {"per_second": 1, "derivative": 1, "per_minute": 60, "per_hour": 3_600}

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def combine(sign: str, left: float | None, right: float | None) -> float | None:
    """Two values and one of + - * /; None when one is missing, when the divisor is 0, or past what a float holds."""
    if left is None or right is None:
        return None
    try:
        value = _ARITHMETIC[sign](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return value if abs(value) < float("inf") else None


def apply(function: str, values: Values, grid: Grid) -> Values:
    """*values* as a function without arguments leaves them; of buckets without a value only default_zero makes one."""
    if function == "default_zero":
        return [0.0 if value is None else value for value in values]
    if function == "abs":
        return [None if value is None else abs(value) for value in values]
    if function == "cumsum":
        return _running_sum(values)
    return _differences(function, values, grid.step_s)


def roll(values: Values, buckets: int, function: str) -> Values:
    """Each value with the *buckets* - 1 before it, rolled up; None where the whole window has none."""
    return [
        reduce_values([held for held in values[max(0, place - buckets + 1) : place + 1] if held is not None], function)
        for place in range(len(values))
    ]


def rank(values: Values, by: str, step_s: int) -> float:
    """What `top` sorts by: mean, max, min, last, sum or area (sum times bucket); below all when there is no value."""
    held = [value for value in values if value is not None]
    reduced = reduce_values(held, {"mean": "avg", "area": "sum"}.get(by, by))
    if reduced is None:
        return float("-inf")
    return reduced * step_s if by == "area" else reduced


def _running_sum(values: Values) -> Values:
    total: float | None = None
    summed: Values = []
    for value in values:
        if value is not None:
            total = value + (total or 0.0)
        summed.append(total)
    return summed


def _differences(function: str, values: Values, step_s: int) -> Values:
    """The difference to the value before, over the seconds between them for a rate; None for the first value."""
    changed: Values = []
    before: tuple[int, float] | None = None
    for place, value in enumerate(values):
        if value is None or before is None:
            changed.append(None)
        else:
            difference = value - before[1]
            if function in RATES_S:
                difference *= RATES_S[function] / ((place - before[0]) * step_s)
            changed.append(None if function == "monotonic_diff" and difference < 0 else difference)
        if value is not None:
            before = (place, value)
    return changed
