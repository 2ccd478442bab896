"""B6, B7: an order against its events, where a shop makes orders of events: their fold, and what they announce."""

from collections.abc import Iterator
from datetime import timedelta

from oddsock.clients.sockshop.books import Order, OrderEvent
from oddsock.drill.checks.check import Odd, Rule, Said
from oddsock.drill.checks.witnesses import see_events, see_order
from oddsock.drill.ledger import Ledger, Row
from oddsock.drill.matching import SKEW_S
from oddsock.drill.verdict import Witness
from oddsock.kit.clock import instant
from oddsock.kit.money import cents

Lines = dict[tuple[str, int], int]
"""How many pieces of each sock at each price in cents."""


def lines_of(order: Order) -> Lines:
    """What the order's lines add up to."""
    held: Lines = {}
    for line in order.lines:
        held[line.item_id, line.unit_cents] = held.get((line.item_id, line.unit_cents), 0) + line.quantity
    return held


def fold(events: list[OrderEvent]) -> dict[str, object] | None:
    """The fields of the order that *events*, oldest first, make; None where they begin in the middle."""
    fields: dict[str, object] | None = None
    for event in events:
        if event.kind == "created":
            born = event.data["order"]
            lines: Lines = {}
            for item in born["items"]:
                key = (str(item["itemId"]), cents(float(item["unitPrice"])))
                lines[key] = lines.get(key, 0) + int(item["quantity"])
            kept = {name: born.get(name) for name in ("customer_id", "total_cents", "status", "shipment_id")}
            fields = {**kept, "lines": lines}
        elif fields is not None and event.kind in ("moved", "shipped"):
            fields |= {name: event.data[name] for name in ("status", "shipment_id") if name in event.data}
    return fields


def _drift(order: Order, events: list[OrderEvent]) -> str:
    rebuilt = fold(events)
    if rebuilt is None:
        return "its events do not begin with its creation"
    stands: dict[str, object] = {
        "customer_id": order.customer_id,
        "total_cents": order.total_cents,
        "status": order.status,
        "shipment_id": order.shipment_id,
        "lines": lines_of(order),
    }
    wrong = [name for name, value in stands.items() if (value or None) != (rebuilt[name] or None)]
    return ", ".join(f"{name} is {stands[name]} and its events make {rebuilt[name]}" for name in wrong)


def find_drifts(ledger: Ledger) -> Iterator[Said]:
    """B6: the order is not what its events make of it."""
    for row, order in ledger.orders():
        if order.status_from == "order" and order.status and (problem := _drift(order, row.events)):
            yield Odd(
                order_id=order.id,
                sentence=f"Order {order.id}: {problem}.",
                witnesses=[see_order(row), *see_events(row.events)],
            )


ANNOUNCED = {
    "authorisation": "PENDING", "capture": "PENDING", "parcel": "PENDING", "paid": "PAID", "failed": "PAYMENT_FAILED",
    "declined": "", "cancelled": "CANCELLED", "refunded": "", "delayed": "",
}  # fmt: skip
"""What an event must have announced before each effect: that the order came into a status, or that it was there.

A refund or recall by hand is asked of payment and shipping themselves, so nothing but the order stands before it.
"""


def _effects(row: Row) -> Iterator[tuple[str, str, Witness]]:
    """Kind, instant and witness of everything that happened outside of orders on its account."""
    for charge in row.charges:
        for line in charge.lines:
            yield line.kind, line.at, Witness(book="charges", ref=line.id, text=f"{line.kind} at {line.at}")
    for parcel in row.parcels:
        first = parcel.lines[0]
        text = f"{first.event} at {first.at}"
        yield "parcel", first.at, Witness(book="shipments", ref=parcel.shipment_id, text=text)
    for notice in row.notices:
        text = f"{notice.event} at {notice.at}"
        yield notice.event, notice.at, Witness(book="notices", ref=notice.message_id, text=text)


def find_unjournaled_effects(ledger: Ledger) -> Iterator[Said]:
    """B7: money moved, a parcel left or a mail went out, and no event of the order had announced it."""
    for row, order in ledger.orders("charges", "shipments"):
        announced: dict[str, str] = {}
        for event in row.events:
            announced.setdefault("", event.at)
            announced.setdefault(str(event.data.get("status", "")) if event.kind == "moved" else "", event.at)
        seen = [
            (kind, witness)
            for kind, at, witness in _effects(row)
            if not _is_before(announced.get(ANNOUNCED.get(kind, ""), ""), at)
        ]
        if seen:
            kinds = ", ".join(dict.fromkeys(kind for kind, _ in seen))
            yield Odd(
                order_id=order.id,
                sentence=f"Nothing in the events of order {order.id} announced this before it happened: {kinds}.",
                witnesses=[*(witness for _, witness in seen), *see_events(row.events)],
            )


def _is_before(announced_at: str, at: str) -> bool:
    if not announced_at:
        return False
    return announced_at <= at or instant(announced_at) <= instant(at) + timedelta(seconds=SKEW_S)


EVENTS = (
    Rule(
        id="B6",
        class_name="projection drift",
        predicate="the fold of an order's events = the order",
        kind="settle",
        known_as="projection drift",
        search=find_drifts,
        needs=("orders", "order_events"),
    ),
    Rule(
        id="B7",
        class_name="unjournaled effect",
        predicate="each charge, parcel, refund and mail has an event of its order before it",
        kind="safety",
        known_as="write-ahead violated",
        search=find_unjournaled_effects,
        needs=("orders", "order_events", "charges", "shipments", "notices"),
        may_lack=("charges", "shipments", "notices"),
    ),
)
