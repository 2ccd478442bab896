"""The trees of monitor queries, one kind a type of monitor. Windows are plan seconds, columns count from 1."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.query.metric_tree import Expression
from oddsock.telemetry.store.aggregates import Aggregation


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a value is compared with."""

    operator: str
    threshold: float


@dataclass(frozen=True, slots=True)
class MetricAlert:
    """*aggregator* over *window_s* of a metric *expression*; *is_grouped* when one of its queries has a `by`."""

    aggregator: str
    window_s: float
    expression: Expression
    is_grouped: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class CountAlert:
    """A roll-up of the logs or events that *search* finds in the last *window_s*, by groups."""

    source: Literal["logs", "events"]
    search: Search
    aggregation: Aggregation
    measure: str
    by: tuple[str, ...]
    window_s: float
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class CheckAlert:
    """The newest *last* reports of service check *check* on hosts and tags *over*, without *excluded*, by groups.

    *by* ("*",) groups by host and all tags together.
    """

    check: str
    over: tuple[str, ...]
    excluded: tuple[str, ...]
    by: tuple[str, ...]
    last: int


@dataclass(frozen=True, slots=True)
class Part:
    """Another monitor inside a composite one."""

    monitor_id: int
    column: int


@dataclass(frozen=True, slots=True)
class Negated:
    """Triggered when *child* is not."""

    child: "Node"


@dataclass(frozen=True, slots=True)
class Joined:
    """Two monitors joined by `&&` or `||`."""

    operator: Literal["&&", "||"]
    left: "Node"
    right: "Node"


Node: TypeAlias = Part | Negated | Joined


@dataclass(frozen=True, slots=True)
class Composite:
    """A combination of other monitors' states."""

    root: Node


Query: TypeAlias = MetricAlert | CountAlert | CheckAlert | Composite


def parts(node: Node) -> list[Part]:
    """Every monitor named below *node*, from left to right."""
    match node:
        case Part():
            return [node]
        case Negated(child=child):
            return parts(child)
        case Joined(left=left, right=right):
            return [*parts(left), *parts(right)]
