"""A timeline as a page draws it: faults as bands, everything else as marks, each with what it was and how it went.

An order's mark tells its outcome: balanced, mended, odd, not-placed, indeterminate by the books; while a drill runs,
waiting, placed, not-placed or unknown by what its customer was answered.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from oddsock.drill.history import Entry
from oddsock.drill.report.document import Report
from oddsock.drill.report.rows import OrderRow
from oddsock.drill.spelling import Speller, is_worth_showing
from oddsock.drill.telemetry_files import ORDERS_LINES, TARGET_LINES, Answer
from oddsock.kit.clock import instant
from oddsock.kit.money import dollars

MARKS_MAX = 3000
"""The most marks that a page is given; of more, every odd one stays and the others are thinned evenly."""

LINES_MAX = 200
TEXT_MAX = 240

_ENDS = {"ok": "placed", "fail": "not-placed", "unknown": "unknown"}
_STEPS = frozenset({"drill", "steady_state", "evidence", "telemetry", "restore", "health", "settle", "abort", "mend"})


class Band(msgspec.Struct, kw_only=True):
    """A fault that held from one instant to another; *to_at* is empty while it holds."""

    id: str
    text: str
    from_at: str
    to_at: str = ""


class Mark(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing at one instant; *kind* is order, status, money, parcel, notice, cluster, log, alert or step."""

    id: str
    at: str
    kind: str
    outcome: str = ""
    text: str = ""
    order: str = ""
    customer: str = ""


class Chart(msgspec.Struct, kw_only=True):
    """Bands and marks between two instants; *total* marks there were before they were thinned."""

    from_at: str
    to_at: str
    origin_at: str
    speed: float
    bands: list[Band]
    marks: list[Mark]
    total: int = 0

    @property
    def is_thinned(self) -> bool:
        """Whether not every mark is given."""
        return self.total > len(self.marks)


