"""What the books say of a cell: counted from its case's evidence after the heal, never from what a client saw."""

from collections import defaultdict

import msgspec

from oddsock.drill.account import Books, read_books
from oddsock.drill.case import Case
from oddsock.drill.customers import operations
from oddsock.drill.history import Entry
from oddsock.drill.ledger import OPEN, Row
from oddsock.drill.operation import Operation
from oddsock.drill.plan import Plan
from oddsock.kit.clock import instant

PHASE = "after-heal"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one cell; *wanted* counts carts that somebody wanted to buy, however often the button was pressed.

    Times are wall seconds from the first fault: until a monitor fired, and from the heal until nothing was open.
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
    accepted_per_s: float | None = None
    late: int = 0
    detect_s: float | None = None
    balanced_s: float | None = None


def measure(case: Case, plan: Plan, detect_s: float | None = None) -> Figures:
    """The figures of *case*, which ran *plan*; reads files only."""
    books = read_books(case, PHASE)
    history = list(case.history)
    began, healed = _window(history)
    visits = _visits(books, plan)
    classes = _classes(books)
    accepted = _placed_between(books, began, healed)
    outage_s = _seconds(began, healed)
    paid = sum(1 for rows in visits.values() if any(row.is_placed and row.live_charges for row in rows))
    return Figures(
        wanted=len(visits),
        paid=paid,
        lost=sum(1 for rows in visits.values() if not any(_is_answered(row) for row in rows)),
        double_charged=sum(1 for rows in visits.values() if sum(len(row.live_charges) for row in rows) > 1),
        orphan_charges=len(books.ledger.orphan_charges)
        + sum(1 for row in _rows(books) if row.live_charges and not row.is_placed and row.status not in OPEN),
        stuck=sum(1 for row in _rows(books) if row.status in OPEN),
        untold=classes["N1"] + classes["N2"],
        falsely_shown=classes["V1"],
        odd=len({finding.order_id or finding.attempt or finding.sentence for finding in books.findings}),
        recovered_cents=sum(
            row.order.total_cents for row in accepted if row.order and row.is_placed and _paid_at(row) > healed
        ),
        accepted_in_outage=len(accepted),
        accepted_per_s=round(len(accepted) / outage_s, 2) if outage_s else None,
        late=sum(1 for attempt in books.ledger.attempts if attempt.late_s > 0.05 * plan.speed),
        detect_s=detect_s,
        balanced_s=_settled_s(history),
    )


def _rows(books: Books) -> list[Row]:
    return [row for row in books.ledger.rows if not row.before_window and not row.synthetic]


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


def _placed_between(books: Books, began: str, healed: str) -> list[Row]:
    """The orders made in the outage that ended neither failed nor unfinished."""
    rows = [row for row in _rows(books) if row.history and began <= row.history[0].at < healed]
    return [row for row in rows if row.is_placed or row.status in OPEN]


def _paid_at(row: Row) -> str:
    return next((change.at for change in row.history if change.status == "PAID"), "")


def _classes(books: Books) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for finding in books.findings:
        counts[finding.check] += 1
    return counts


def _window(history: list[Entry]) -> tuple[str, str]:
    main = [entry for entry in history if entry.phase == "main"]
    began = next(
        (str(e.value.get("window_from_at") or e.at) for e in main if e.verb == "inject" and e.kind != "invoke"), ""
    )
    healed = next((e.at for e in reversed(main) if e.verb == "heal" and e.kind != "invoke"), "")
    return began, healed


def _settled_s(history: list[Entry]) -> float | None:
    """Wall seconds of the wait for a settled shop after the heal; None when it did not settle in its time."""
    done = next((e for e in history if e.verb == "settle" and e.kind not in ("invoke", "fail")), None)
    return float(done.value["wall_s"]) if done is not None and done.value.get("settled") else None


def _seconds(began: str, healed: str) -> float:
    return (instant(healed) - instant(began)).total_seconds() if began and healed else 0.0
