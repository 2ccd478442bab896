"""Events rolled up into numbers: as the store of logs does it for logs, over the few events of a monitor's window."""

from collections.abc import Sequence
from itertools import product

from oddsock.telemetry.query.log_values import Scalar, flatten, number, path_key, shown
from oddsock.telemetry.records import Event, Log
from oddsock.telemetry.store.events import as_log

_RESERVED = ("service", "host", "source", "status", "trace_id")
_FRACTIONS = {"median": 0.5, "pc75": 0.75, "pc90": 0.9, "pc95": 0.95, "pc98": 0.98, "pc99": 0.99}

By = tuple[tuple[str, str], ...]


def roll_up_events(
    events: Sequence[Event], aggregation: str, measure: str, by: Sequence[str]
) -> dict[By, float | None]:
    """*aggregation* of *measure* over *events*, for each combination of the facets *by*; events without a facet count
    nowhere. None where there was no number to compute from."""
    groups: dict[By, list[Log]] = {} if by else {(): []}
    for event in events:
        log = as_log(event)
        for values in product(*([shown(value) for value in _values(log, facet)] for facet in by)):
            groups.setdefault(tuple(zip(by, values, strict=True)), []).append(log)
    return {group: _computed(logs, aggregation, measure) for group, logs in groups.items()}


def _values(log: Log, facet: str) -> list[Scalar]:
    if facet.startswith("@"):
        return flatten(log.attributes).get(path_key(facet[1:]), [])
    if facet in _RESERVED:
        own = getattr(log, facet)
        return [own] if own else []
    return [tag.partition(":")[2] for tag in log.tags if tag.startswith(f"{facet}:")]


def _computed(logs: Sequence[Log], aggregation: str, measure: str) -> float | None:
    if aggregation == "count":
        return float(len(logs))
    found = [value for log in logs for value in _values(log, measure)]
    if aggregation == "cardinality":
        return float(len({shown(value) for value in found}))
    numbers = sorted(float(n) for value in found if (n := _number(value)) is not None)
    if not numbers:
        return None
    match aggregation:
        case "sum":
            return sum(numbers)
        case "min":
            return numbers[0]
        case "max":
            return numbers[-1]
        case "avg":
            return sum(numbers) / len(numbers)
    place = _FRACTIONS[aggregation] * (len(numbers) - 1)
    low, rest = int(place), place - int(place)
    return numbers[low] + (numbers[min(low + 1, len(numbers) - 1)] - numbers[low]) * rest


def _number(value: Scalar) -> int | float | None:
    if isinstance(value, bool):
        return None
    return number(value) if isinstance(value, str) else value
