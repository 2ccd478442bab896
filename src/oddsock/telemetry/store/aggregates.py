"""What an aggregation of logs asks for and answers: measures (computes), groups, buckets.

A measure or a facet is written as in a search: `service`, `status`, `host`, `source`, `trace_id`, `@http.status_code`,
anything else being the key of a tag.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Aggregation: TypeAlias = Literal[
    "count", "cardinality", "sum", "min", "max", "avg", "median", "pc75", "pc90", "pc95", "pc98", "pc99"
]

AGGREGATIONS: tuple[Aggregation, ...] = (
    "count", "cardinality", "sum", "min", "max", "avg", "median", "pc75", "pc90", "pc95", "pc98", "pc99"
)  # fmt: skip

Value: TypeAlias = float | int | None
"""One computed number; None when there was no value to compute it from."""

Series: TypeAlias = list[tuple[int, Value]]
"""(at_ms, value), oldest first; only steps in which there were logs."""


@dataclass(frozen=True, slots=True)
class Compute:
    """One number of each bucket, over *metric* (None: over the logs), or a series of it by *interval_ms*."""

    aggregation: Aggregation = "count"
    metric: str | None = None
    interval_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Groups by numeric steps: [low + n * interval, low + (n + 1) * interval) below *high*."""

    interval: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of the groups of one facet: by *compute*, or by the group's own value when that is None."""

    compute: Compute | None = field(default_factory=Compute)
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A facet to group by: the first *limit* groups in order of *sort*; logs without it form the group *missing*."""

    facet: str
    limit: int = 10
    sort: Sort = field(default_factory=Sort)
    missing: str | float | None = None
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One combination of groups, `by` facet in the order asked, and its values in the order of the computes."""

    by: dict[str, str | float]
    computes: tuple[Value | Series, ...]
