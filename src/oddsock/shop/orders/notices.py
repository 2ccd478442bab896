"""What a customer is told of an order, by mail, exactly once an order and event. Pure.

A notice is a row of the outbox, written in the transaction of the change it tells of. Its Message-ID comes from order
and event alone (`oddsock.clients.mail`), so that a mailbox keeps one however often it is sent, by us or by a mend.
"""

import msgspec

from oddsock.clients.mail import NoticeMail
from oddsock.shop.customer_texts import Charged, mail_body, text_for
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Letter
from oddsock.shop.orders.status import Status

KIND = "notice"
DECLINED = "payment_declined"
"""The reason of an order that was cancelled because payment declined it."""


def event_of(order: Order) -> str:
    """The event that the order's status is to its customer; empty while there is nothing to tell."""
    if order.status is Status.PAID:
        return "paid"
    if order.status is Status.PAYMENT_FAILED:
        return "declined" if order.reason.startswith("payment declined") else "failed"
    if order.status is Status.CANCELLED:
        return "declined" if order.reason == DECLINED else "cancelled"
    return ""


def owed(order: Order, at: str, event: str = "", charged: Charged = Charged.UNKNOWN) -> tuple[Letter, ...]:
    """The letters that are owed because *order* came into its status; *event* in place of what the status says."""
    told = event or event_of(order)
    return (_letter(order, told, told, at, charged),) if told and order.email else ()


def delayed(order: Order, at: str, charged: Charged) -> tuple[Letter, ...]:
    """The letter that an order which is parked owes: its payment is late, or, when it is paid, its parcel."""
    text = "unsent" if order.status is Status.PAID else "delayed"
    return (_letter(order, "delayed", text, at, charged),) if order.email else ()


def _letter(order: Order, event: str, text_name: str, at: str, charged: Charged) -> Letter:
    name = order.customer.first_name or order.customer.username or "customer"
    text = text_for(text_name, order.total_cents, charged)
    body = mail_body(text, name, order.id)
    mail = NoticeMail(to=order.email, order_id=order.id, event=event, subject=text.subject, body=body)
    return Letter(kind=KIND, order_id=order.id, event=event, body=msgspec.json.encode(mail), due_at=at)


def read(letter: Letter) -> NoticeMail:
    """The mail of *letter*."""
    return msgspec.json.decode(letter.body, type=NoticeMail)
