"""Section 6, the orders ledger: one row an order with all books side by side, before and after the mend."""

from collections.abc import Iterable

from oddsock.clients.sockshop.books import Charge, Order
from oddsock.drill.evidence_files import Evidence
from oddsock.drill.operation import Attempt
from oddsock.drill.report.context import Context
from oddsock.drill.report.figure import plural
from oddsock.drill.report.rows import Group, OrderLine, OrderRow
from oddsock.kit.clock import instant
from oddsock.kit.money import dollars


def list_orders(context: Context) -> list[OrderRow]:
    """Every order of the case in the order they were placed; none when no orders were read."""
    latest = {**context.orders(context.before), **context.orders(context.after)}
    attempts = {context.order_of_attempt.get(a.operation, ""): a for a in reversed(context.files.attempts)}
    rows = [_row(context, order, attempts.get(order.id)) for order in latest.values()]
    return sorted(rows, key=lambda row: (instant(row.placed_at), row.id))


def captured(charges: Iterable[Charge], order_id: str) -> int:
    """Whole cents captured for an order."""
    return sum(row.amount_cents for row in charges if row.order_id == order_id and row.kind == "capture")


def refunded(charges: Iterable[Charge], order_id: str) -> int:
    """Whole cents given back for an order."""
    return sum(row.amount_cents for row in charges if row.order_id == order_id and row.kind == "refund")


def shown_label(evidence: Evidence | None, order_id: str) -> str:
    """What the customer's page last said of an order in a phase; empty without evidence."""
    rows = evidence.shown.rows if evidence else []
    return next((row.label for row in reversed(rows) if row.order_id == order_id), "")


def _group(context: Context, order: Order, attempt: Attempt | None) -> Group:
    if attempt and attempt.synthetic:
        return "synthetic"
    outcomes = [context.outcome(phase, order.id) for phase in context.accounts]
    if any(outcome and outcome.carried_over for outcome in outcomes):
        return "carried over"
    if attempt and attempt in context.window_attempts:
        return "window"
    if context.window is None or instant(order.placed_at) < instant(context.window.from_at):
        return "before"
    return "after"


def _row(context: Context, order: Order, attempt: Attempt | None) -> OrderRow:
    before, after = context.evidence(context.before), context.evidence(context.after)
    was = context.orders(context.before).get(order.id)
    last = after or before
    journal = [change for change in last.journal.rows if change.order_id == order.id] if last else []
    outcome_before = context.outcome("after-heal", order.id)
    outcome_after = context.outcome("after-mend", order.id)
    return OrderRow(
        id=order.id,
        attempt=attempt.operation if attempt else "",
        group=_group(context, order, attempt),
        failed=order.id in context.failed_ids,
        customer=order.username or (attempt.username if attempt else ""),
        customer_id=order.customer_id,
        placed_at=order.placed_at,
        total_cents=order.total_cents,
        total_wire=order.total_wire,
        lines=[
            OrderLine(
                item_id=line.item_id,
                name=context.name_of(line.item_id),
                quantity=line.quantity,
                unit_cents=line.unit_cents,
            )
            for line in order.lines
        ],
        status_before=was.status if was else "",
        status_after=order.status if context.after else "",
        reason=order.reason,
        cause=next((change.cause for change in journal if change.cause), ""),
        statuses=[change.status for change in journal],
        shipment_before=was.shipment_id if was else None,
        shipment_after=order.shipment_id if context.after else None,
        shown_before=shown_label(context.evidence("during"), order.id) or shown_label(before, order.id),
        shown_after=shown_label(after, order.id),
        http_status=attempt.http_status if attempt else None,
        message=attempt.message if attempt else "",
        told=attempt.told if attempt else "",
        notices=[notice.event for notice in last.notices.rows if notice.order_id == order.id] if last else [],
        captured_cents=captured(last.charges.rows, order.id) if last else 0,
        refunded_cents=refunded(last.charges.rows, order.id) if last else 0,
        outcome_before=outcome_before.kind if outcome_before else "",
        outcome_after=outcome_after.kind if outcome_after else "",
        class_before=outcome_before.headline if outcome_before else "",
        class_after=outcome_after.headline if outcome_after else "",
        classes_before=sorted({f.class_name for f in outcome_before.findings}) if outcome_before else [],
        mended=_spell_mend(before, after, order.id) if was else "",
    )


def _spell_mend(before: Evidence | None, after: Evidence | None, order_id: str) -> str:
    """What changed for an order between the heal and the mend, read from the books; empty when nothing did."""
    if before is None or after is None or before is after:
        return ""
    told: list[str] = []
    known = {change.seq for change in before.journal.rows}
    was = [change.status for change in before.journal.rows if change.order_id == order_id]
    new = [change for change in after.journal.rows if change.order_id == order_id and change.seq not in known]
    if new:
        key = next((change.idempotency_key for change in new if change.idempotency_key), "")
        path = " → ".join([*was[-1:], *(change.status for change in new)])
        told.append(
            f"{'retried' if 'PENDING' in path else 'changed'} through orders: {path}" + (f", key {key}" if key else "")
        )
    cents = captured(after.charges.rows, order_id) - captured(before.charges.rows, order_id)
    back = refunded(after.charges.rows, order_id) - refunded(before.charges.rows, order_id)
    told += [f"{dollars(cents)} captured"] if cents else []
    told += [f"{dollars(back)} refunded"] if back else []
    parcels = {row.shipment_id for row in after.shipments.rows if row.order_id == order_id}
    parcels -= {row.shipment_id for row in before.shipments.rows if row.order_id == order_id}
    told += [f"shipment {parcel}" for parcel in sorted(parcels)]
    notices = [row.event for row in after.notices.rows if row.order_id == order_id]
    notices = notices[len([row for row in before.notices.rows if row.order_id == order_id]) :]
    told += [f"{plural(len(notices), 'notice')} sent ({', '.join(notices)})"] if notices else []
    shown_was, shown_now = shown_label(before, order_id), shown_label(after, order_id)
    if shown_now and shown_now != shown_was:
        told.append(f"shown “{shown_now}” instead of “{shown_was}”")
    return "; ".join(told)
