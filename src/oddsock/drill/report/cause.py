"""Section 9: the trigger, the mechanism, and the six underlying issues, each with what this run measured of it."""

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Cause, Impact
from oddsock.drill.report.figure import plural
from oddsock.drill.report.folder import AFTER_HEAL, DURING, evidence_file, spell_phase
from oddsock.drill.report.logs import has_logs, list_sequences, search
from oddsock.drill.report.rows import Claim, Condition, OrderRow, Seen
from oddsock.drill.report.state_probes import count_refused
from oddsock.kit.clock import instant

NOTHING = "no evidence was kept"


def explain_cause(context: Context, impact: Impact, orders: list[OrderRow]) -> Cause:
    """Trigger, mechanism and contributing conditions; each says what was seen and where."""
    window = context.window
    if window is None:
        trigger = Claim(text="No fault was injected in this run.", seen="not seen", evidence="history.jsonl")
        return Cause(trigger=trigger, mechanism=[], conditions=[])
    change = ", ".join(f"{name} {window.was[name]} → {window.now.get(name)}" for name in window.was)
    trigger = Claim(
        text=f"The drill injected {window.fault} on {window.target}{f' ({change})' if change else ''}, deliberately.",
        seen="seen",
        evidence=f"history.jsonl, undo.jsonl id={window.id}, at {window.from_at}",
    )
    failed = [row for row in orders if row.failed]
    if not failed:
        return Cause(trigger=trigger, mechanism=[], conditions=[])
    return Cause(
        trigger=trigger, mechanism=_mechanism(context, failed), conditions=_conditions(context, impact, failed)
    )


def _share(part: int | None, whole: int) -> Seen:
    if part is None:
        return "no evidence"
    return "seen" if part == whole and whole else "not seen"


def _mechanism(context: Context, failed: list[OrderRow]) -> list[Claim]:
    n, last = len(failed), context.last
    refused = count_refused(context)
    path = ["CREATED", "PENDING", "PAYMENT_FAILED"]
    walked = sum(1 for row in failed if row.statuses[:3] == path)
    unshipped = sum(1 for row in failed if row.shipment_before is None)
    evidence = context.evidence(context.before)
    charged = None
    if evidence and evidence.charges.present:
        named = {row.order_id for row in evidence.charges.rows if row.kind in ("capture", "authorisation")}
        charged = sum(1 for row in failed if row.id not in named)
    rows = [
        (f"{walked} of {plural(n, 'failed order')} went CREATED → PENDING → PAYMENT_FAILED: saved first, then sent.",
         walked if context.files.latest("journal") else None, evidence_file(last, "journal")),
        (f"{refused} of {n} failed on a refused connection: the name payment resolved and nobody listened behind it.",
         refused, evidence_file(last, "journal")),
        (f"{unshipped} of {n} had no shipment {spell_phase(context.before)}: orders did not ship what was not paid.",
         unshipped, evidence_file(context.before, "orders")),
        (f"{charged} of {n} were never charged {spell_phase(context.before)}: no customer lost money.", charged,
         evidence_file(context.before, "charges")),
    ]  # fmt: skip
    return [
        Claim(text=text if got is not None else NOTHING, seen=_share(got, n), evidence=file) for text, got, file in rows
    ]


def _conditions(context: Context, impact: Impact, failed: list[OrderRow]) -> list[Condition]:
    n = len(failed)
    calls = _calls(context, failed)
    keyless = _keyless(context, failed)
    labels, statuses = _shown(context)
    noticed = _noticed(context, failed)
    silent = sum(1 for a in context.failed_attempts if a.told == "nothing")
    journal = evidence_file(context.last, "journal")
    table: list[tuple[str, str, str, str, Seen, str]] = [
        ("No Retry Logic", "orders asks payment once and gives up", f"== {n} calls for {n} orders",
         plural(calls, "call") if calls is not None else NOTHING, _share(calls, n), "evidence/*/logs/orders-*.log"),
        ("No Circuit Breaker", "no call is withheld, however many failed before", "== 0 failed orders without a call",
         plural(max(0, n - calls), "order") if calls is not None else NOTHING,
         "no evidence" if calls is None else ("seen" if calls >= n else "not seen"), "evidence/*/logs/orders-*.log"),
        ("Poor Error Propagation", "the customer sees no message", f"== {n} attempts with an empty message",
         f"{silent} attempts", _share(silent, len(context.failed_attempts)), "history.jsonl"),
        ("UI Caching", "not a cache: the page prints a constant label, read live during the fault",
         f"== 1 label for {statuses or 0} statuses", plural(labels, "label") if labels is not None else NOTHING,
         "no evidence" if labels is None else ("seen" if labels == 1 and statuses > 1 else "not seen"),
         evidence_file(DURING, "shown")),
        ("No Idempotency", "the checkout gives payment no key, so nobody could safely ask again",
         f"== {n} orders without a key", f"{keyless} orders" if keyless is not None else NOTHING, _share(keyless, n),
         journal),
        ("No User Notification", "nobody told the customer before the mend", "== 0 notices before the mend",
         plural(noticed, "notice") if noticed is not None else NOTHING,
         "no evidence" if noticed is None else ("seen" if noticed == 0 else "not seen"),
         evidence_file(context.before or AFTER_HEAL, "notices")),
    ]  # fmt: skip
    return [
        Condition(name=name, claim=claim, expected=expected, actual=actual, seen=seen, evidence=file)
        for name, claim, expected, actual, seen, file in table
    ]


def _calls(context: Context, failed: list[OrderRow]) -> int | None:
    """How often orders called payment for the failed orders before the heal."""
    window = context.window
    if window is None or not has_logs(context, "orders"):
        return None
    lines = search(context, "orders", "Sending payment request for order", from_at=window.from_at, to_at=window.to_at)
    return sum(1 for line in lines if any(row.id in line.text for row in failed))


def _keyless(context: Context, failed: list[OrderRow]) -> int | None:
    """Failed orders whose status changes until the heal carry no idempotency key."""
    evidence = context.evidence(context.last)
    if evidence is None or not evidence.journal.present:
        return None
    until = instant(context.window.to_at) if context.window and context.window.to_at else None
    keyed = {
        change.order_id
        for change in evidence.journal.rows
        if change.idempotency_key and (until is None or instant(change.at) <= until)
    }
    return sum(1 for row in failed if row.id not in keyed)


def _shown(context: Context) -> tuple[int | None, int]:
    """Distinct labels on the customers' pages during the fault, and distinct statuses of the same orders."""
    during = context.files.evidence[DURING]
    if not during.shown.present or not during.orders.present:
        return None, 0
    listed = {row.order_id for row in during.shown.rows}
    return len({row.label for row in during.shown.rows}), len({o.status for o in during.orders.rows if o.id in listed})


def _noticed(context: Context, failed: list[OrderRow]) -> int | None:
    evidence = context.evidence(context.before)
    if evidence is None or not evidence.notices.present:
        return None
    return sum(1 for row in evidence.notices.rows if row.order_id in {order.id for order in failed})


def complete_sequences(context: Context) -> int:
    """Failed orders with all five log lines in order."""
    return sum(1 for sequence in list_sequences(context) if sequence.complete)
