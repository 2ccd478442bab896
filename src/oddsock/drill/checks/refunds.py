"""R: what was given back, against what was taken."""

from collections.abc import Iterator

from oddsock.drill.checks.charges import each_charge
from oddsock.drill.checks.check import Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_charges, see_order, see_parcels
from oddsock.drill.grouping import ChargeGroup
from oddsock.drill.ledger import Ledger
from oddsock.kit.money import dollars


def _charges(ledger: Ledger) -> Iterator[tuple[str, ChargeGroup]]:
    """Every charge with the order it belongs to, orphans too."""
    for row, charge in each_charge(ledger):
        yield row.order_id if row else charge.tie.order_id, charge


def find_orphan_refunds(ledger: Ledger) -> Iterator[Said]:
    """R1: a refund of a charge that was never captured, or that is another order's."""
    for order_id, charge in _charges(ledger):
        captured_for = {line.order_id for line in charge.of_kind("capture")}
        astray = [
            line
            for line in charge.of_kind("refund")
            if not captured_for or (line.order_id and not captured_for & {line.order_id, ""})
        ]
        if astray:
            yield Odd(
                order_id=order_id,
                sentence=f"{dollars(sum(line.amount_cents for line in astray))} of charge {charge.charge_id} was "
                "refunded, and nothing was captured under it for that order.",
                witnesses=see_charges([charge]),
            )


def _is_repeated(charge: ChargeGroup) -> bool:
    whole = [line for line in charge.of_kind("refund") if line.amount_cents == charge.captured_cents]
    return len(whole) > 1 or len(charge.of_kind("void")) > 1


def find_over_refunds(ledger: Ledger) -> Iterator[Said]:
    """R2: more given back than was taken."""
    for order_id, charge in _charges(ledger):
        if charge.of_kind("capture") and charge.net_cents < 0 and not _is_repeated(charge):
            yield Odd(
                order_id=order_id,
                sentence=f"Charge {charge.charge_id} took {dollars(charge.captured_cents)} and gave back "
                f"{dollars(charge.sum_of('refund'))}.",
                witnesses=see_charges([charge]),
            )


def find_double_compensations(ledger: Ledger) -> Iterator[Said]:
    """R3: the same step undone twice: refunded in full twice, voided twice, recalled twice."""
    for order_id, charge in _charges(ledger):
        if _is_repeated(charge):
            yield Odd(
                order_id=order_id,
                sentence=f"Charge {charge.charge_id} was undone more than once.",
                witnesses=see_charges([charge]),
            )
    for row in ledger.rows:
        repeated = [parcel for parcel in row.parcels if parcel.count("recalled") > 1]
        if repeated:
            yield Odd(
                order_id=row.order_id,
                attempt="" if row.order_id else row.ref,
                sentence=f"A parcel of {row.ref} was recalled more than once.",
                witnesses=see_parcels(repeated),
            )


def find_unfinished_compensations(ledger: Ledger) -> Iterator[Said]:
    """R4: the order failed, undoing began, and something is left: money or a parcel."""
    for row, order in ledger.orders("charges", "shipments"):
        is_left = row.live_parcels or (row.net_cents > 0 and not row.late_charges)
        if row.is_failed and row.is_compensating and is_left and not row.is_given_away:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status} and half undone: {dollars(row.net_cents)} is still "
                f"held, {len(row.live_parcels)} parcels are on their way.",
                witnesses=[see_order(row), *see_charges(row.charges), *see_parcels(row.parcels)],
            )


def find_given_away(ledger: Ledger) -> Iterator[Said]:
    """R5: all the money went back, and the socks are on their way."""
    for row, order in ledger.orders("charges", "shipments"):
        if row.is_given_away:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} was refunded in full, and its parcel is on its way.",
                witnesses=[see_order(row), *see_charges(row.charges), *see_parcels(row.live_parcels)],
            )


REFUNDS = (
    Rule(
        id="R1",
        class_name="orphan refund",
        predicate="refund => a capture of the same order",
        kind="safety",
        known_as="orphan refund",
        search=find_orphan_refunds,
        needs=("charges",),
    ),
    Rule(
        id="R2",
        class_name="over-refund",
        predicate="refunds <= captures",
        kind="safety",
        known_as="over-refund",
        search=find_over_refunds,
        needs=("charges",),
    ),
    Rule(
        id="R3",
        class_name="double compensation",
        predicate="each step is undone at most once",
        kind="safety",
        known_as="duplicate compensation",
        search=find_double_compensations,
        needs=("charges", "shipments"),
        may_lack=("shipments",),
    ),
    Rule(
        id="R4",
        class_name="unfinished compensation",
        predicate="failed after effects => all of them are undone, or none was begun",
        kind="settle",
        known_as="incomplete saga",
        search=find_unfinished_compensations,
        needs=("orders", "charges", "shipments"),
        may_lack=("shipments",),
    ),
    Rule(
        id="R5",
        class_name="refunded and shipped",
        predicate="refunded in full => no parcel on its way",
        kind="settle",
        known_as="lost goods",
        search=find_given_away,
        needs=("orders", "charges", "shipments"),
    ),
)
