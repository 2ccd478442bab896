"""C: what customers were charged, against what they bought."""

from collections import defaultdict
from collections.abc import Iterator

from oddsock.clients.sockshop.books import Charge, Order
from oddsock.drill.checks.check import Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_charges, see_history, see_order
from oddsock.drill.grouping import ChargeGroup
from oddsock.drill.ledger import OPEN, Ledger, Row
from oddsock.drill.verdict import Witness
from oddsock.kit.money import dollars

DECLINED = "payment_declined"
"""The reason of an order that ended because its card was declined."""


def each_charge(ledger: Ledger) -> Iterator[tuple[Row | None, ChargeGroup]]:
    """Every charge with the row it belongs to, None for an orphan."""
    for row in ledger.rows:
        for charge in row.charges:
            yield row, charge
    for charge in ledger.orphan_charges:
        yield None, charge


def find_phantom_payments(ledger: Ledger) -> Iterator[Said]:
    """C1: paid, says the order; payment holds nothing."""
    for row, order in ledger.orders("charges"):
        # Money given back and the parcel on its way is another class (R5).
        if row.is_placed and not row.live_charges and not row.is_given_away:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and payment holds no money for it.",
                witnesses=[see_order(row), *see_charges(row.charges)],
            )


def find_orphan_charges(ledger: Ledger) -> Iterator[Said]:
    """C2: money held for no order and no attempt that anybody knows."""
    for charge in ledger.orphan_charges:
        if charge.is_live:
            yield Odd(
                order_id=charge.tie.order_id,
                sentence=f"Charge {charge.charge_id} holds {dollars(charge.net_cents)}, and no order belongs to it.",
                witnesses=see_charges([charge]),
            )


def find_charged_but_failed(ledger: Ledger) -> Iterator[Said]:
    """C3: the order failed or is not there, and the money was taken and nobody began to give it back."""
    for row in ledger.rows:
        is_without = row.order is None and row.attempts and all(a.end != "ok" for a in row.attempts)
        if not (is_without or row.is_failed) or row.net_cents <= 0 or row.is_compensating:
            continue
        if row.is_sure_of("charges", "attempts") and not row.late_charges:
            what = f"Order {row.order_id} is {row.status}" if row.order else f"Attempt {row.ref} left no order"
            yield Odd(
                order_id=row.order_id,
                attempt="" if row.order_id else row.ref,
                sentence=f"{what}, and its customer was charged {dollars(row.net_cents)}.",
                witnesses=[see_order(row), *see_attempts(row.attempts), *see_charges(row.charges)],
            )


def find_double_charges(ledger: Ledger) -> Iterator[Said]:
    """C4: more than one capture of an order still holds money."""
    for row, order in ledger.orders("charges"):
        captures = [line for charge in row.live_charges for line in charge.of_kind("capture")]
        if len(captures) > 1 and not row.is_failed:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} was charged {len(captures)} times: {dollars(row.net_cents)} for "
                f"{dollars(order.total_cents)}.",
                witnesses=[see_order(row), *see_charges(row.live_charges)],
            )


def is_overcharged(row: Row) -> bool:
    """Whether the customer has paid more than the order's total."""
    return bool(row.order) and row.net_cents > (row.order.total_cents if row.order else 0)


def find_wrong_charges(ledger: Ledger) -> Iterator[Said]:
    """C5: exactly one capture, and not of the total."""
    for row, order in ledger.orders("charges"):
        captures = [line for charge in row.live_charges for line in charge.of_kind("capture")]
        if row.is_placed and len(captures) == 1 and row.net_cents != order.total_cents:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} costs {dollars(order.total_cents)}, and its customer paid "
                f"{dollars(row.net_cents)}.",
                witnesses=[see_order(row), *see_charges(row.live_charges)],
            )


def find_idempotency_conflicts(ledger: Ledger) -> Iterator[Said]:
    """C6: one key, and two orders, two amounts or two effects."""
    by_key: dict[str, list[Charge]] = defaultdict(list)
    owner = {line.seq: row.order_id for row in ledger.rows for charge in row.charges for line in charge.lines}
    for line in {line.seq: line for line in ledger.evidence.charges.rows}.values():
        if line.idempotency_key:
            by_key[line.idempotency_key].append(line)
    for key, lines in by_key.items():
        orders = {owner.get(line.seq) or line.order_id for line in lines}
        effects = {line.charge_id for line in lines if line.kind != "refund"} or {line.id for line in lines}
        amounts = {line.amount_cents for line in lines}
        kinds = [line.kind for line in lines]
        if len(orders) > 1 or len(effects) > 1 or len(amounts) > 1 or len(kinds) != len(set(kinds)):
            yield Odd(
                order_id=owner.get(lines[-1].seq) or lines[-1].order_id,
                sentence=f"The idempotency key {key} stands for {len(orders)} orders, {len(amounts)} amounts and "
                f"{len(lines)} lines of payment's book.",
                witnesses=[
                    Witness(book="charges", ref=line.id, text=f"{line.kind} {dollars(line.amount_cents)}, key {key}")
                    for line in lines
                ],
            )


