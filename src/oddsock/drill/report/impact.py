"""Section 4: impact in exact numbers, the money statement, and the named times."""

from collections.abc import Sequence

from oddsock.drill.report.context import PAID_STATUSES, Context
from oddsock.drill.report.detection import first_fired
from oddsock.drill.report.document import Impact
from oddsock.drill.report.figure import duration
from oddsock.drill.report.folder import evidence_file, spell_phase
from oddsock.drill.report.orders import captured, refunded
from oddsock.drill.report.rows import MoneyLine, OrderRow, TimeSpan
from oddsock.drill.report.window import seconds_between

HISTORY = "history.jsonl"


def measure_impact(context: Context, orders: list[OrderRow]) -> Impact:
    """The impact of the main window, each number kept as a figure with its source."""
    keep, counted = context.figures, context.before
    books = [evidence_file(counted, "orders")] if counted else []
    rule = f"of those, attempts without a paid order {spell_phase(counted)}" if counted else "of those, answers not 2xx"
    attempted, failed = context.window_attempts, context.failed_attempts
    customers = sorted({attempt.username for attempt in failed})
    totals = {row.id: row.total_cents for row in orders}
    at_risk = sum(totals.get(context.order_of_attempt.get(a.operation, ""), a.total_cents) for a in failed)
    rows = [row for row in orders if row.failed]
    untold = [attempt for attempt in failed if attempt.told == "nothing" and attempt.completed_at]
    window = "checkouts of customers (not synthetic) that began while the fault was in force"
    return Impact(
        orders_attempted=keep.count("impact.orders_attempted", len(attempted), "orders", [HISTORY], window),
        orders_failed=keep.count("impact.orders_failed", len(failed), "orders", [HISTORY, *books], rule),
        failure_percent=keep.percent(
            "impact.failure_percent", len(failed), len(attempted), [HISTORY, *books], "failed / attempted"
        ),
        customers_affected=keep.count(
            "impact.customers_affected", len(customers), "customers", [HISTORY], "distinct customers of failed attempts"
        ),
        customers=customers,
        at_risk_cents=keep.money(
            "impact.at_risk_cents",
            at_risk,
            [HISTORY, *books],
            "sum of the totals of the failed orders in whole cents (of the cart, where no order was left)",
        ),
        shown_wrong=_count_shown(context, rows),
        untold=keep.count(
            "impact.untold", len(untold), "orders", [HISTORY], "failed attempts that got an answer without a message"
        ),
        counted_in=counted or "history",
        money=_state_money(context, orders),
        times=_name_times(context),
    )


def _count_shown(context: Context, failed: list[OrderRow]) -> int | None:
    """Failed orders whose page said Shipped while there was no shipment; None when no page was read."""
    phase = "during" if context.files.has("during", "shown") else context.before
    if not phase or not context.files.has(phase, "shown"):
        return None
    wrong = [row for row in failed if row.shown_before == "Shipped" and row.shipment_before is None]
    files = [evidence_file(phase, "shown"), evidence_file(context.before, "orders")]
    rule = "failed orders whose page said “Shipped” while no shipment existed"
    return context.figures.count("impact.shown_wrong", len(wrong), "orders", files, rule)


