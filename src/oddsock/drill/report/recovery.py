"""Section 11: the recovery steps with their proof, what mending collected, and what `latest` would have collected."""

from oddsock.drill.exports import ExportCheck
from oddsock.drill.history import Entry
from oddsock.drill.report.context import PAID_STATUSES, Context
from oddsock.drill.report.document import Latest, Odd, Recovery
from oddsock.drill.report.figure import plural
from oddsock.drill.report.folder import AFTER_HEAL, AFTER_MEND, evidence_file
from oddsock.drill.report.rows import BeforeAfter, OrderRow, Reattempt, Step
from oddsock.drill.report.state_probes import target_addresses, target_pods
from oddsock.kit.money import dollars


def is_paid(row: OrderRow) -> bool:
    """Whether an order ended paid."""
    return (row.status_after or row.status_before) in PAID_STATUSES


def is_declined(row: OrderRow) -> bool:
    """Whether an order ended cancelled because the payment was declined."""
    return (row.status_after or row.status_before) == "CANCELLED" and row.reason == "payment_declined"


def measure_recovery(context: Context, orders: list[OrderRow], odd: Odd, exports: list[ExportCheck]) -> Recovery:
    """What became of the orders that failed in the window, and how it is proved."""
    keep, files = context.figures, [evidence_file(context.last or AFTER_HEAL, "orders")]
    money = [*files, evidence_file(context.last or AFTER_HEAL, "charges")]
    failed = [row for row in orders if row.failed]
    paid = [row for row in failed if is_paid(row)]
    declined = [row for row in failed if is_declined(row)]
    left = len(context.failed_attempts) - len(paid) - len(declined)
    collected = sum(row.captured_cents - row.refunded_cents for row in paid)
    reattempts = find_reattempts(context, failed)
    plans = [entry.value for entry in context.files.entries("mend_plan")]
    plans += [line for line in context.files.mend if line.get("kind") == "plan"]
    rule = "failed orders that are PAID (or later) now"
    return Recovery(
        paid=keep.count("recovery.paid", len(paid), "orders", files, rule),
        declined=keep.count(
            "recovery.declined", len(declined), "orders", files, "failed orders now CANCELLED with payment_declined"
        ),
        left=keep.count("recovery.left", left, "orders", files, "failed attempts that are neither paid nor declined"),
        collected_cents=keep.money("recovery.collected_cents", collected, money, "their captures less their refunds"),
        declined_cents=keep.money(
            "recovery.declined_cents", sum(r.total_cents for r in declined), files, "totals of the declined orders"
        ),
        replay=str(plans[-1].get("replay", "")) if plans else "",
        steps=list_steps(context, orders, exports),
        before_after=_compare(context, orders, odd),
        reattempts=reattempts,
        latest=_latest(context, failed, reattempts, collected),
        again=_again(context),
    )


def find_reattempts(context: Context, failed: list[OrderRow]) -> list[Reattempt]:
    """Failed orders whose customer tried a shared sock again, in whichever attempt came next."""
    attempts = [attempt for attempt in context.files.attempts if not attempt.synthetic]
    first_try = {attempt.operation: attempt for attempt in attempts}
    rows = []
    for row in failed:
        mine = first_try.get(row.attempt)
        names = {line.item_id: line.name for line in row.lines}
        for later in attempts:
            shared = [names[line.item_id] for line in later.lines if line.item_id in names]
            same = later.customer_id == row.customer_id
            if mine and shared and same and later.invoked_at > mine.invoked_at:
                again = context.order_of_attempt.get(later.operation, later.operation)
                rows.append(Reattempt(order_id=row.id, again_in=again, customer=row.customer, shared=shared))
                break
    return rows


def _latest(context: Context, failed: list[OrderRow], reattempts: list[Reattempt], collected: int) -> Latest:
    superseded = {row.order_id for row in reattempts}
    kept = [row for row in failed if row.id not in superseded]
    cents = sum(row.captured_cents - row.refunded_cents for row in kept if is_paid(row))
    unknown = [row for row in kept if not is_paid(row) and not is_declined(row)]
    files = [evidence_file(context.last or AFTER_HEAL, "charges")]
    context.figures.money(
        "recovery.latest.collected_cents", cents, files, "what the last try of each chain collected in this run"
    )
    if not failed:
        sentence = "What failed left no order, so" if context.unplaced else "Nothing failed, so"
        sentence += " nothing was replayed."
    elif unknown:
        sentence = (
            f"Under “latest” {plural(len(kept), 'order')} would be charged; what {len(unknown)} of them would have "
            "collected is not known, because they were not replayed in this run."
        )
    else:
        sentence = (
            f"Under “latest” only {plural(len(kept), 'order')} would have been charged, collecting {dollars(cents)}: "
            f"{dollars(collected - cents)} less than what was collected here, for "
            f"{plural(len(superseded), 'suspected re-attempt')} that the customer may have meant as one purchase."
        )
    return Latest(
        orders=[row.id for row in kept], collected_cents=cents, difference_cents=collected - cents, sentence=sentence
    )


def _again(context: Context) -> str:
    account = context.accounts.get(AFTER_MEND)
    row = next((row for row in account.checks if row.id == "M1"), None) if account else None
    if row is None:
        return "Whether mending again changes nothing was not checked in this run."
    words = {
        "ok": "each key was carried out once and mending again changes nothing",
        "odd": "mending again would change something",
        "unknown": "it is not known whether mending again changes nothing",
        "not-applicable": "nothing was mended, so there is nothing to repeat",
    }
    return f"Mending again (M1, {row.verdict}): {words[row.verdict]}" + (f"; {row.reason}." if row.reason else ".")


