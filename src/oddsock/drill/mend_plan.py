"""From findings to what would mend them; pure, and the same evidence always gives the same plan.

Nothing is charged that a person should be asked about: declined orders are never tried again, suspected re-attempts
only as `replay` says, orders from before the fault only when asked, and in a shop that cannot retry none at all.
"""

from collections.abc import Iterable, Iterator

from oddsock.drill.checks.carts import lines_left
from oddsock.drill.checks.charges import DECLINED, is_overcharged
from oddsock.drill.ledger import FAILED, PLACED, Ledger, Row, label_of
from oddsock.drill.mend_action import (
    ORDER_OF_KINDS,
    ActionKind,
    LeftOpen,
    MendAction,
    MendOptions,
    MendPlan,
    Question,
)
from oddsock.drill.reattempts import Reattempt, chains, find_reattempts
from oddsock.drill.verdict import Account, Finding

RETRIED = frozenset({"N1", "A6", "B5", "S1"})
"""The checks whose orders may be tried again."""

NEVER_RETRIED = frozenset({"C3", "C8", "R4", "R5", "C9", "A3", "C1"})
"""The checks whose orders may not, whatever else is odd about them."""

SETTLED_BY: dict[str, frozenset[ActionKind]] = {
    "A3": frozenset({"cancel"}),
    "A4": frozenset({"notice"}),
    "A6": frozenset({"retry_order", "notice"}),
    "B5": frozenset({"retry_order", "cancel"}),
    "C2": frozenset({"refund"}),
    "C3": frozenset({"refund"}),
    "C4": frozenset({"refund"}),
    "C5": frozenset({"refund"}),
    "C8": frozenset({"refund"}),
    "C9": frozenset({"cancel"}),
    "K2": frozenset({"empty_cart_lines"}),
    "N1": frozenset({"retry_order", "notice"}),
    "N2": frozenset({"notice"}),
    "N3": frozenset({"notice"}),
    "R4": frozenset({"refund", "recall"}),
    "R5": frozenset({"recall"}),
    "S1": frozenset({"retry_order"}),
    "S3": frozenset({"recall"}),
    "S4": frozenset({"recall"}),
    "S5": frozenset({"recall"}),
    "V1": frozenset({"set_shown"}),
}
"""Which action settles a finding; what is not here, or gets none of these, is left to a person."""


def plan_mend(account: Account, ledger: Ledger, options: MendOptions) -> MendPlan:
    """What would mend everything odd in *account*; pure."""
    return plan_actions([finding for outcome in account.outcomes for finding in outcome.findings], ledger, options)


def plan_actions(findings: Iterable[Finding], ledger: Ledger, options: MendOptions) -> MendPlan:
    """What would mend *findings*; pure."""
    findings = list(findings)
    subjects = _by_subject(findings)
    by_row = [(row, _about(row, subjects)) for row in ledger.rows]
    odd = [(row, about) for row, about in by_row if about and (options.carried_over or not row.before_window)]
    apart = {id(f) for row, about in by_row if row.before_window and not options.carried_over for f in about}
    unrecorded = [row for row, about in by_row if _is_unrecorded_failure(row, about, ledger, options)]
    retriable = [row for row, about in odd if _wants_retry(row, {f.check for f in about})] + unrecorded
    reattempts = find_reattempts(ledger, [row.order_id for row in retriable])
    questions, refused = _decide(retriable, reattempts, options)
    refused |= _pressed_again(retriable, ledger)
    asked = {order_id for question in questions for order_id in question.order_ids}
    questions += [question for row in unrecorded if (question := _ask_for(row, asked, options))]
    asked |= {order_id for question in questions for order_id in question.order_ids}
    actions: list[MendAction] = []
    for row in unrecorded:
        if options.supports_retry and row.order_id not in asked | refused:
            actions += _retry(ledger, row, {"N1"})
    for row, about in odd:
        actions += _mend_row(ledger, row, {f.check for f in about}, options, asked, refused)
    actions += _mend_orphans(ledger)
    is_shown_wrong = any(f.check == "V1" for _, about in odd for f in about)
    if is_shown_wrong or _cancels_behind_label(actions, ledger):
        why = (
            "customers are shown a status that is not so" if is_shown_wrong else "what is cancelled is shown as Shipped"
        )
        actions.append(MendAction(kind="set_shown", key="mend-shown", why=why))
    actions.sort(key=lambda action: ORDER_OF_KINDS.index(action.kind))
    done = {(action.kind, "" if action.kind == "set_shown" else action.order_id) for action in actions}
    left = [each for f in findings if id(f) not in apart and (each := _left_open(f, ledger, done, options, asked))]
    return MendPlan(actions=actions, questions=questions, left=left, reattempts=reattempts, options=options)


