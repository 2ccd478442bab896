"""Compared with the hand-written report of 30 October 2025: each of its claims against this run's evidence.

Only for the plan that repeats that incident. What the report says is quoted here, never what this run should give.
"""

from oddsock.drill.exports import ExportCheck
from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Detection, Impact, Recovery
from oddsock.drill.report.figure import plural
from oddsock.drill.report.folder import DURING, evidence_file
from oddsock.drill.report.recovery import is_declined
from oddsock.drill.report.rows import Comparison, OrderRow
from oddsock.kit.money import dollars

PLAN = "incident-3"
REPORT_AT_RISK_CENTS = 37421
REPORT_FAILED = 5


def compare(
    context: Context,
    impact: Impact,
    recovery: Recovery,
    detection: Detection,
    orders: list[OrderRow],
    exports: list[ExportCheck],
) -> list[Comparison]:
    """Claim by claim; empty for any other plan and for a run in which nothing failed."""
    failed = [row for row in orders if row.failed]
    if context.files.meta.plan != PLAN or not failed:
        return []
    return [
        _count(impact),
        _money(impact, failed),
        _collectable(recovery, failed),
        _label(context),
        _names(context, failed),
        _times(impact, detection),
        _export(exports),
        _untold(impact),
        _cut_off(impact, recovery),
    ]


def _row(topic: str, theirs: str, ours: str, why: str, source: str) -> Comparison:
    return Comparison(topic=topic, theirs=theirs, ours=ours, why=why, source=source)


def _count(impact: Impact) -> Comparison:
    same = impact.orders_failed == impact.orders_attempted == REPORT_FAILED
    return _row(
        "Orders",
        "5 attempted, 5 failed, 2 customers",
        f"{impact.orders_attempted} attempted, {impact.orders_failed} failed, {impact.customers_affected} customers",
        "The same." if same else "This run differs; its own numbers count.",
        "history.jsonl",
    )


def _money(impact: Impact, failed: list[OrderRow]) -> Comparison:
    floats = sum(row.total_wire for row in failed)
    cut = int(floats * 100)
    ours = f"{dollars(impact.at_risk_cents)}, the sum of whole cents"
    if cut == REPORT_AT_RISK_CENTS != impact.at_risk_cents:
        why = (
            f"The wire's float32 totals add up to {floats:.9g}; cut instead of rounded, that is {dollars(cut)}. "
            "One cent was lost in counting."
        )
    else:
        why = f"The wire's float32 totals of this run add up to {floats:.9g}, cut to cents {dollars(cut)}."
    return _row("Money at risk", dollars(REPORT_AT_RISK_CENTS), ours, why, "evidence/*/orders.json: total_wire")


def _collectable(recovery: Recovery, failed: list[OrderRow]) -> Comparison:
    declined = [row for row in failed if is_declined(row)]
    rows = ", ".join(f"order {failed.index(row) + 1} ({dollars(row.total_cents)})" for row in declined)
    if declined:
        why = f"{rows} is over the decline limit and fails with payment up, too: the outage did not lose it."
    elif recovery.left:
        why = f"{plural(recovery.left, 'order')} not replayed in this run: what was collectable is not known."
    else:
        why = "Nothing was declined in this run."
    return _row(
        "Collectable",
        "not said; all of it counted as revenue at risk",
        f"{dollars(recovery.collected_cents)} collected, {dollars(recovery.declined_cents)} declined",
        why,
        "evidence/after-mend/charges.json",
    )


def _label(context: Context) -> Comparison:
    during = context.files.evidence[DURING]
    labels = sorted({row.label for row in during.shown.rows})
    statuses = sorted({order.status for order in during.orders.rows})
    if not during.shown.present or not labels:
        ours, why = "no evidence", "The customers' pages were not read during the fault."
    else:
        ours = f"{' and '.join(f'“{label}”' for label in labels)} for orders in {' and '.join(statuses)}"
        one = len(labels) == 1 and len(statuses) > 1
        why = (
            "Read live while the fault held. The page prints a constant label and reads neither status nor shipment: "
            "there is no cache to clear, and clearing one would have changed nothing."
            if one
            else "In this run the label followed the order."
        )
    theirs = "“UI caching”: the front-end shows a stale status from a cache"
    return _row("“Shipped” on failed orders", theirs, ours, why, evidence_file(DURING, "shown"))


def _names(context: Context, failed: list[OrderRow]) -> Comparison:
    phase = context.files.latest("catalogue")
    socks = context.files.evidence[phase].catalogue.rows if phase else []
    sold = {line.item_id: line for row in failed for line in row.lines}
    other = [sock for sock in socks if sock.id not in sold]
    notes = []
    for line in sold.values():
        first = line.name.split()[0]
        like = next((sock for sock in other if sock.name.split()[0] == first), None)
        same = [sock.name for sock in other if sock.price_cents == line.unit_cents]
        if like and like.price_cents != line.unit_cents:
            notes.append(
                f"“{like.name}” costs {dollars(like.price_cents)} there"
                + (f", {dollars(line.unit_cents)} is {' or '.join(same)}" if same else "")
            )
        elif like and like.name != line.name:
            notes.append(f"“{line.name}” is called “{like.name}”")
    return _row(
        "Socks",
        "; ".join(f"{line.name} {dollars(line.unit_cents)}" for line in sold.values()),
        "the report's names and prices, as socks of their own",
        ("In the original catalogue names and prices do not belong together: " + "; ".join(notes) + ".")
        if notes
        else "This run's catalogue holds nothing to compare with.",
        evidence_file(phase or DURING, "catalogue"),
    )


def _times(impact: Impact, detection: Detection) -> Comparison:
    spans = [span for span in impact.times if span.duration and span.name.startswith("time to")]
    ours = "; ".join(f"{span.name} {span.duration.text}" for span in spans if span.duration) or "not reached"
    return _row(
        "Detection and recovery",
        "no time to detect, no time to recover; it ends at 08:28:32 as “~4 minutes”",
        ours,
        f"{detection.sentence} The hand-written report was cut before the recovery.",
        "history.jsonl",
    )


def _export(exports: list[ExportCheck]) -> Comparison:
    whole = bool(exports) and all(check.passed for check in exports)
    ours = ", ".join(f"{check.name} {check.found if check.found is not None else 'missing'}" for check in exports)
    why = "Each file is read back and must hold the orders that the account expects." if whole else "The check failed."
    return _row("Failed orders exported", "pending", ours or "no orders known", why, "exports/")


def _untold(impact: Impact) -> Comparison:
    return _row(
        "Errors shown",
        "“no error messages displayed”",
        f"{impact.untold} of {plural(impact.orders_failed, 'failed attempt')} left the message area empty",
        "The original's page writes a message for 201 and 406 only; a 500 leaves it empty.",
        "history.jsonl: message, told",
    )


def _cut_off(impact: Impact, recovery: Recovery) -> Comparison:
    done = [step for step in recovery.steps if step.done]
    return _row(
        "Recovery steps",
        "four steps “to be executed”",
        f"{len(done)} of {len(recovery.steps)} done, with proof",
        "; ".join(f"step {step.n} not done" for step in recovery.steps if not step.done) or "See Recovery.",
        "section 11",
    )