def _state_money(context: Context, orders: list[OrderRow]) -> list[MoneyLine]:
    evidence = context.evidence(context.last)
    if evidence is None or not evidence.charges.present:
        return []
    file = [evidence_file(context.last, "charges"), evidence_file(context.last, "orders")]
    failed = [row for row in orders if row.failed]
    earlier = [row for row in orders if row.group == "before"]
    test = [row for row in orders if row.group == "synthetic"]
    paid = [row for row in orders if _status(row) in PAID_STATUSES]
    declined = [row for row in failed if _status(row) == "CANCELLED" and row.reason == "payment_declined"]
    owed = [row for row in orders if _status(row) not in PAID_STATUSES and row.captured_cents > row.refunded_cents]
    captures = sum(row.amount_cents for row in evidence.charges.rows if row.kind == "capture")
    refunds = sum(row.amount_cents for row in evidence.charges.rows if row.kind == "refund")
    collected = sum(row.captured_cents - row.refunded_cents for row in failed)
    unplaced = context.unplaced
    lost = sum(attempt.total_cents for attempt in unplaced)
    at_risk = sum(row.total_cents for row in failed) + lost
    open_cents = at_risk - collected - sum(row.total_cents for row in declined) - lost
    known = {row.id for row in orders}
    loose = {line.order_id for line in evidence.charges.rows if line.order_id} - known
    held = {one: captured(evidence.charges.rows, one) - refunded(evidence.charges.rows, one) for one in loose}
    orphans = [one for one, cents in held.items() if cents > 0]
    open_rows = [row for row in failed if _status(row) not in PAID_STATUSES and row not in declined]
    expected = sum(row.total_cents for row in paid)
    never = [("never placed", lost, unplaced, "carts of the attempts that left no order")]
    table: list[tuple[str, int, Sequence[object], str]] = [
        ("collected before the fault", sum(r.captured_cents for r in earlier), earlier, "captures of earlier orders"),
        ("at risk in the window", at_risk, [*failed, *unplaced], "totals of the failed orders"),
        ("collected by the mend", collected, [r for r in failed if r.captured_cents], "their captures less refunds"),
        ("declined by payment", sum(r.total_cents for r in declined), declined, "totals, CANCELLED payment_declined"),
        *(never if unplaced else []),
        ("still open", open_cents, open_rows, "at risk less collected less declined less never placed"),
        ("charged for the test order", sum(r.captured_cents for r in test), test, "captures of synthetic orders"),
        ("refunded", refunds, [r for r in orders if r.refunded_cents], "all refunds"),
        (
            "owed to customers",
            sum(r.captured_cents - r.refunded_cents for r in owed) + sum(held[one] for one in orphans),
            [*owed, *orphans],
            "held for unpaid orders, or for none",
        ),
        ("net in payment's book", captures - refunds, [r for r in orders if r.captured_cents], "captures less refunds"),
        ("totals of the paid orders", expected, paid, "what the net must be, to the cent (G1)"),
    ]
    lines = [MoneyLine(name=name, cents=cents, orders=len(rows), rule=rule) for name, cents, rows, rule in table]
    for n, line in enumerate(lines):
        context.figures.money(f"impact.money[{n}].cents", line.cents, file, line.rule)
    return lines


def _status(row: OrderRow) -> str:
    return row.status_after or row.status_before


def _first(instants: list[str]) -> str:
    return min(instants, default="")


def _span(context: Context, path: str, name: str, meaning: str, from_at: str, to_at: str) -> TimeSpan:
    took = duration(seconds_between(from_at, to_at), context.speed) if from_at and to_at else None
    if took:
        context.figures.duration(path, took.wall_s, context.speed, [HISTORY], meaning)
    return TimeSpan(name=name, meaning=meaning, from_at=from_at, to_at=to_at, duration=took)


def _name_times(context: Context) -> list[TimeSpan]:
    """Time to detect, to mitigate and to resolve, and what lies under them; open ends stay open."""
    window, files = context.window, context.files
    if window is None:
        return []
    first_failure = _first([a.completed_at or a.invoked_at for a in context.failed_attempts])
    last_failure = max((a.completed_at or a.invoked_at for a in context.failed_attempts), default="")
    healed = window.to_at
    healthy = _first([e.at for e in files.entries("health", "ok") if healed and e.at >= healed]) or healed
    mended = max((e.at for e in files.history if e.phase == "mend" and e.kind == "ok"), default="")
    resolved = (mended or files.evidence["after-mend"].taken_at) if context.after else ""
    begin = window.from_at
    detected = first_fired(context)
    watched = "from the fault until a monitor fired" + ("" if detected else "; none did in this run")
    table = [
        ("fault in force", "from the moment the fault was injected until it was healed", begin, healed),
        ("impact", "from the first failed order until the last one", first_failure, last_failure),
        ("time to detect", watched, begin, max(detected, begin) if detected else ""),
        ("time to mitigate", "from the fault until the service answered as healthy", begin, healthy),
        ("time to resolve", "from the fault until the last order was mended", begin, resolved),
    ]
    return [
        _span(context, f"impact.times[{n}].duration", name, meaning, from_at, to_at)
        for n, (name, meaning, from_at, to_at) in enumerate(table)
    ]
