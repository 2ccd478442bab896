"""How the rows of each book read as witnesses."""

from collections.abc import Iterable

from oddsock.clients.sockshop.books import Notice, OrderEvent, Shown, StatusChange
from oddsock.drill.grouping import ChargeGroup, Parcel
from oddsock.drill.ledger import Row
from oddsock.drill.operation import Attempt
from oddsock.drill.verdict import Witness
from oddsock.kit.money import dollars


def see_order(row: Row) -> Witness:
    """The order as the orders service shows it."""
    order = row.order
    text = "the book has no such order"
    if order:
        parcel = f"shipment {order.shipment_id}" if order.shipment_id else "shipment null"
        text = f"status {order.status or '(none)'}, total {dollars(order.total_cents)}, {parcel}"
    return Witness(book="orders", ref=row.order_id, text=text)


def see_attempts(attempts: Iterable[Attempt]) -> list[Witness]:
    """What each attempt got for an answer."""
    return [
        Witness(
            book="attempts",
            ref=attempt.operation,
            text=f"{attempt.username} at {attempt.invoked_at}, {dollars(attempt.total_cents)}: {attempt.end}, "
            f"HTTP {attempt.http_status or 'none'}, told {attempt.told}",
        )
        for attempt in attempts
    ]


def see_charges(groups: Iterable[ChargeGroup]) -> list[Witness]:
    """Every line of each charge."""
    return [
        Witness(book="charges", ref=line.id, text=f"{line.kind} {dollars(line.amount_cents)} at {line.at}")
        for group in groups
        for line in group.lines
    ]


def see_parcels(parcels: Iterable[Parcel]) -> list[Witness]:
    """Every parcel with its events."""
    return [
        Witness(book="shipments", ref=parcel.shipment_id, text=", ".join(line.event for line in parcel.lines))
        for parcel in parcels
    ]


def see_notices(notices: Iterable[Notice]) -> list[Witness]:
    """Every mail; a witness that says so where there is none."""
    seen = [Witness(book="notices", ref=n.message_id, text=f"{n.event} to {n.to} at {n.at}") for n in notices]
    return seen or [Witness(book="notices", ref="", text="no notice about it")]


def see_shown(shown: Iterable[Shown]) -> list[Witness]:
    """Every label a customer's page showed."""
    return [Witness(book="shown", ref=s.order_id, text=f'shown "{s.label}" at {s.at}') for s in shown]


def see_history(history: Iterable[StatusChange]) -> list[Witness]:
    """Every status the order had."""
    return [
        Witness(book="journal", ref=str(c.seq), text=f"{c.status} at {c.at}{': ' + c.cause if c.cause else ''}")
        for c in history
    ]


def see_events(events: Iterable[OrderEvent]) -> list[Witness]:
    """Every event of the order; a witness that says so where there is none."""
    seen = [Witness(book="order_events", ref=str(e.seq), text=f"{e.kind} at {e.at}") for e in events]
    return seen or [Witness(book="order_events", ref="", text="no event of it")]