class HistoryChart:
    """Bands, marks and counts of a history, taken line by line."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.bands: dict[str, Band] = {}
        self.counts = {"attempts": 0, "waiting": 0, "placed": 0, "not-placed": 0, "unknown": 0}
        self.lines: list[dict[str, Any]] = []
        self._marks: dict[str, Mark] = {}
        self._speller = Speller()

    def take(self, entries: Iterable[Entry]) -> tuple[list[Mark], list[dict[str, Any]]]:
        """The marks that *entries* made or changed, and their lines."""
        changed: dict[str, Mark] = {}
        told: list[dict[str, Any]] = []
        for entry in entries:
            words = self._speller.spell(entry)[:TEXT_MAX]
            if is_worth_showing(entry):
                line = {"at": entry.at, "phase": entry.phase, "plan_s": entry.plan_s, "kind": entry.kind, "text": words}
                told.append(line)
            if entry.verb in ("inject", "heal"):
                self._bend(entry)
            if (mark := self._mark(entry, words)) is not None:
                changed[mark.id] = self._marks[mark.id] = mark
        told = told[-LINES_MAX:]
        self.lines = [*self.lines, *told][-LINES_MAX:]
        return list(changed.values()), told

    def chart(self) -> Chart:
        """Everything so far."""
        marks = list(self._marks.values())
        bands = list(self.bands.values())
        origin_at = bands[0].from_at if bands else marks[0].at if marks else ""
        return _cut(Chart(from_at="", to_at="", origin_at=origin_at, speed=self.speed, bands=bands, marks=marks))

    def _bend(self, entry: Entry) -> None:
        name = entry.actor.partition(":")[2] or entry.actor
        known = self.bands.get(entry.actor)
        if entry.verb == "inject" and entry.kind == "fail":
            self.bands.pop(entry.actor, None)
        elif entry.verb == "inject" and entry.kind != "note":
            from_at = str(entry.value.get("window_from_at") or (known.from_at if known else entry.at))
            text = f"{name}: {entry.value.get('fault', 'fault')} on {entry.value.get('target', '?')}"
            self.bands[entry.actor] = Band(id=name, text=text, from_at=from_at)
        elif entry.verb == "heal" and entry.kind == "ok" and known is not None:
            known.to_at = str(entry.value.get("window_to_at") or entry.at)

    def _mark(self, entry: Entry, words: str) -> Mark | None:
        who = entry.actor.partition(":")[2]
        if entry.verb == "checkout":
            return self._mark_order(entry, words, who)
        if entry.phase == "mend" and entry.actor == "mend" and entry.kind != "invoke":
            return Mark(id=f"n{entry.n}", at=entry.at, kind="step", outcome=entry.kind, text=words)
        if entry.verb in _STEPS and entry.kind != "invoke":
            return Mark(id=f"n{entry.n}", at=entry.at, kind="step", outcome=entry.kind, text=words)
        return None

    def _mark_order(self, entry: Entry, words: str, who: str) -> Mark | None:
        begun = self._marks.get(entry.operation)
        if entry.kind == "invoke":
            self.counts["attempts"] += 1
            self.counts["waiting"] += 1
            return Mark(id=entry.operation, at=entry.at, kind="order", outcome="waiting", text=words, customer=who)
        if begun is None or entry.kind not in _ENDS:
            return None
        self.counts["waiting"] -= begun.outcome == "waiting"
        outcome = _ENDS[entry.kind]
        self.counts[outcome] += 1
        order_id = str(entry.value.get("order_id") or "")
        return msgspec.structs.replace(begun, outcome=outcome, text=words, order=order_id)


def chart_of(report: Report, history: list[Entry], answers: dict[str, Answer], span: tuple[str, str]) -> Chart:
    """The chart of a finished case between the instants of *span*, empty ones being its begin and its end."""
    drawn = HistoryChart(report.header.speed or 1.0)
    drawn.take(history)
    bands = list(drawn.bands.values())
    marks = sorted([*_marks_of(report), *_log_marks(answers)], key=lambda mark: mark.at)
    ends = [one.at for one in marks] + [at for band in bands for at in (band.from_at, band.to_at) if at]
    first, last = (min(ends), max(ends)) if ends else (report.header.started_at, report.header.started_at)
    whole = Chart(
        from_at=span[0] or first,
        to_at=span[1] or last,
        origin_at=report.header.window_from_at or first,
        speed=report.header.speed or 1.0,
        bands=bands,
        marks=marks,
    )
    return _cut(whole)


def outcome_of(order: OrderRow) -> str:
    """What became of an order in the end: mended is odd before and balanced after."""
    if order.outcome_before == "odd" and order.outcome_after == "balanced":
        return "mended"
    return order.outcome_after or order.outcome_before or "unknown"


def _marks_of(report: Report) -> Iterator[Mark]:
    orders = {row.id: row for row in report.orders}
    for n, row in enumerate(report.timeline):
        text = row.what[:TEXT_MAX]
        if row.kind == "attempt":
            order = orders.get(row.order_id)
            outcome = outcome_of(order) if order else "not-placed"
            told = [row.customer, dollars(row.cents) if row.cents is not None else "", row.status or "no order"]
            if order:
                told += [
                    f"in the end {order.status_after or order.status_before}",
                    order.class_after or order.class_before,
                ]
            text = ", ".join(filter(None, told))[:TEXT_MAX]
            yield Mark(
                id=f"t{n}",
                at=row.at,
                kind="order",
                outcome=outcome,
                text=text,
                order=row.order_id,
                customer=row.customer,
            )
        elif row.kind in ("status", "money", "parcel", "notice"):
            yield Mark(id=f"t{n}", at=row.at, kind=row.kind, text=text, order=row.order_id, outcome=row.status)
        elif row.kind in ("event", "step"):
            yield Mark(id=f"t{n}", at=row.at, kind="cluster" if row.kind == "event" else "step", text=text)
    for fired in report.detection.fired:
        if fired.at:
            yield Mark(id=f"m{fired.name}", at=fired.at, kind="alert", outcome="unknown", text=fired.name[:TEXT_MAX])


def _log_marks(answers: dict[str, Answer]) -> Iterator[Mark]:
    """The lines that telemetry told of: what orders and the target wrote while the fault held."""
    for name in (ORDERS_LINES, TARGET_LINES):
        for line in answers[name].rows if name in answers else []:
            at, status = str(line.get("at") or ""), str(line.get("status") or "")
            if at:
                text = f"{line.get('service', '')}: {line.get('message', '')}"[:TEXT_MAX]
                yield Mark(id=f"l{line.get('id', at)}", at=at, kind="log", outcome=status, text=text)


def _cut(chart: Chart) -> Chart:
    """*chart* with the marks of its span only, thinned."""
    marks: Sequence[Mark] = chart.marks
    if chart.from_at and chart.to_at:
        first, last = instant(chart.from_at), instant(chart.to_at)
        marks = [mark for mark in marks if first <= instant(mark.at) <= last]
    total = len(marks)
    if total > MARKS_MAX:
        odd = [mark for mark in marks if mark.outcome == "odd"][:MARKS_MAX]
        others = [mark for mark in marks if mark.outcome != "odd"]
        room = MARKS_MAX - len(odd)
        kept = others[:: -(-len(others) // room)] if room else []
        marks = sorted([*odd, *kept], key=lambda mark: mark.at)
    return msgspec.structs.replace(chart, marks=list(marks), total=total)