def _cancels_behind_label(actions: Iterable[MendAction], ledger: Ledger) -> bool:
    """Whether an order of a customer is to be cancelled while pages show the same constant label for all."""
    labels = {label_of(shown) for shown in ledger.evidence.shown.rows}
    rows = [ledger.row_of(action.order_id) for action in actions if action.kind == "cancel"]
    return labels == {"shipped"} and any(row is not None and not row.synthetic for row in rows)


Subjects = dict[tuple[str, str], list[tuple[int, Finding]]]
"""The findings with their numbers, by the order each is about, else by the attempt."""


def _by_subject(findings: Iterable[Finding]) -> Subjects:
    groups: Subjects = {}
    for number, finding in enumerate(findings):
        subject = ("order", finding.order_id) if finding.order_id else ("attempt", finding.attempt)
        if subject[1]:
            groups.setdefault(subject, []).append((number, finding))
    return groups


def _about(row: Row, subjects: Subjects) -> list[Finding]:
    named = {("order", row.order_id), *(("attempt", attempt.operation) for attempt in row.attempts)}
    about = [numbered for subject in named for numbered in subjects.get(subject, [])]
    return [finding for _, finding in sorted(about, key=lambda numbered: numbered[0])]


def _wants_retry(row: Row, checks: set[str]) -> bool:
    """Whether the order is to be tried again: never after a decline, never a final one, never on top of a refund."""
    if row.order is None or row.synthetic or not checks & RETRIED or checks & NEVER_RETRIED:
        return False
    if row.is_declined or row.status == "CANCELLED":
        return False
    return row.status in PLACED if checks & RETRIED == {"S1"} else row.status not in PLACED


def _is_unrecorded_failure(row: Row, about: list[Finding], ledger: Ledger, options: MendOptions) -> bool:
    """Whether payment failed, in the window of a fault, for a customer of whom nobody knows what they were told."""
    if "attempts" not in ledger.missing or "charges" in ledger.missing or not ledger.course.window_from_at:
        return False
    if row.synthetic or (row.before_window and not options.carried_over):
        return False
    if {finding.check for finding in about} & (RETRIED | NEVER_RETRIED):
        return False
    is_failed = row.status == "PAYMENT_FAILED" and not row.is_declined and not row.live_charges
    return is_failed and not row.notices and row.is_sure_of("charges")


def _ask_for(row: Row, asked: set[str], options: MendOptions) -> Question | None:
    """The question whether an unrecorded failure is to be charged, unless it is asked or answered already."""
    if row.order is None or options.replay != "ask" or row.order_id in asked or row.order_id in options.answers:
        return None
    return Question(order_ids=[row.order_id], cents=[row.order.total_cents], is_unrecorded=True)


def _decide(
    rows: list[Row], reattempts: list[Reattempt], options: MendOptions
) -> tuple[list[Question], frozenset[str]]:
    """The questions still open, and the orders that are not to be charged."""
    takes_money = {row.order_id: row for row in rows if row.status not in PLACED and not row.live_charges}
    suspected = [r for r in reattempts if r.order_id in takes_money]
    superseded = {reattempt.order_id for reattempt in suspected}
    answered_no = {order_id for order_id, charge in options.answers.items() if not charge}
    if options.replay == "all":
        return [], frozenset(answered_no)
    if options.replay == "latest":
        return [], frozenset(superseded | answered_no)
    questions = []
    for chain in chains(suspected):
        open_ids = [order_id for order_id in chain if order_id in takes_money and order_id not in options.answers]
        if open_ids:
            cents = [order.total_cents for o in open_ids if (order := takes_money[o].order)]
            questions.append(Question(order_ids=open_ids, cents=cents))
    return questions, frozenset(answered_no)


