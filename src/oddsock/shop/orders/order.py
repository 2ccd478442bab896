"""An order and its totals: pure. Field names are the wire's (microservices-demo/orders entities), ids null as there."""

from typing import Any

import msgspec

from oddsock.kit.money import SHIPPING_CENTS, cents, wire_total
from oddsock.shop.orders.status import Status


class Customer(msgspec.Struct, rename="camel"):
    """The customer as orders copies them; the id is lost on the way, as in the original."""

    first_name: str = ""
    last_name: str = ""
    username: str = ""


class Address(msgspec.Struct):
    """Where the parcel goes."""

    number: str = ""
    street: str = ""
    city: str = ""
    postcode: str = ""
    country: str = ""


class Card(msgspec.Struct, rename="camel"):
    """What is charged; in clear, as the original keeps it."""

    long_num: str = ""
    expires: str = ""
    ccv: str = ""


class Item(msgspec.Struct, rename="camel"):
    """A line of the cart as it was at checkout; *unit_price* in major units, as the cart had it."""

    id: str = ""
    item_id: str = ""
    quantity: int = 1
    unit_price: float = 0.0


class Order(msgspec.Struct, kw_only=True):
    """An order of the book; *total* is what goes over the wire, *reason* why it failed or was cancelled.

    *email* is where its customer is told of it; *revision* counts its changes, so that none is written over another.
    """

    id: str
    customer_id: str
    customer: Customer
    address: Address
    card: Card
    items: list[Item]
    total: float
    total_cents: int
    placed_at: str
    status: Status
    reason: str = ""
    shipment_id: str | None = None
    email: str = ""
    revision: int = 0


def changed(order: Order, **fields: Any) -> Order:
    """*order* with *fields*, one revision on."""
    return msgspec.structs.replace(order, revision=order.revision + 1, **fields)


def is_open(order: Order) -> bool:
    """Whether something is still to be done for an order: CREATED, PENDING, or PAID without a shipment."""
    unshipped = order.status is Status.PAID and order.shipment_id is None
    return unshipped or order.status in (Status.CREATED, Status.PENDING)


def total_of(items: list[Item], float32_totals: bool) -> tuple[float, int]:
    """The total on the wire and in whole cents, shipping included; the wire's is float32 when the legacy switch is on.

    >>> total_of([Item(unit_price=99.99)], True), total_of([Item(unit_price=99.99)], False)
    ((104.979996, 10498), (104.98, 10498))
    """
    exact = sum(item.quantity * cents(item.unit_price) for item in items) + SHIPPING_CENTS
    if float32_totals:
        return wire_total((item.quantity, item.unit_price) for item in items), exact
    return exact / 100, exact


def payment_request_text(order: Order) -> str:
    """The payment request as Java's toString writes it: the card in clear, no amount."""
    a, c, p = order.address, order.card, order.customer
    return (
        f"PaymentRequest{{address=Address{{id='null', number='{a.number}', street='{a.street}', city='{a.city}', "
        f"postcode='{a.postcode}', country='{a.country}'}}, card=Card{{id='null', longNum='{c.long_num}', "
        f"expires='{c.expires}', ccv='{c.ccv}'}}, customer=Customer{{id='null', firstName='{p.first_name}', "
        f"lastName='{p.last_name}', username='{p.username}', addresses=[], cards=[]}}}}"
    )
