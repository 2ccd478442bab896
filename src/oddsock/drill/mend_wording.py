"""What a mend tells a customer: which event an order's end is, and the mail for it."""

from oddsock.clients.mail import NoticeMail
from oddsock.clients.sockshop.books import Customer, Order
from oddsock.drill.checks.charges import DECLINED
from oddsock.drill.ledger import PLACED
from oddsock.kit.money import dollars

SUBJECTS = {
    "paid": "Your order is paid and on its way",
    "declined": "Your payment was declined",
    "failed": "Your order could not be completed",
    "cancelled": "Your order is cancelled",
    "refunded": "Your money is on its way back",
}

SENTENCES = {
    "paid": "Something went wrong when you ordered. It is put right now: your order of {total} is paid and on its way.",
    "declined": "Your order of {total} could not be completed because its payment was declined. You were not charged.",
    "failed": "Your order of {total} could not be completed. You were not charged; please order again if you wish.",
    "cancelled": "Your order of {total} is cancelled. If anything had been paid, it is given back in full.",
    "refunded": "You were charged too much for your order of {total}. What was too much is given back to you.",
}


def event_for(order: Order) -> str:
    """The event that tells how *order* ended; empty while it has not, or failed in a way that may be tried again."""
    if order.status in PLACED:
        return "paid"
    if order.status == "CANCELLED":
        return "declined" if order.reason == DECLINED else "cancelled"
    return ""


def write_notice(order: Order, customer: Customer, event: str) -> NoticeMail:
    """The mail that tells *customer* of *event*; its Message-ID is the same for the same order and event."""
    name = customer.first_name or customer.username
    sentence = SENTENCES[event].format(total=dollars(order.total_cents))
    return NoticeMail(
        to=customer.email,
        order_id=order.id,
        event=event,
        subject=SUBJECTS[event],
        body=f"Dear {name},\n\n{sentence}\n\nOrder {order.id}\n\nSock Shop\n",
    )
