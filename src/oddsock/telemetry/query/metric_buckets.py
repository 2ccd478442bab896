"""Points into buckets: how wide a bucket is, what it holds, how gaps between buckets are bridged.

The width follows Datadog's steps: 20 s up to an hour, 60 s up to four, then wider so that an answer has some 300
points. A store whose clock runs at speed N > 1 has a smallest bucket below 20 s (20 / N, at least 1 s), and the
narrower steps then serve shorter ranges in the same proportion: 1 s up to 3 minutes, 5 s up to 15.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Values = list[float | None]

# Width of a bucket in seconds, and the widest range it serves.
STEPS = (
    (1, 180),
    (2, 360),
    (5, 900),
    (10, 1_800),
    (20, 3_600),
    (60, 14_400),
    (120, 36_000),
    (300, 90_000),
    (600, 180_000),
    (1_200, 360_000),
    (3_600, 1_080_000),
    (7_200, 2_160_000),
    (14_400, 4_320_000),
    (43_200, 12_960_000),
)
WIDEST_S = 86_400
GAP_S = 300
"""A gap wider than this is never bridged to align two series."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets side by side: *count* of them, *step_s* wide, the first from *start_s* on."""

    start_s: int
    step_s: int
    count: int

    @classmethod
    def over(cls, from_s: int, to_s: int, step_s: int) -> "Grid":
        """The buckets that hold *from_s* to *to_s*, both included, aligned to multiples of *step_s*."""
        start_s = from_s // step_s * step_s
        return cls(start_s, step_s, (to_s - start_s) // step_s + 1)

    @property
    def end_s(self) -> int:
        """The last second of the last bucket."""
        return self.start_s + self.step_s * self.count - 1

    def shifted(self, shift_s: int) -> "Grid":
        """The same buckets *shift_s* later."""
        return Grid(self.start_s + shift_s, self.step_s, self.count)

    def widened(self, buckets: int) -> "Grid":
        """The same buckets and so many before them."""
        return Grid(self.start_s - buckets * self.step_s, self.step_s, self.count + buckets)


def bucket_width(from_s: int, to_s: int, smallest_s: int) -> int:
    """How wide the buckets of a range are, never below *smallest_s*.

    >>> bucket_width(0, 3600, 20), bucket_width(0, 4 * 3600, 20), bucket_width(0, 60, 1)
    (20, 60, 1)
    """
    span_s = to_s - from_s
    return max(smallest_s, next((step_s for step_s, range_s in STEPS if span_s <= range_s), WIDEST_S))


class Roller:
    """Makes points into one value a bucket of *grid*.

    Series of one sender have their points at the same instants, so where buckets begin is found once for all of them.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._at: Sequence[int] = ()
        self._edges: list[tuple[int, int, int]] = []

    def roll_up(self, at: Sequence[int], values: Sequence[float], function: str) -> Values:
        """The values by avg, sum, min, max or count; *at* is in order; None where a bucket has no point."""
        if at != self._at:
            self._at, self._edges = at, self._find_edges(at)
        row: Values = [None] * self._grid.count
        match function:
            case "sum":
                for place, low, high in self._edges:
                    row[place] = sum(values[low:high])
            case "count":
                for place, low, high in self._edges:
                    row[place] = float(high - low)
            case "min" | "max":
                pick = min if function == "min" else max
                for place, low, high in self._edges:
                    row[place] = pick(values[low:high])
            case _:
                for place, low, high in self._edges:
                    row[place] = sum(values[low:high]) / (high - low)
        return row

    def _find_edges(self, at: Sequence[int]) -> list[tuple[int, int, int]]:
        """For each bucket with points its place, its first point and the one behind its last."""
        start_s, step_s = self._grid.start_s, self._grid.step_s
        edges, low = [], 0
        while low < len(at):
            place = (at[low] - start_s) // step_s
            high = bisect_left(at, start_s + (place + 1) * step_s, low)
            edges.append((place, low, high))
            low = high
        return edges


def aggregate(columns: Iterable[Sequence[float | None]], function: str) -> Values:
    """One value a bucket over several series, by avg, sum, min, max or count; None where no series has one."""
    return [reduce_values([value for value in column if value is not None], function) for column in columns]


def reduce_values(values: Sequence[float], function: str) -> float | None:
    """One number of many; None of none."""
    if not values:
        return None
    match function:
        case "sum":
            return sum(values)
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "count":
            return float(len(values))
        case "last":
            return values[-1]
        case _:
            return sum(values) / len(values)


def align(rows: list[Values], step_s: int) -> list[Values]:
    """The same rows, gaps up to `GAP_S` bridged by a straight line where another row has a value, and only there."""
    if len(rows) < 2 or not any(_has_gap(row) for row in rows):
        return rows
    wanted = [any(value is not None for value in column) for column in zip(*rows, strict=True)]
    return [_bridged(row, step_s, GAP_S, wanted) if _has_gap(row) else row for row in rows]


def fill(row: Values, step_s: int, method: str, limit_s: int) -> Values:
    """*row* as `.fill` leaves it.

    linear bridges gaps up to *limit_s*; last and zero fill the buckets up to *limit_s* after a point; null fills none.
    """
    if method == "linear":
        return _bridged(row, step_s, limit_s, [True] * len(row))
    if method == "null":
        return row
    filled, known = list(row), None
    for place, value in enumerate(row):
        if value is not None:
            known = place
        elif known is not None and (place - known) * step_s <= limit_s:
            filled[place] = row[known] if method == "last" else 0.0
    return filled


def _has_gap(row: Values) -> bool:
    if None not in row:
        return False
    there = [place for place, value in enumerate(row) if value is not None]
    return bool(there) and there[-1] - there[0] >= len(there)


def _bridged(row: Values, step_s: int, limit_s: int, wanted: list[bool]) -> Values:
    bridged, known = list(row), None
    for place, value in enumerate(row):
        if value is None:
            continue
        if known is not None and 1 < place - known <= limit_s // step_s:
            begin = row[known]
            assert begin is not None
            for between in range(known + 1, place):
                if wanted[between]:
                    bridged[between] = begin + (value - begin) * (between - known) / (place - known)
        known = place
    return bridged
