"""The table of a matrix: for each cell its figures over all seeds as ranges, and what each remedy is worth; pure."""

from collections.abc import Sequence

import msgspec

from oddsock.drill.matrix.folder import CellResult
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
    "accepted_per_s": "accepted/s in the outage",
    "detect_s": "s to detect",
    "balanced_s": "s to drain",
}
BAD = ("lost", "double_charged", "orphan_charges", "stuck", "untold", "falsely_shown", "odd")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One cell over its *seeds*: (lowest, highest) of each column, or None; reasons of what *failed*."""

    cell: str
    seeds: list[int]
    values: dict[str, tuple[float, float] | None]
    failed: list[str] = []


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What a *remedy* alone changed against none, in a *sentence*."""

    remedy: str
    sentence: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A whole matrix of *plan*."""

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
        lines=[line for line in lines if line.seeds or line.failed],
        worth=[Worth(remedy=name, sentence=_worth(by_cell, name)) for name in (*remedies(), ALL) if name in by_cell],
        switched={name: row.spelled for name, row in remedies().items()},
    )


def spell(column: str, span: tuple[float, float] | None) -> str:
    """A range as a person reads it.

    >>> spell("lost", (3, 5)), spell("lost", (0, 0)), spell("recovered_cents", (100, 250)), spell("detect_s", None)
    ('3-5', '0', '$1.00-$2.50', '-')
    """
    if span is None:
        return "-"
    low, high = (dollars(int(each)) if column == "recovered_cents" else f"{each:g}" for each in span)
    return low if low == high else f"{low}-{high}"


def _line(cell: str, results: Sequence[CellResult]) -> Line:
    figures = [one.figures for one in results if one.figures]
    values: dict[str, tuple[float, float] | None] = {}
    for column in COLUMNS:
        found = [value for one in figures if (value := getattr(one, column)) is not None]
        values[column] = (min(found), max(found)) if found else None
    return Line(
        cell=cell,
        seeds=sorted(one.seed for one in results if one.figures),
        values=values,
        failed=[f"seed {one.seed}: {one.failed}" for one in results if one.failed],
    )


def _worth(lines: dict[str, Line], remedy: str) -> str:
    """Which columns the remedy moved beyond the range of none: saved, made worse, or nothing."""
    if NONE not in lines:
        return "not to be said without the cell none"
    before, after = lines[NONE].values, lines[remedy].values
    told = []
    for column in BAD:
        was, now = before[column], after[column]
        if was and now and (now[1] < was[0] or now[0] > was[1]):
            verb = "saves" if now[1] < was[0] else "makes worse"
            told.append(f"{verb} {COLUMNS[column]} ({spell(column, was)} to {spell(column, now)})")
    for column in ("recovered_cents", "accepted_per_s"):
        was, now = before[column], after[column]
        if was and now and now[0] > was[1]:
            told.append(f"raises {COLUMNS[column]} ({spell(column, was)} to {spell(column, now)})")
    if after["detect_s"] and not before["detect_s"]:
        told.append(f"is noticed after {spell('detect_s', after['detect_s'])} s instead of never")
    return "; ".join(told) or "saved 0"
