"""What a customer is told of an order, in words: one text for page and mail, and what is known of the money.

An event is what happened to an order: `paid`, `delayed`, `unsent` (paid, not yet handed to the parcel service),
`failed`, `declined`, `refunded`, `cancelled`. A text has three parts, always in this order: what happened, whether the
card was charged, what happens next or what to do. Sentences are plain ASCII, so that they fit into a header, too.
"""

from dataclasses import dataclass
from enum import StrEnum

from oddsock.kit.money import dollars


class Charged(StrEnum):
    """What is known of the money of one order."""

    YES = "yes"
    NO = "no"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CustomerText:
    """One text: a *subject*, what *happened*, whether the card was *charged*, what comes *next*."""

    subject: str
    happened: str
    charged: str
    next: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """The parts that say something, in order."""
        return tuple(part for part in (self.happened, self.charged, self.next) if part)

    @property
    def line(self) -> str:
        """Everything in one line, as a header or a status line takes it."""
        return " ".join(self.sentences)


SUBJECTS = {
    "paid": "Your order is paid",
    "delayed": "Your order is placed, its payment is late",
    "unsent": "Your order is paid, its parcel is late",
    "failed": "Your order could not be completed",
    "declined": "Your payment was declined",
    "refunded": "Your money is on its way back",
    "cancelled": "Your order is cancelled",
}
"""The events, and what stands above each text."""

HAPPENED = {
    "paid": "Your order of {total} is placed and paid.",
    "delayed": "Your order of {total} is placed. Our payment service does not answer at the moment.",
    "unsent": "Your order of {total} is placed and paid, but our parcel service has not taken it yet.",
    "failed": "Your order of {total} could not be completed, because something in our shop did not work.",
    "declined": "Your order of {total} could not be completed, because its payment was declined.",
    "refunded": "What was charged wrongly for your order of {total} is given back to you.",
    "cancelled": "Your order of {total} is cancelled.",
}

CHARGED = {
    Charged.YES: "Your card was charged {total}.",
    Charged.NO: "Your card was not charged.",
    Charged.REFUNDED: "Your card was charged, and the money has been given back.",
    Charged.UNKNOWN: "We do not know yet whether your card was charged.",
}

NOT_CHARGED_YET = "Your card has not been charged yet."
"""The same NO while a payment is still to come."""

NEXT = {
    "paid": "We send your socks. You need not do anything.",
    "delayed": "Please do not order again: we ask the payment service again by ourselves, "
    "and My orders shows how it ends.",
    "unsent": "Please do not order again: we send your socks as soon as the parcel service answers.",
    "declined": "Please try another card, or put less into your basket. Your basket is kept.",
    "refunded": "It can take your bank a few days to show it. You need not do anything.",
    "cancelled": "You may order again at any time.",
}

NEXT_FAILED = {
    Charged.YES: "Please do not order again: we complete this order or give the money back, and tell you which.",
    Charged.NO: "Your basket is kept. You may order again now or later.",
    Charged.REFUNDED: "You may order again at any time.",
    Charged.UNKNOWN: "Please do not order again yet: look at My orders. It shows whether you were charged as soon as "
    "we know, and if you were, we complete the order or give the money back.",
}
"""What comes next after `failed`, which depends on the money."""

CERTAIN = {"paid": Charged.YES, "unsent": Charged.YES, "declined": Charged.NO, "refunded": Charged.REFUNDED}
"""Events that say by themselves what happened to the money."""


def text_for(event: str, total_cents: int | None, charged: Charged = Charged.UNKNOWN) -> CustomerText:
    """The text of *event* for an order of *total_cents* whole cents (None: not known); KeyError for no such event.

    *charged* matters for `delayed`, `failed` and `cancelled`; the other events are certain by themselves.

    >>> text_for("failed", 10498, Charged.NO).sentences[1]
    'Your card was not charged.'
    """
    known = CERTAIN.get(event, charged)
    next_step = NEXT_FAILED[known] if event == "failed" else NEXT[event]
    # A refund's own sentence says it already; a late payment that nobody knows of is what `delayed` itself says.
    money = "" if event == "refunded" else CHARGED[known]
    if event == "delayed" and known is Charged.NO:
        money = NOT_CHARGED_YET
    return CustomerText(SUBJECTS[event], _priced(HAPPENED[event], total_cents), _priced(money, total_cents), next_step)


def _priced(sentence: str, total_cents: int | None) -> str:
    if total_cents is None:
        return sentence.replace(" of {total}", "").replace(" {total}", "")
    return sentence.format(total=dollars(total_cents))


def mail_body(text: CustomerText, name: str, order_id: str) -> str:
    """The text as the body of a mail to *name* about *order_id*."""
    paragraphs = "\n\n".join(text.sentences)
    return f"Dear {name},\n\n{paragraphs}\n\nOrder {order_id}\n\nSock Shop\n"
