"""Clocks that a drill put wrong: what a service wrote down meanwhile is set right where its book is read.

The files keep the instants as the books have them. Accounting and report compare instants of several books, so what a
wrong clock said is read as the instant that it was; the window and the skew stand in the case. A skew that is shorter
than the drill lasts cannot be told from the right time of another moment, so a plan gives a longer one.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from oddsock.drill.case import read_kept_plan
from oddsock.drill.evidence_files import PHASES, CaseFolder, Evidence, load
from oddsock.drill.faults.catalog import make_fault
from oddsock.drill.faults.clock_skew import ClockSkew
from oddsock.drill.undo import UNDO_FILE, Undo, UndoJournal
from oddsock.kit.clock import instant, iso

KEPT_BY = {
    "orders": "orders",
    "journal": "orders",
    "order_events": "orders",
    "charges": "payment",
    "shipments": "shipping",
    "notices": "mailbox",
}
"""Whose clock the instants of a book are."""

Row = TypeVar("Row", bound=msgspec.Struct)


class ClockError(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of *service* was wrong by *offset_s* wall seconds, from *from_at* until *to_at*, empty while it is."""

    service: str
    offset_s: float
    from_at: str
    to_at: str = ""

    def right(self, at: str) -> str:
        """The instant at which a book wrote *at*: the same, unless the wrong clock says it within its window.

        >>> slow = ClockError(service="a", offset_s=-60, from_at="2025-10-30T08:24:00Z", to_at="2025-10-30T08:24:09Z")
        >>> slow.right("2025-10-30T08:23:05.000Z"), slow.right("2025-10-30T08:23:25.000Z")
        ('2025-10-30T08:24:05.000Z', '2025-10-30T08:23:25.000Z')
        """
        really = instant(at) - timedelta(seconds=self.offset_s)
        if really < instant(self.from_at) or (self.to_at and really > instant(self.to_at)):
            return at
        return iso(really)


def read_clock_errors(folder: Path) -> list[ClockError]:
    """The clocks that the faults of the case in *folder* put wrong; none for nearly every case."""
    undone = list(UndoJournal(folder / UNDO_FILE))
    if not any(isinstance(line, Undo) and line.fault == ClockSkew.name for line in undone):
        return []
    plan = read_kept_plan(folder)
    planned = {fault["id"]: fault for part in (plan, plan.get("lead") or {}) for fault in part.get("faults") or []}
    healed_at = {line.id: line.at for line in undone if not isinstance(line, Undo)}
    found = []
    for line in undone:
        if isinstance(line, Undo) and line.fault == ClockSkew.name and (row := planned.get(line.id)):
            skew = make_fault(ClockSkew.name, row["target"], row.get("settings") or {})
            if isinstance(skew, ClockSkew):
                error = ClockError(service=skew.target, offset_s=skew.offset_s, from_at=line.at)
                found.append(msgspec.structs.replace(error, to_at=healed_at.get(line.id, "")))
    return found


def load_right(case: CaseFolder, phase: str) -> Evidence:
    """The evidence that *case* kept in *phase*, its instants set right; CannotRun when a file is damaged."""
    evidence = load(case, phase)
    errors = read_clock_errors(case.path)
    if not errors:
        return evidence
    before = load(case, PHASES[0]) if phase != PHASES[0] else evidence
    right = {}
    for name in KEPT_BY:
        book = getattr(evidence, name)
        rows = set_right(name, book.rows, getattr(before, name).rows, errors)
        right[name] = msgspec.structs.replace(book, rows=rows)
    return msgspec.structs.replace(evidence, **right)


def set_right(book: str, rows: Sequence[Row], before: Sequence[Row], errors: Sequence[ClockError]) -> list[Row]:
    """*rows* of *book* with the instants at which they were written; what stood there *before* was written by none."""
    wrong = [error for error in errors if error.service == KEPT_BY.get(book)]
    field = "placed_at" if book == "orders" else "at"
    key = "id" if book == "orders" else "seq"
    old = {getattr(row, key) for row in before} if wrong else set()
    set_rows = list(rows)
    for error in wrong:
        for number, row in enumerate(set_rows):
            told = getattr(row, field)
            if told and getattr(row, key) not in old and (right := error.right(told)) != told:
                set_rows[number] = msgspec.structs.replace(row, **{field: right})
    return set_rows
