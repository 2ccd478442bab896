"""S: what was sent, against what was bought."""

from collections.abc import Iterable, Iterator

from oddsock.clients.sockshop.books import Line, Order
from oddsock.drill.checks.check import Moot, Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_attempts, see_order, see_parcels
from oddsock.drill.grouping import Parcel
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


def _wrong_contents(order: Order, parcel: Parcel) -> str:
    held = next((line.lines for line in parcel.lines if line.lines is not None), None)
    address = next((line.address for line in parcel.lines if line.address), "")
    if held is not None and _pieces(held) != _pieces(order.lines):
        return "holds other socks than were ordered"
    return "goes to another address" if address and order.address and address != order.address else ""


def _pieces(lines: Iterable[Line]) -> dict[str, int]:
    pieces: dict[str, int] = {}
    for line in lines:
        pieces[line.item_id] = pieces.get(line.item_id, 0) + line.quantity
    return pieces


def find_wrong_parcels(ledger: Ledger) -> Iterator[Said]:
    """S6: a parcel on its way with other socks than ordered, or to another address."""
    if not ledger.tells_parcels:
        yield Moot(reason="shipping is told neither the socks of a parcel nor its address")
        return
    for row, order in ledger.orders("shipments"):
        for parcel in row.live_parcels:
            if problem := _wrong_contents(order, parcel):
                yield Odd(
                    order_id=order.id,
                    sentence=f"Parcel {parcel.shipment_id} of order {order.id} {problem}.",
                    witnesses=[see_order(row), *see_parcels([parcel])],
                )


def find_stuck_parcels(ledger: Ledger) -> Iterator[Said]:
    """S7: a task in the queue that nobody took and nobody gave up with a word to the customer."""
    for row, order in ledger.orders("shipments"):
        stuck = [p for p in row.live_parcels if p.count("queued") and not p.count("dispatched")]
        for parcel in stuck:
            if not (parcel.count("dead-lettered") and row.notices):
                yield Odd(
                    order_id=order.id,
                    sentence=f"Parcel {parcel.shipment_id} of order {order.id} waits in the queue.",
                    witnesses=[see_order(row), *see_parcels([parcel])],
                )


SHIPMENTS = (
    Rule(
        id="S1",
        class_name="unshipped",
        predicate="PAID => one parcel",
        kind="settle",
        known_as="paid, not shipped",
        search=find_unshipped,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S2",
        class_name="phantom shipment",
        predicate="the order says shipped => shipping has the parcel, and its task reached the queue",
        kind="settle",
        known_as="phantom shipment",
        search=find_phantom_shipments,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S3",
        class_name="free socks",
        predicate="a parcel that is not recalled => PAID",
        kind="safety",
        known_as="shipped, not paid",
        search=find_free_socks,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S4",
        class_name="orphan shipment",
        predicate="a parcel that is not recalled => an order",
        kind="safety",
        known_as="orphan",
        search=find_orphan_shipments,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S5",
        class_name="double shipment",
        predicate="at most one parcel an order",
        kind="safety",
        known_as="duplicated delivery",
        search=find_double_shipments,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S6",
        class_name="wrong parcel",
        predicate="the socks and the address of a parcel are the order's",
        kind="safety",
        moot_when="shipping is told neither the socks of a parcel nor its address",
        search=find_wrong_parcels,
        needs=("orders", "shipments"),
    ),
    Rule(
        id="S7",
        class_name="stuck parcel",
        predicate="a queued parcel is dispatched, or given up with a mail to its customer",
        kind="settle",
        known_as="lost or stuck message",
        search=find_stuck_parcels,
        needs=("orders", "shipments", "notices"),
        may_lack=("notices",),
    ),
)
