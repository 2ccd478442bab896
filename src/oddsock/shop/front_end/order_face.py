"""One order as its pages follow it: a fold of orders' journal and shipping's book into what is shown. Pure.

status  <- the last line of orders' journal
parcels <- accepted and not recalled, in shipping's book
label   <- both, by the same rule as every page: Shipped exactly when a live shipment exists
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oddsock.shop.front_end.shown import ORDER, label_of

FINAL = frozenset({"CANCELLED", "DELIVERED"})
"""Statuses that no order leaves; everything else may still change."""

SENTENCES = {
    "CREATED": "Your order has arrived and is being worked on.",
    "PENDING": "Waiting for your payment to be confirmed.",
    "PAID": "Your payment is confirmed.",
    "PAYMENT_FAILED": "The payment did not go through. It may be tried again.",
    "SHIPPED": "Your socks are on their way.",
    "DELIVERED": "Your socks have arrived.",
    "CANCELLED": "This order is cancelled.",
}
"""What a status means to a customer."""

WHY = (
    ("payment declined", "the payment was declined"),
    ("payment_declined", "the payment was declined"),
    ("retry", "tried again"),
    ("cancelled", ""),
    ("adopted capture", "the payment was found"),
)
"""Causes of the journal, by how they begin, and how a customer reads them."""

COLOURS = {
    "PAID": "good",
    "SHIPPED": "good",
    "DELIVERED": "good",
    "PAYMENT_FAILED": "bad",
    "CANCELLED": "off",
}
"""The kind of mark beside a status; the word itself always stands there, too."""


@dataclass(frozen=True, slots=True)
class Face:
    """What is shown of an order at one time."""

    order_id: str
    status: str
    label: str
    sentence: str
    colour: str
    at: str
    is_final: bool


@dataclass(slots=True)
class OrderFace:
    """An order that is followed; *seen* are the last journal and shipment seq that went into it."""

    order_id: str
    status: str = ""
    at: str = ""
    parcels: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)
    seen: tuple[int, int] = (0, 0)

    def apply_change(self, row: Mapping[str, Any]) -> bool:
        """Take a line of the journal in; whether it is news."""
        if int(row["seq"]) <= self.seen[0]:
            return False
        self.seen = (int(row["seq"]), self.seen[1])
        self.status, self.at = str(row["status"]), str(row["at"])
        return True

    def apply_parcel(self, row: Mapping[str, Any]) -> bool:
        """Take a row of shipping's book in, in whatever order the rows come; whether it is news."""
        kept = self.recalled if row["event"] == "recalled" else self.parcels
        kept.add(str(row["shipment_id"]))
        if int(row["seq"]) <= self.seen[1]:
            return False
        self.seen = (self.seen[0], int(row["seq"]))
        self.at = str(row["at"])
        return True

    @property
    def face(self) -> Face:
        """What is shown now."""
        alive = self.parcels - self.recalled
        order = {"status": self.status, "shipment": {"id": next(iter(alive), "")}}
        return face_of(self.order_id, self.status, label_of(order, alive, ORDER), self.at)


def why(status: str, cause: str) -> str:
    """Why an order came into *status*, for a customer; empty when there is nothing to say.

    >>> why("PAYMENT_FAILED", "Connection refused"), why("PAID", "")
    ('our payment service did not answer', '')
    """
    known = next((words for begins, words in WHY if cause.startswith(begins)), None)
    return known if known is not None else "our payment service did not answer" if status == "PAYMENT_FAILED" else ""


def face_of(order_id: str, status: str, label: str, at: str = "") -> Face:
    """The face of an order in *status*, shown as *label*.

    >>> face_of("1", "PAID", "Shipped").sentence
    'Your socks are on their way.'
    """
    is_shipped = label == "Shipped"
    sentence = SENTENCES["SHIPPED"] if is_shipped else SENTENCES.get(status, "")
    colour = "good" if is_shipped else COLOURS.get(status, "wait")
    return Face(order_id, status, label, sentence, colour, at, status in FINAL)
