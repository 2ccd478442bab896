"""S: what was sent, against what was bought."""

from collections.abc import Iterator

from oddsock.clients.sockshop.books import Order
from oddsock.drill.checks.check import Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_order, see_parcels
from oddsock.drill.ledger import Ledger, Row

SHIPPED = frozenset({"SHIPPED", "DELIVERED"})


def _phantom(row: Row, order: Order) -> str:
    """What is wrong with the shipment the order names; empty when the book bears it out."""
    if not order.shipment_id and order.status not in SHIPPED:
        return ""
    named = [p for p in row.parcels if p.shipment_id == order.shipment_id] if order.shipment_id else row.parcels
    if not named:
        return "shipping's book has no such parcel"
    if not any(parcel.reached_queue or not parcel.is_live for parcel in named):
        return "its task never reached the queue"
    return ""


def find_unshipped(ledger: Ledger) -> Iterator[Said]:
    """S1: paid and not sent."""
    for row, order in ledger.orders("shipments"):
        if row.is_placed and not row.live_parcels and not _phantom(row, order):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and no parcel is on its way.",
                witnesses=[see_order(row), *see_parcels(row.parcels)],
            )


def find_phantom_shipments(ledger: Ledger) -> Iterator[Said]:
    """S2: shipped, says the order; shipping knows better."""
    for row, order in ledger.orders("shipments"):
        if problem := _phantom(row, order):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} counts as shipped, and {problem}.",
                witnesses=[see_order(row), *see_parcels(row.parcels)],
            )


def find_free_socks(ledger: Ledger) -> Iterator[Said]:
    """S3: a parcel on its way for an order that is not paid."""
    for row, order in ledger.orders("shipments"):
        is_being_undone = row.is_failed and row.is_compensating
        if row.live_parcels and order.status and not row.is_placed and not is_being_undone:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} is {order.status}, and its parcel is on its way.",
                witnesses=[see_order(row), *see_parcels(row.live_parcels)],
            )


def find_orphan_shipments(ledger: Ledger) -> Iterator[Said]:
    """S4: a parcel on its way for no order at all."""
    for parcel in ledger.orphan_parcels:
        if parcel.is_live:
            yield Odd(
                order_id=parcel.tie.order_id,
                sentence=f"Parcel {parcel.shipment_id} is on its way, and no order belongs to it.",
                witnesses=see_parcels([parcel]),
            )
    for row in ledger.rows:
        if row.order is None and row.live_parcels and all(attempt.end != "ok" for attempt in row.attempts):
            yield Odd(
                order_id=row.order_id,
                attempt="" if row.order_id else row.ref,
                sentence=f"Attempt {row.ref} left no order, and a parcel is on its way for it.",
                witnesses=[*see_attempts(row.attempts), *see_parcels(row.live_parcels)],
            )


def find_double_shipments(ledger: Ledger) -> Iterator[Said]:
    """S5: two parcels on their way for one order."""
    for row, order in ledger.orders("shipments"):
        if len(row.live_parcels) > 1:
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id} was sent {len(row.live_parcels)} times.",
                witnesses=[see_order(row), *see_parcels(row.live_parcels)],
            )


SHIPMENTS = (
    Rule(
        id="S1",
        class_name="unshipped",
        predicate="PAID => one parcel",
        kind="settle",
        search=find_unshipped,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S2",
        class_name="phantom shipment",
        predicate="the order says shipped => shipping has the parcel, and its task reached the queue",
        kind="settle",
        search=find_phantom_shipments,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S3",
        class_name="free socks",
        predicate="a parcel that is not recalled => PAID",
        kind="safety",
        search=find_free_socks,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S4",
        class_name="orphan shipment",
        predicate="a parcel that is not recalled => an order",
        kind="safety",
        search=find_orphan_shipments,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S5",
        class_name="double shipment",
        predicate="at most one parcel an order",
        kind="safety",
        search=find_double_shipments,
        needs=("orders", "shipments"),
    ),
)