def _pressed_again(rows: list[Row], ledger: Ledger) -> frozenset[str]:
    """Those of *rows* whose form another press has bought or is tried again for: of a form one is charged."""
    served = {form for row, _ in ledger.orders() if row.is_placed for form in _forms(row)}
    surplus = set()
    for row in rows:
        forms = _forms(row)
        if row.status not in PLACED and not row.live_charges and forms & served:
            surplus.add(row.order_id)
        served |= forms
    return frozenset(surplus)


def _forms(row: Row) -> set[str]:
    return {attempt.form for attempt in row.attempts if attempt.form}


def _mend_row(
    ledger: Ledger, row: Row, checks: set[str], options: MendOptions, asked: set[str], refused: frozenset[str]
) -> Iterator[MendAction]:
    order_id, customer_id = row.order_id, row.customer_id
    if row.synthetic and row.order is not None and not row.is_failed and not row.is_withdrawn:
        yield _cancel(row, "test order", "the drill's own test order is not whole")
        return
    yield from _undo(row, checks)
    if "A3" in checks:
        yield _cancel(row, "duplicate", "its customer ordered once")
        yield _notice(row, "cancelled", "the second order is cancelled")
    elif "C9" in checks and row.status == "PAYMENT_FAILED" and row.is_declined:
        yield _cancel(row, DECLINED, "payment declined it, and it reads as if payment had been away")
        yield _notice(row, "declined", "its payment was declined")
    elif _wants_retry(row, checks) and order_id not in asked | refused:
        if options.supports_retry:
            yield from _retry(ledger, row, checks)
    elif checks & {"N1", "A6"} and row.status in FAILED and order_id not in asked and not checks & {"C3", "C8", "R4"}:
        event = "" if row.status == "CANCELLED" else "declined" if row.is_declined else "failed"
        yield _notice(row, event, "it failed, and its customer was never told")
    elif _owes_notice(row, checks):
        yield _notice(row, "", "its customer was told nothing, or what is not so")
    if "K2" in checks and (left := lines_left(ledger, row)):
        yield MendAction(
            kind="empty_cart_lines",
            key=f"mend-cart-{order_id}",
            why="these lines were bought",
            order_id=order_id,
            customer_id=customer_id,
            lines=left,
        )


def _owes_notice(row: Row, checks: set[str]) -> bool:
    """Whether the customer believes what is not so, or nothing, and no mail says that the order is paid."""
    return bool(checks & {"A4", "N2", "N3"}) and not any(n.event == "paid" for n in row.notices if row.is_placed)


def _retry(ledger: Ledger, row: Row, checks: set[str]) -> Iterator[MendAction]:
    cents = row.order.total_cents if row.order and row.status not in PLACED else 0
    why = "it is paid and was never sent" if row.status in PLACED else "payment was away when it was placed"
    yield MendAction(
        kind="retry_order",
        key=f"mend-{row.order_id}",
        why="it is stuck" if "B5" in checks else why,
        order_id=row.order_id,
        customer_id=row.customer_id,
        cents=cents,
    )
    if checks & RETRIED == {"S1"}:
        # It was paid and confirmed, unless its customer saw it fail all the same.
        if _owes_notice(row, checks):
            yield _notice(row, "", "its customer saw it fail, and it is on its way")
        return
    yield _notice(row, "", "its customer is owed the outcome")
    if left := lines_left(ledger, row):
        yield MendAction(
            kind="empty_cart_lines",
            key=f"mend-cart-{row.order_id}",
            why="these lines are bought once it is paid",
            order_id=row.order_id,
            customer_id=row.customer_id,
            lines=left,
        )


