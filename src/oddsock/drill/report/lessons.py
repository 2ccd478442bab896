"""Section 15: what went well, what went wrong and where we were lucky, each only when a fact of this run says so."""

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Detection, Impact, Lessons, Odd, Recovery, Verdicts
from oddsock.drill.report.figure import plural
from oddsock.drill.report.rows import OrderRow
from oddsock.drill.report.state_probes import count_refused
from oddsock.kit.money import dollars


def draw_lessons(
    context: Context,
    impact: Impact,
    odd: Odd,
    recovery: Recovery,
    verdicts: Verdicts,
    orders: list[OrderRow],
    detection: Detection,
) -> Lessons:
    """Three lists from facts; the fourth box stays open for people."""
    return Lessons(
        went_well=_well(context, recovery, verdicts, odd, orders),
        went_wrong=_wrong(context, impact, recovery, odd, detection),
        lucky=_lucky(context, recovery, orders),
        people="",
    )


def _well(context: Context, recovery: Recovery, verdicts: Verdicts, odd: Odd, orders: list[OrderRow]) -> list[str]:
    failed = [row for row in orders if row.failed]
    told: list[str] = []
    if failed and all(row.shipment_before is None for row in failed):
        told.append("The orders service shipped nothing that was not paid.")
    evidence = context.evidence(context.before)
    if failed and evidence and evidence.charges.present:
        named = {row.order_id for row in evidence.charges.rows if row.kind == "capture"}
        if not named & {row.id for row in failed}:
            told.append("No customer was charged for an order that failed.")
    if failed and len(failed) == len(context.failed_attempts):
        told.append("Every failed attempt left an order on record, so each could be found and mended.")
    if verdicts.cleanup.verdict == "ok" and context.window:
        told.append("Everything that the fault changed was put back.")
    if odd.after_taken and odd.before_total and not odd.after_total:
        told.append(f"{odd.before_total} odd orders were mended to 0.")
    if recovery.paid:
        told.append(f"{dollars(recovery.collected_cents)} of {plural(recovery.paid, 'order')} was collected after all.")
    return told


def _wrong(context: Context, impact: Impact, recovery: Recovery, odd: Odd, detection: Detection) -> list[str]:
    told: list[str] = []
    if impact.orders_failed:
        told.append(
            f"{impact.orders_failed} of {plural(impact.orders_attempted, 'order')} failed for want of one service."
        )
    if impact.untold:
        told.append(f"{plural(impact.untold, 'attempt')} failed without a word to the customer.")
    if impact.shown_wrong:
        told.append(f"{plural(impact.shown_wrong, 'failed order')} were shown as “Shipped”.")
    if impact.orders_failed and not detection.monitors:
        told.append("No monitor exists, so nobody was called.")
    elif impact.orders_failed and detection.after is None:
        told.append(f"None of {plural(detection.monitors, 'monitor')} fired, so nobody was called.")
    if recovery.declined:
        verb = "was" if recovery.declined == 1 else "were"
        told.append(
            f"{plural(recovery.declined, 'order')} ({dollars(recovery.declined_cents)}) {verb} over the decline limit, "
            "which nobody learnt before the mend."
        )
    if odd.after_total:
        told.append(f"{odd.after_total} odd orders are left.")
    if odd.carried_over_total:
        told.append(f"{odd.carried_over_total} odd before the fault, and nobody had noticed.")
    return told


def _lucky(context: Context, recovery: Recovery, orders: list[OrderRow]) -> list[str]:
    told: list[str] = []
    unknown = [a for a in context.failed_attempts if a.end == "unknown"]
    failed = [row for row in orders if row.failed]
    evidence = context.evidence(context.before)
    charges = evidence.charges.rows if evidence and evidence.charges.present else None
    asked = {a.request_id for a in unknown} - {""}
    charged = {c.order_id for c in charges or ()} & {row.id for row in failed}
    charged |= {c.request_id for c in charges or ()} & asked
    if unknown and charges is not None and not charged:
        refused = bool(failed) and count_refused(context) == len(failed)
        because = ", because every connection was refused before anything was sent" if refused else ""
        told.append(
            f"{plural(len(unknown), 'attempt')} ended unknown for the customer (HTTP 5xx or no answer) and could each "
            f"have hidden a charge; the books show that none did{because}."
        )
    if recovery.reattempts:
        told.append(
            f"{plural(len(recovery.reattempts), 'failed order')} look like an earlier try of the same purchase; had "
            "payment only answered late, the customer could have paid for both."
        )
    return told
