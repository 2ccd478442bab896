"""The table of a matrix: for each cell its figures over all seeds as ranges, and what each remedy is worth; pure."""

from collections.abc import Iterable, Sequence

import msgspec

from oddsock.drill.matrix.measure import Figures
from oddsock.drill.matrix.result import CellResult
from oddsock.drill.remedies import ALL, NONE, remedies
from oddsock.kit.money import dollars

COLUMNS = {
    "wanted": "wanted",
    "paid": "paid",
    "lost": "lost",
    "double_charged": "double charged",
    "orphan_charges": "orphan charges",
    "stuck": "stuck",
    "untold": "untold",
    "falsely_shown": "falsely shown",
    "odd": "odd",
    "recovered_cents": "recovered by itself",
    "accepted_per_min": "accepted/min in the outage",
    "drain_plan_s": "plan s to drain",
    "balanced_plan_s": "plan s to balanced",
    "detect_plan_s": "plan s to detect",
    "errors_found": "errors found by status",
    "drift_checkable": "drift checkable",
}
BAD = ("lost", "double_charged", "orphan_charges", "stuck", "untold", "falsely_shown", "odd")
"""The columns of which less is better."""

GOOD = ("recovered_cents", "accepted_per_min", "errors_found", "drift_checkable")
"""The columns of which more is better."""

PACE_SHARE = 0.2
"""By how much the pace of orders must change to be told: it hangs on how long the heal took, too."""

AWAITED = {"balanced_plan_s": "is balanced", "detect_plan_s": "is noticed"}
"""The columns of times, None is never, and what is said of one that comes."""

Range = tuple[float | None, float | None]
"""The lowest and the highest over the seeds; a highest of None is never, under some seed, a lowest under all."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One cell over its *seeds*: the range of each column, None where it was not measured, and each seed's result."""

    cell: str
    seeds: list[int]
    values: dict[str, Range | None]
    results: list[CellResult]

    @property
    def failed(self) -> list[str]:
        """Why it failed under which seed."""
        return [f"seed {one.seed}: {one.failed}" for one in self.results if one.failed]


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What a *remedy* alone changed against none in a *sentence*, and what all without it changed against all."""

    remedy: str
    sentence: str
    left_out: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A whole matrix of *plan*, or as much of it as is measured; *switched* names each remedy's switches."""

    plan: str
    seeds: list[int]
    lines: list[Line]
    worth: list[Worth]
    switched: dict[str, str]


def tabulate(plan: str, results: Sequence[CellResult], order: Sequence[str]) -> Table:
    """The table of *results*, its lines in *order*."""
    lines = [_line(cell, [one for one in results if one.cell == cell]) for cell in order]
    by_cell = {line.cell: line for line in lines if line.seeds}
    return Table(
        plan=plan,
        seeds=sorted({one.seed for one in results}),
        lines=[line for line in lines if line.results],
        worth=[_worth(by_cell, name) for name in (*remedies(), ALL) if name in by_cell],
        switched={name: row.spelled for name, row in remedies().items()},
    )


def spell(column: str, span: Range | None) -> str:
    """A range as a person reads it.

    >>> spell("lost", (3, 5)), spell("lost", (0, 0)), spell("recovered_cents", (100, 250)), spell("odd", None)
    ('3-5', '0', '$1.00-$2.50', '-')
    >>> spell("detect_plan_s", (None, None)), spell("detect_plan_s", (90.5, None))
    ('never', '90.5-never')
    """
    if span is None:
        return "-"
    low, high = (_spell_one(column, each) for each in span)
    return low if low == high else f"{low}-{high}"


def _spell_one(column: str, value: float | None) -> str:
    if value is None:
        return "never"
    return dollars(int(value)) if column == "recovered_cents" else f"{value:g}"


def _line(cell: str, results: list[CellResult]) -> Line:
    figures = [one.figures for one in results if one.figures]
    return Line(
        cell=cell,
        seeds=sorted(one.seed for one in results if one.figures),
        values={column: _range(column, figures) for column in COLUMNS},
        results=results,
    )


def _range(column: str, figures: Iterable[Figures]) -> Range | None:
    measured = [one for one in figures if column not in ("detect_plan_s", "errors_found") or one.is_watched]
    found = [getattr(one, column) for one in measured]
    known = [value for value in found if value is not None]
    if not found or (not known and column == "accepted_per_min"):
        return None
    return (min(known), max(known) if len(known) == len(found) else None) if known else (None, None)


def _worth(lines: dict[str, Line], remedy: str) -> Worth:
    """What the remedy moved beyond the range of none, and its absence beyond the range of all."""
    before = lines.get(NONE)
    alone = "not to be said without the cell none"
    if before:
        told = _changes(before.values, lines[remedy].values)
        alone = "; ".join(told if any(one.startswith("saves") for one in told) else ["saved 0", *told])
    whole, without = lines.get(ALL), lines.get(f"{ALL}-{remedy}")
    left_out = "; ".join(_changes(whole.values, without.values)) or "nothing" if whole and without else ""
    return Worth(remedy=remedy, sentence=alone, left_out=left_out)


def _changes(before: dict[str, Range | None], after: dict[str, Range | None]) -> list[str]:
    """Each column that moved beyond its range before: saved, made worse, raised, lowered, come or gone."""
    told = []
    for column in (*BAD, *GOOD):
        was, now = _known(before[column]), _known(after[column])
        if was is None or now is None or (was[0] <= now[1] and now[0] <= was[1]):
            continue
        if column == "accepted_per_min" and now[1] > was[0] * (1 - PACE_SHARE) and now[0] < was[1] * (1 + PACE_SHARE):
            continue
        less, more = ("saves", "makes worse") if column in BAD else ("lowers", "raises")
        verb = less if now[1] < was[0] else more
        told.append(f"{verb} {COLUMNS[column]} ({spell(column, was)} to {spell(column, now)})")
    for column, said in AWAITED.items():
        first, then = before[column], after[column]
        if first == (None, None) and _known(then):
            told.append(f"{said} after {spell(column, then)} plan s instead of never")
        elif then == (None, None) and _known(first):
            told.append(f"{said} never instead of after {spell(column, first)} plan s")
    return told


def _known(span: Range | None) -> tuple[float, float] | None:
    """*span* where it is a number under every seed."""
    if span is None or span[0] is None or span[1] is None:
        return None
    return span[0], span[1]