def _first_ok(context: Context, verb: str, since: str) -> Entry | None:
    return next((e for e in context.files.entries(verb, "ok") if not since or e.at >= since), None)


def list_steps(context: Context, orders: list[OrderRow], exports: list[ExportCheck]) -> list[Step]:
    """The hand-written report's recovery steps 1 to 4, done or not, with the proof."""
    window, ns = context.window, context.files.meta.namespace
    target = window.target if window else "payment"
    return [
        _restore(context, target, ns),
        _health(context, target, ns),
        _test_order(context, orders),
        _export(exports, ns),
    ]


def _restore(context: Context, target: str, ns: str) -> Step:
    healed, before = context.files.evidence[AFTER_HEAL], context.files.evidence["before"]
    pods, was = target_pods(healed, target), target_pods(before, target)
    addresses = target_addresses(healed, target)
    done = bool(pods) and pods == was and bool(addresses)
    proof = f"After the heal {plural(pods or 0, 'pod')} and {plural(addresses or 0, 'endpoint')}, before the fault "
    proof += f"{plural(was, 'pod')}." if was is not None else "no evidence."
    return Step(
        n=1,
        name=f"Restore {target}",
        command=f"kubectl -n {ns} scale deployment {target} --replicas={was if was is not None else 1}",
        done=done,
        at=context.window.to_at if context.window else "",
        proof=proof if pods is not None else "No evidence of the cluster was taken after the heal.",
    )


def _health(context: Context, target: str, ns: str) -> Step:
    since = context.window.to_at if context.window else ""
    entries = [e for e in context.files.entries("health", "ok") if not since or e.at >= since]
    about = [e for e in entries if target in str(e.value)] or entries
    proof = f"history.jsonl n={about[0].n}: {_short(about[0].value)}" if about else "No answer of /health was recorded."
    return Step(
        n=2,
        name=f"Verify the health of {target}",
        command=f"kubectl -n {ns} run test-health --rm -i --restart=Never --image=curlimages/curl -- "
        f"curl -s http://{target}:80/health",
        done=bool(about),
        at=about[0].at if about else "",
        proof=proof,
    )


def _short(value: dict[str, object]) -> str:
    said = value.get("sentence") or ", ".join(f"{name}={part}" for name, part in value.items())
    return str(said)[:200] or "ok"


def _test_order(context: Context, orders: list[OrderRow]) -> Step:
    tests = [row for row in orders if row.group == "synthetic"]
    # A test order is cancelled and refunded afterwards; that it was PAID and shipped stands in its journal.
    good = [row for row in tests if "PAID" in row.statuses]
    phase = context.files.latest("shipments")
    parcels = {row.order_id for row in context.files.evidence[phase].shipments.rows} if phase else set()
    shipped = [row for row in good if row.id in parcels or row.shipment_before]
    row = next(iter([*shipped, *good, *tests]), None)
    if row is None:
        entry = _first_ok(context, "test_order", "")
        proof = f"history.jsonl n={entry.n}" if entry else "No test order was placed."
        return Step(n=3, name="Test a successful order", command="", done=False, at="", proof=proof)
    money = f"{dollars(row.captured_cents)} captured, {dollars(row.refunded_cents)} refunded"
    who = "The synthetic customer's"
    parcel = "a shipment was made" if shipped else "no shipment was made"
    return Step(
        n=3,
        name="Test a successful order",
        command="",
        done=bool(shipped),
        at=row.placed_at,
        proof=f"{who} order {row.id}: {' → '.join(row.statuses) or 'no history'}; {parcel}; {money}.",
    )


def _export(exports: list[ExportCheck], ns: str) -> Step:
    problems = [check.problem for check in exports if check.problem]
    counts = ", ".join(f"{check.name}: {plural(check.found or 0, 'order')}" for check in exports)
    told = f"Read back: {counts}." if counts else "No orders known."
    return Step(
        n=4,
        name="Export the orders",
        command=f"kubectl -n {ns} exec deployment/front-end -- curl -s http://orders:80/orders",
        done=bool(exports) and not problems,
        at="",
        proof=f"FAILED: {'; '.join(problems)}." if problems else told,
    )


def _compare(context: Context, orders: list[OrderRow], odd: Odd) -> list[BeforeAfter]:
    failed = [row for row in orders if row.failed]
    mended = bool(context.after)
    table: list[tuple[str, int | None, int | None, str]] = [
        ("odd", odd.before_total, odd.after_total, "orders and attempts"),
        ("PAYMENT_FAILED", sum(r.status_before == "PAYMENT_FAILED" for r in failed),
         sum(r.status_after == "PAYMENT_FAILED" for r in failed), "orders"),
        ("PAID", sum(r.status_before in PAID_STATUSES for r in failed),
         sum(r.status_after in PAID_STATUSES for r in failed), "orders"),
        ("CANCELLED as declined", sum(r.status_before == "CANCELLED" for r in failed),
         sum(is_declined(r) for r in failed), "orders"),
        ("with a shipment", sum(r.shipment_before is not None for r in failed),
         sum(r.shipment_after is not None for r in failed), "orders"),
        ("shown “Shipped” without a shipment",
         sum(r.shown_before == "Shipped" and r.shipment_before is None for r in failed),
         sum(r.shown_after == "Shipped" and r.shipment_after is None for r in failed), "orders"),
        ("customer not told", sum(r.told == "nothing" for r in failed),
         sum(r.told == "nothing" and not r.notices for r in failed), "orders"),
    ]  # fmt: skip
    before = bool(context.before)
    return [
        BeforeAfter(name=name, before=was if before else None, after=now if mended else None, unit=unit)
        for name, was, now, unit in table
    ]
