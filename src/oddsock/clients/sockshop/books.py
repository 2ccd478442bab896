"""The rows of the shop's books as a reader gets them: typed, money in whole cents, card numbers already masked.

Each book is append-only and pages by `after`. `at` is ISO 8601 UTC with milliseconds everywhere. The three correlation
values (`request_id`, `traceparent`, `order_id`) are empty strings where a shop does not keep them.
"""

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a cart or an order: *quantity* pieces of sock *item_id* at *unit_cents* each."""

    item_id: str
    quantity: int
    unit_cents: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the orders service shows it now."""

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
    """One line of shipping's book; *event* is accepted, queued, dispatched (queue-master took it) or recalled."""

    seq: int
    shipment_id: str
    event: str
    at: str
    customer_id: str = ""
    order_id: str = ""
    request_id: str = ""
    traceparent: str = ""
    idempotency_key: str = ""


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


class Sock(msgspec.Struct, frozen=True, kw_only=True):
    """A sock of the catalogue."""

    id: str
    name: str
    price_cents: int