def _undo(row: Row, checks: set[str]) -> Iterator[MendAction]:
    """Money back and parcels back."""
    order_cents = row.order.total_cents if row.order else 0
    if checks & {"C3", "C8", "R4"}:
        for charge in row.live_charges:
            yield _refund(row, charge.charge_id, charge.net_cents, "the order failed and its money is still held")
    elif "C4" in checks:
        whole = next((c for c in row.live_charges if c.net_cents == order_cents), row.live_charges[0])
        for charge in row.live_charges:
            over = charge.net_cents - (order_cents if charge is whole else 0)
            if over > 0:
                yield _refund(row, charge.charge_id, over, "it was charged more than once")
    elif "C5" in checks and is_overcharged(row):
        yield _refund(row, row.live_charges[0].charge_id, row.net_cents - order_cents, "it was charged too much")
    refunds = bool(checks & {"C3", "C4", "C8", "R4"}) or ("C5" in checks and is_overcharged(row))
    if refunds and row.order is not None and row.live_charges and not row.synthetic:
        yield _notice(row, "refunded", "money goes back to its customer")
    if checks & {"S3", "S4", "R4"} or ("R5" in checks and row.is_failed):
        surplus = row.live_parcels
    else:
        surplus = row.live_parcels[1:] if "S5" in checks else []
    for parcel in surplus:
        yield MendAction(
            kind="recall",
            key=f"mend-recall-{parcel.shipment_id}",
            why="it should not be on its way",
            order_id=row.order_id,
            shipment_id=parcel.shipment_id,
        )


def _mend_orphans(ledger: Ledger) -> Iterator[MendAction]:
    if "orders" in ledger.missing:
        return
    for charge in ledger.orphan_charges:
        if charge.is_live and "charges" not in ledger.missing:
            yield MendAction(
                kind="refund",
                key=f"mend-refund-{charge.charge_id}-{charge.net_cents}",
                why="no order belongs to it",
                order_id=charge.tie.order_id,
                charge_id=charge.charge_id,
                cents=charge.net_cents,
            )
    for parcel in ledger.orphan_parcels:
        if parcel.is_live:
            yield MendAction(
                kind="recall",
                key=f"mend-recall-{parcel.shipment_id}",
                why="no order belongs to it",
                order_id=parcel.tie.order_id,
                shipment_id=parcel.shipment_id,
            )


def _refund(row: Row, charge_id: str, cents: int, why: str) -> MendAction:
    key = f"mend-refund-{charge_id}-{cents}"
    return MendAction(kind="refund", key=key, why=why, order_id=row.order_id, charge_id=charge_id, cents=cents)


def _cancel(row: Row, reason: str, why: str) -> MendAction:
    key = f"mend-cancel-{row.order_id}"
    return MendAction(kind="cancel", key=key, why=why, order_id=row.order_id, reason=reason)


def _notice(row: Row, event: str, why: str) -> MendAction:
    return MendAction(
        kind="notice",
        key=f"mend-notice-{row.order_id}-{event or 'outcome'}",
        why=why,
        order_id=row.order_id,
        customer_id=row.customer_id,
        event=event,
    )


def _left_open(
    finding: Finding, ledger: Ledger, done: set[tuple[ActionKind, str]], options: MendOptions, asked: set[str]
) -> LeftOpen | None:
    """Why nothing in *done*, kinds of action with their orders, settles *finding*; None when something does."""
    for kind in SETTLED_BY.get(finding.check, frozenset()):
        if (kind, "" if kind == "set_shown" else finding.order_id) in done:
            return None
    row = ledger.row_of(finding.order_id)
    if finding.order_id in asked:
        why = "its customer tried again, so whether it is to be charged is asked first"
    elif row and finding.check in RETRIED and not options.supports_retry:
        why = "not possible here: this shop cannot try an order again under a key, and none is charged without one"
    else:
        why = "a person has to decide"
    return LeftOpen(class_name=finding.class_name, why=why, order_id=finding.order_id)
