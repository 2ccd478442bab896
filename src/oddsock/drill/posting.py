"""Posting: every line of every book goes into the row of the order it belongs to, or stays an orphan."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from oddsock.clients.sockshop.books import Notice, Order
from oddsock.drill.course import Course
from oddsock.drill.evidence_files import BookEvidence, Evidence
from oddsock.drill.grouping import ChargeGroup, Parcel, group_charges, group_parcels
from oddsock.drill.ledger import LEDGER_BOOKS, NOT_KEPT, SIDE_BOOKS, Aside, Ledger, Row
from oddsock.drill.matching import AttemptMatch, Place, Places, match_attempts
from oddsock.drill.operation import Attempt
from oddsock.kit.ids import trace_id

Grouped = TypeVar("Grouped", ChargeGroup, Parcel)
Line = TypeVar("Line")


def build_ledger(
    evidence: Evidence, course: Course, before: Evidence | None = None, aside: Aside | None = None
) -> Ledger:
    """Match all that *evidence* holds to the orders and to the attempts made until then; pure."""
    taken_at = evidence.orders.taken_at or evidence.taken_at
    attempts = course.attempts_until(taken_at)
    orders = list({order.id: order for order in evidence.orders.rows}.values())
    journal = sorted(evidence.journal.rows, key=lambda change: change.seq)
    matches, ambiguous_orders = match_attempts(attempts, orders, journal)
    rows = _rows(attempts, matches, orders, ambiguous_orders)
    changes = _grouped(journal, lambda change: change.order_id)
    shown = _grouped(evidence.shown.rows, lambda line: line.order_id)
    shown_before = _grouped(course.shown_until(evidence.shown.taken_at), lambda line: line.order_id)
    events = _grouped(sorted(evidence.order_events.rows, key=lambda event: event.seq), lambda event: event.order_id)
    carts = _grouped(evidence.carts.rows, lambda line: line.customer_id)
    for row in rows:
        row.history, row.shown = changes.get(row.order_id, []), shown.get(row.order_id, [])
        row.shown_before, row.events = shown_before.get(row.order_id, []), events.get(row.order_id, [])
        row.cart = carts.get(row.customer_id, [])
        _place_in_time(row, course)
    places = Places([_as_place(str(n), row) for n, row in enumerate(rows)])
    return Ledger(
        phase=evidence.phase,
        taken_at=taken_at,
        evidence=evidence,
        course=course,
        attempts=attempts,
        rows=rows,
        orphan_charges=_post(group_charges(evidence.charges.rows), rows, places, "charges", lambda row: row.charges),
        orphan_parcels=_post(
            group_parcels(evidence.shipments.rows), rows, places, "shipments", lambda row: row.parcels
        ),
        orphan_notices=_post_notices(rows, evidence.notices.rows),
        missing=missing_books(evidence) | _missing_attempts(course),
        before=before,
        aside=aside or Aside(),
    )


def _grouped(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, list[Line]]:
    groups: dict[str, list[Line]] = {}
    for line in lines:
        if name := key(line):
            groups.setdefault(name, []).append(line)
    return groups


def missing_books(evidence: Evidence) -> dict[str, str]:
    """Every book of the ledger that was not read, and every one that stands beside it, with the reason."""
    books: dict[str, BookEvidence[Any]] = {name: getattr(evidence, name) for name in LEDGER_BOOKS + SIDE_BOOKS}
    return {name: book.missing for name, book in books.items() if book.missing is not None}


def _missing_attempts(course: Course) -> dict[str, str]:
    # A fault by hand, or a plan without customers, leaves the shop to others, of whom no history is kept.
    if course.attempts:
        return {}
    return {"attempts": f"{NOT_KEPT}: nobody recorded what the customers tried"}


def _rows(
    attempts: Sequence[Attempt],
    matches: Sequence[AttemptMatch],
    orders: Sequence[Order],
    ambiguous_orders: dict[str, str],
) -> list[Row]:
    by_id = {order.id: Row(order_id=order.id, order=order) for order in orders}
    for order_id, reason in ambiguous_orders.items():
        by_id[order_id].ambiguous["attempts"] = reason
    without: list[Row] = []
    for attempt, match in zip(attempts, matches, strict=True):
        present = [order_id for order_id in match.order_ids if order_id in by_id]
        own = (present or match.order_ids or [""])[0]
        row = by_id.get(own)
        if row is None:
            row = Row(order_id=own, order=None)
            without.append(row)
            if own:
                by_id[own] = row
        row.attempts.append(attempt)
        row.synthetic = row.synthetic or attempt.synthetic
        if match.ambiguous:
            row.ambiguous["attempts"] = match.ambiguous
        for surplus in present[1:]:
            by_id[surplus].claimant = attempt.operation
    return [by_id[order.id] for order in orders] + without


def _post(
    groups: list[Grouped], rows: Sequence[Row], places: Places, book: str, lines_of: Callable[[Row], list[Grouped]]
) -> list[Grouped]:
    """Put each group into the row it belongs to and return those that belong to none."""
    orphans = []
    for group in groups:
        keys, is_sure = places.match(group.tie)
        if not keys:
            orphans.append(group)
        elif is_sure or len(keys) == 1:
            lines_of(rows[int(keys[0])]).append(group)
        else:
            reason = f"the shop passes no ids on, and a line of {book} could belong to {len(keys)} orders"
            for key in keys:
                rows[int(key)].ambiguous[book] = reason
    return orphans


def _as_place(key: str, row: Row) -> Place:
    order, first = row.order, row.attempts[0] if row.attempts else None
    return Place(
        key=key,
        order_id=row.order_id,
        shipment_id=(order.shipment_id or "") if order else "",
        customer_id=row.customer_id,
        total_cents=order.total_cents if order else (first.total_cents if first else 0),
        from_at=order.placed_at if order else (first.invoked_at if first else ""),
        to_at="" if order or not first else first.completed_at,
        request_ids=frozenset(attempt.request_id for attempt in row.attempts if attempt.request_id),
        trace_ids=frozenset(filter(None, (trace_id(attempt.traceparent) for attempt in row.attempts))),
    )


def _post_notices(rows: Sequence[Row], notices: Iterable[Notice]) -> list[Notice]:
    """Put each mail about an order into its row and return those about unknown orders; other mail proves nothing."""
    by_order = {row.order_id: row for row in rows if row.order_id}
    orphans = []
    for notice in sorted({n.seq: n for n in notices}.values(), key=lambda notice: notice.seq):
        if notice.order_id in by_order:
            by_order[notice.order_id].notices.append(notice)
        elif notice.order_id:
            orphans.append(notice)
    return orphans


def _place_in_time(row: Row, course: Course) -> None:
    began_at = row.order.placed_at if row.order else row.attempts[0].invoked_at
    row.before_window = course.is_before_window(began_at)
    row.before_drill = course.is_before_drill(began_at) and not row.attempts
