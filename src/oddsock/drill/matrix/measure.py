"""What the books say of a cell: counted from its case's evidence after the heal, never from what a client saw."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from oddsock.clients.sockshop.browser import VANISHED
from oddsock.drill.account import Books, read_books, uncollected
from oddsock.drill.case import Case
from oddsock.drill.customers import operations
from oddsock.drill.ledger import OPEN, Row
from oddsock.drill.matrix.noticed import Noticed
from oddsock.drill.operation import Attempt, Operation
from oddsock.drill.plan import Plan
from oddsock.drill.telemetry_span import Span, read_span
from oddsock.kit.clock import instant

PHASE = "after-heal"

BOOKS = (
    "orders", "journal", "charges", "shipments", "notices", "shown", "carts", "catalogue", "customers", "owners",
    "order_events",
)  # fmt: skip
"""What a cell's evidence has to hold for its figures."""

LATE_SHARE = 0.08
"""A customer of the load is late whose first order is such a share of the main clock behind the plan: the machine is
too busy, and what comes later still would come about the heal."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one cell; *wanted* counts carts that somebody wanted to buy, however often the button was pressed.

    Times are plan seconds: *detect_plan_s* from the fault to a monitor's alert, *drain_plan_s* from the complete heal,
    *balanced_plan_s* from its beginning, to the last order's end; None is never. *accepted_per_min* is by plan minute.
    *errors_found* is None where no telemetry was asked, and so is what *is_watched* says of *detect_plan_s*.
    """

    wanted: int
    paid: int
    lost: int
    double_charged: int
    orphan_charges: int
    stuck: int
    untold: int
    falsely_shown: int
    odd: int
    recovered_cents: int
    accepted_in_outage: int
    accepted_per_min: float | None = None
    drain_plan_s: float | None = None
    balanced_plan_s: float | None = None
    drift_checkable: int = 0
    is_watched: bool = False
    detect_plan_s: float | None = None
    errors_found: int | None = None
    late: int = 0


def measure(case: Case, plan: Plan, noticed: Noticed | None = None) -> Figures:
    """The figures of *case*, which ran *plan* and was *noticed* so by its telemetry; reads files only."""
    with uncollected():
        books = read_books(case, PHASE)
        return count(books, plan, read_span(case.history), noticed)


def count(books: Books, plan: Plan, span: Span | None, noticed: Noticed | None = None) -> Figures:
    """The figures of judged *books*, whose fault held in *span*; pure."""
    rows = [row for row in books.ledger.rows if not row.before_window and not row.synthetic]
    visits = _visits(books, plan).values()
    earlier = {row.order_id for row in books.ledger.rows if row.before_window and row.order_id}
    findings = [finding for finding in books.findings if finding.order_id not in earlier]
    classes = Counter(finding.check for finding in findings)
    accepted = _accepted(rows, span)
    figures = Figures(
        wanted=len(visits),
        paid=sum(1 for visit in visits if any(row.is_placed and row.live_charges for row in visit)),
        lost=sum(1 for visit in visits if not any(_is_answered(row) for row in visit)),
        double_charged=sum(1 for visit in visits if sum(len(row.live_charges) for row in visit) > 1),
        orphan_charges=len(books.ledger.orphan_charges)
        + sum(1 for row in rows if row.live_charges and not row.is_placed and row.status not in OPEN),
        stuck=sum(1 for row in rows if row.status in OPEN),
        untold=classes["N1"] + classes["N2"],
        falsely_shown=classes["V1"],
        odd=len({finding.order_id or finding.attempt or finding.sentence for finding in findings}),
        recovered_cents=sum(row.order.total_cents for row in accepted if row.order and _is_recovered(row)),
        accepted_in_outage=len(accepted),
        drift_checkable=sum(1 for row in rows if row.events),
        late=sum(1 for attempt in _first_attempts(books) if attempt.late_s > LATE_SHARE * plan.ends_at_s),
    )
    if noticed is not None:
        figures = msgspec.structs.replace(figures, is_watched=True, errors_found=noticed.errors_found)
    return figures if span is None else _timed(figures, rows, span, plan.speed, noticed)


def _timed(figures: Figures, rows: list[Row], span: Span, speed: float, noticed: Noticed | None) -> Figures:
    """*figures* with what depends on when the fault began and its heal."""
    ended_at = max((row.history[-1].at for row in rows if row.history), default="")
    outage_min = _plan_s(span.from_at, span.to_at, speed) / 60
    untrue = figures.lost, figures.double_charged, figures.orphan_charges, figures.untold, figures.falsely_shown
    return msgspec.structs.replace(
        figures,
        accepted_per_min=round(figures.accepted_in_outage / outage_min, 2) if outage_min else None,
        drain_plan_s=None if figures.stuck else _plan_s(span.to_at, ended_at, speed),
        balanced_plan_s=None if figures.stuck or any(untrue) else _plan_s(span.healing_at, ended_at, speed),
        detect_plan_s=_plan_s(span.from_at, noticed.alerted_at, speed) if noticed and noticed.alerted_at else None,
    )


def _first_attempts(books: Books) -> Iterable[Attempt]:
    """Each customer's first: what comes after may be late because of the fault."""
    return {attempt.username: attempt for attempt in reversed(books.ledger.attempts)}.values()


def _plan_s(from_at: str, to_at: str, speed: float) -> float:
    """Plan seconds between two instants, 0 where there is no second one or it is the earlier one."""
    if not from_at or not to_at:
        return 0.0
    return round(max(0.0, (instant(to_at) - instant(from_at)).total_seconds()) * speed, 1)


def _visits(books: Books, plan: Plan) -> dict[str, list[Row]]:
    """The rows of each cart that somebody wanted to buy on the main clock: a form, or one cart ordered again."""
    visit_of = _name_visits(operations(plan))
    visits: dict[str, list[Row]] = defaultdict(list)
    for row in books.ledger.rows:
        for name in dict.fromkeys(visit_of.get(attempt.operation, "") for attempt in row.attempts):
            if name:
                visits[name].append(row)
    return visits


def _name_visits(planned: list[Operation]) -> dict[str, str]:
    """The visit of each checkout of the main clock, by operation."""
    names: dict[str, str] = {}
    carts: dict[str, int] = defaultdict(int)
    for one in planned:
        if one.verb != "checkout":
            carts[one.username] += 1
        elif one.phase == "main":
            names[one.id] = one.order_token or f"{one.username}:{carts[one.username]}"
    return names


def _is_answered(row: Row) -> bool:
    """Whether the books have an answer for who ordered: bought, still open, or declined for good."""
    return (row.is_placed and bool(row.live_charges)) or row.status in OPEN or row.is_declined


def _accepted(rows: list[Row], span: Span | None) -> list[Row]:
    """The orders made in the outage that ended neither failed nor unfinished."""
    if span is None:
        return []
    made = [row for row in rows if row.history and span.from_at <= row.history[0].at < span.to_at]
    return [row for row in made if row.is_placed or row.status in OPEN]


def _is_recovered(row: Row) -> bool:
    """Whether the order was paid when nobody waited for it any more, and not because the browser had vanished."""
    paid_at = next((change.at for change in row.history if change.status == "PAID"), "")
    waited = [attempt for attempt in row.attempts if attempt.completed_at and attempt.error != VANISHED]
    return row.is_placed and bool(waited) and all(attempt.completed_at < paid_at for attempt in waited)
