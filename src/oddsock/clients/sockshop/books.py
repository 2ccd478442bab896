"""The rows of the shop's books as a reader gets them: typed, money in whole cents, card numbers already masked.

Each book is append-only and pages by `after`. `at` is ISO 8601 UTC with milliseconds everywhere. The three correlation
values (`request_id`, `traceparent`, `order_id`) are empty strings where a shop does not keep them.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a cart or an order: *quantity* pieces of sock *item_id* at *unit_cents* each."""

    item_id: str
    quantity: int
    unit_cents: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the orders service shows it now; *status_from* says whether the order or its journal told it."""

    id: str
    customer_id: str
    username: str
    status: str
    total_cents: int
    total_wire: float
    lines: list[Line]
    shipment_id: str | None
    placed_at: str
    reason: str = ""
    card_last_four: str = ""
    address: str = ""
    status_from: Literal["order", "journal"] = "order"


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the orders journal: order *order_id* came into *status* because of *cause*."""

    seq: int
    order_id: str
    status: str
    at: str
    cause: str = ""
    actor: str = ""
    request_id: str = ""
    traceparent: str = ""
    idempotency_key: str = ""


def with_journal_status(orders: Iterable[Order], journal: Iterable[StatusChange]) -> list[Order]:
    """*orders*, each that shows no status with the last one of its *journal*: a shop of profile `upstream`.

    An order that no line of the journal is about keeps none, as in a shop that has no journal.
    """
    last = {change.order_id: change for change in sorted(journal, key=lambda change: change.seq)}
    return [
        msgspec.structs.replace(
            order,
            status=last[order.id].status,
            reason=last[order.id].cause if last[order.id].status == "CANCELLED" else "",
            status_from="journal",
        )
        if not order.status and order.id in last
        else order
        for order in orders
    ]


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """One line of payment's book; *kind* is authorisation, decline, capture, refund or void.

    *charge_id* ties the lines of one charge together: a capture, refund or void names the authorisation's id.
    """

    seq: int
    id: str
    charge_id: str
    kind: str
    amount_cents: int
    at: str
    message: str = ""
    customer_id: str = ""
    order_id: str = ""
    request_id: str = ""
    traceparent: str = ""
    idempotency_key: str = ""


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of shipping's book; *event* is accepted, queued, dispatched (queue-master took it) or recalled.

    *event* is dead-lettered where a queue gives a task up. *lines* and *address* are what the parcel holds and where
    it goes; None and empty where shipping is told neither, as the original's is not.
    """

    seq: int
    shipment_id: str
    event: str
    at: str
    customer_id: str = ""
    order_id: str = ""
    request_id: str = ""
    traceparent: str = ""
    idempotency_key: str = ""
    lines: list[Line] | None = None
    address: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One mail that reached the mailbox; *event* is paid, declined, failed, cancelled, refunded or delayed."""

    seq: int
    message_id: str
    to: str
    subject: str
    event: str
    order_id: str
    at: str
    body: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer's own page shows for an order: the *label* word for word, and the amount."""

    order_id: str
    customer_id: str
    label: str
    at: str
    amount_cents: int | None = None


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line that stands in a customer's cart."""

    customer_id: str
    item_id: str
    quantity: int
    unit_cents: int


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as the user service knows them."""

    id: str
    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """A card (its last four digits) or an address (in one line) that stands under *customer_id* in the user service."""

    customer_id: str
    card_last_four: str = ""
    address: str = ""


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of an order where a shop sources its orders from events: created, moved, shipped, parked.

    *data* is the event's own: of `created` the whole order, of `moved` its status, of `shipped` its shipment_id.
    """

    seq: int
    order_id: str
    kind: str
    at: str
    cause: str = ""
    actor: str = ""
    request_id: str = ""
    trace_id: str = ""
    data: dict[str, Any] = {}


class Sock(msgspec.Struct, frozen=True, kw_only=True):
    """A sock of the catalogue."""

    id: str
    name: str
    price_cents: int