def find_dangling_authorisations(ledger: Ledger) -> Iterator[Said]:
    """C7: a card's money is set aside, and nobody took it or let it go."""
    for row, charge in each_charge(ledger):
        if charge.of_kind("authorisation") and not (charge.of_kind("capture") or charge.of_kind("void")):
            held = dollars(charge.sum_of("authorisation"))
            yield Odd(
                order_id=row.order_id if row else charge.tie.order_id,
                attempt="" if row is None or row.order_id else row.ref,
                sentence=f"Charge {charge.charge_id} set {held} aside, and it was neither captured nor voided.",
                witnesses=[*([see_order(row)] if row else []), *see_charges([charge])],
            )


def find_late_charges(ledger: Ledger) -> Iterator[Said]:
    """C8: captured after the order was cancelled, and not given back."""
    for row, order in ledger.orders("charges"):
        if late := row.late_charges:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is cancelled, and {dollars(sum(c.net_cents for c in late))} was captured "
                "after that and is still held.",
                witnesses=[see_order(row), *see_history(row.history), *see_charges(late)],
            )


def _misread(row: Row, order: Order) -> str:
    declines = [line for charge in row.charges for line in charge.of_kind("decline")]
    if not declines or order.status in OPEN:
        return ""
    later = [line for charge in row.charges for line in charge.of_kind("capture") if line.seq > declines[0].seq]
    if len(declines) > 1 or later:
        return "was tried again after payment had declined it"
    if order.status == "CANCELLED" and order.reason != DECLINED:
        return f"was declined, and is cancelled for another reason ({order.reason or 'none'})"
    if order.status == "PAYMENT_FAILED":
        causes = [change.cause.lower() for change in row.history if change.status == "PAYMENT_FAILED"]
        is_said = any("declined" in cause for cause in [order.reason.lower(), *causes])
        is_told = any(a.http_status == 406 for a in row.attempts) if row.attempts else is_said
        if not is_told:
            return "was declined, and its failure reads as if payment had been away"
    return ""


def find_misread_declines(ledger: Ledger) -> Iterator[Said]:
    """C9: a decline that was tried again, or told as something else."""
    for row, order in ledger.orders("charges"):
        if problem := _misread(row, order):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} {problem}.",
                witnesses=[
                    see_order(row),
                    *see_charges(row.charges),
                    *see_attempts(row.attempts),
                    *see_history(row.history),
                ],
            )


CHARGES = (
    Rule(
        id="C1",
        class_name="phantom payment",
        predicate="PAID => one live capture",
        kind="safety",
        known_as="missing at the payment provider",
        search=find_phantom_payments,
        needs=("orders", "charges"),
    ),
    Rule(
        id="C2",
        class_name="orphan charge",
        predicate="each capture has an order",
        kind="settle",
        known_as="orphan charge, MISSING_IN_DB",
        search=find_orphan_charges,
        needs=("orders", "charges"),
    ),
    Rule(
        id="C3",
        class_name="charged but failed",
        predicate="failed, cancelled or no order => nothing is captured that is not refunded",
        kind="settle",
        known_as="unrefunded charge",
        search=find_charged_but_failed,
        needs=("orders", "charges", "attempts"),
        may_lack=("attempts",),
    ),
    Rule(
        id="C4",
        class_name="double charge",
        predicate="at most one live capture an order",
        kind="safety",
        known_as="double charge, duplicate write",
        search=find_double_charges,
        needs=("orders", "charges"),
    ),
    Rule(
        id="C5",
        class_name="over / under charge",
        predicate="the one live capture less refunds = total",
        kind="settle",
        known_as="AMOUNT_MISMATCH",
        search=find_wrong_charges,
        needs=("orders", "charges"),
    ),
    Rule(
        id="C6",
        class_name="idempotency conflict",
        predicate="same key => same order, same amount, one effect",
        kind="safety",
        known_as="key reuse",
        search=find_idempotency_conflicts,
        needs=("charges",),
    ),
    Rule(
        id="C7",
        class_name="dangling authorisation",
        predicate="each authorisation is captured or voided",
        kind="settle",
        known_as="uncaptured authorisation",
        search=find_dangling_authorisations,
        needs=("charges",),
    ),
    Rule(
        id="C8",
        class_name="captured after cancel",
        predicate="what is captured after an order was cancelled is given back",
        kind="settle",
        known_as="zombie write, late success",
        search=find_late_charges,
        needs=("orders", "charges", "journal"),
    ),
    Rule(
        id="C9",
        class_name="misread decline",
        predicate="declined => CANCELLED for payment_declined (legacy: PAYMENT_FAILED and 406), never tried again",
        kind="safety",
        known_as="STATUS_MISMATCH",
        search=find_misread_declines,
        needs=("orders", "charges", "journal", "attempts"),
        may_lack=("attempts",),
    ),
)
