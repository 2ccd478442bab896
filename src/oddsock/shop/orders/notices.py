"""What a customer is told of an order, by mail, exactly once an order and event. Pure.

A notice is a row of the outbox, written in the transaction of the change it tells of. Its Message-ID comes from order
and event alone (`oddsock.clients.mail`), so that a mailbox keeps one however often it is sent, by us or by a mend.
"""

import msgspec

from oddsock.clients.mail import NoticeMail
from oddsock.kit.money import dollars
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Letter
from oddsock.shop.orders.status import Status

KIND = "notice"
DECLINED = "payment_declined"
"""The reason of an order that was cancelled because payment declined it."""

SUBJECTS = {
    "paid": "Your order is paid",
    "delayed": "Your order is taken, its payment is delayed",
    "declined": "Your payment was declined",
    "failed": "Your order could not be completed",
    "cancelled": "Your order is cancelled",
    "refunded": "Your money is on its way back",
}

SENTENCES = {
    "paid": "Your order of {total} is paid, and your socks are being sent.",
    "delayed": "We have your order of {total}, but it cannot be completed right now; we keep trying, "
    "you need not order again.",
    "declined": "Your order of {total} was not completed because its payment was declined; you were not charged.",
    "failed": "Your order of {total} could not be completed; if anything was charged for it, it is given back.",
    "cancelled": "Your order of {total} is cancelled; you owe nothing for it.",
    "refunded": "Your order of {total} could not be sent, so it is cancelled and what you paid is given back.",
}


def event_of(order: Order) -> str:
    """The event that the order's status is to its customer; empty while there is nothing to tell."""
    if order.status is Status.PAID:
        return "paid"
    if order.status is Status.PAYMENT_FAILED:
        return "declined" if order.reason.startswith("payment declined") else "failed"
    if order.status is Status.CANCELLED:
        return "declined" if order.reason == DECLINED else "cancelled"
    return ""


def owed(order: Order, at: str, event: str = "") -> tuple[Letter, ...]:
    """The letters that are owed because *order* came into its status; *event* in place of what the status says."""
    told = event or event_of(order)
    return (_letter(order, told, at),) if told and order.email else ()


def delayed(order: Order, at: str) -> tuple[Letter, ...]:
    """The letter that an order which is parked owes."""
    return (_letter(order, "delayed", at),) if order.email else ()


def _letter(order: Order, event: str, at: str) -> Letter:
    name = order.customer.first_name or order.customer.username or "customer"
    sentence = SENTENCES[event].format(total=dollars(order.total_cents))
    mail = NoticeMail(
        to=order.email,
        order_id=order.id,
        event=event,
        subject=SUBJECTS[event],
        body=f"Dear {name},\n\n{sentence}\n\nOrder {order.id}\n\nSock Shop\n",
    )
    return Letter(kind=KIND, order_id=order.id, event=event, body=msgspec.json.encode(mail), due_at=at)


def read(letter: Letter) -> NoticeMail:
    """The mail of *letter*."""
    return msgspec.json.decode(letter.body, type=NoticeMail)
