"""What a customer is told at the end of a checkout: pure.

An outcome is made from the answer's HTTP status, the order as orders has it now (None: not known) and the money. With
ERROR_DISPLAY off the page says what the original's client.js says, in `shown`; everything here is the mended shop.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oddsock.kit.money import cents
from oddsock.shop.customer_texts import CHARGED, Charged, CustomerText, text_for
from oddsock.shop.front_end.money_told import Money

_ORDER_IN_WORDS = re.compile(r"\border ([0-9a-f]{24})\b")
_DONE = frozenset({"PAID", "SHIPPED", "DELIVERED"})

NOT_CHARGED = CHARGED[Charged.NO]

UNREADABLE = CustomerText(
    "Your order could not be read",
    "Our shop could not read what your browser sent, and nothing was ordered.",
    NOT_CHARGED,
    "Please load the page again and press the button once more.",
)
INCOMPLETE = CustomerText(
    "Something is missing for your order",
    "An order needs an address, a card and at least one sock in the basket. Nothing was ordered.",
    NOT_CHARGED,
    "Please add what is missing and order again.",
)
IN_PROGRESS = CustomerText(
    "This order is being placed already",
    "The same order was sent before, and our shop is still working on it.",
    CHARGED[Charged.UNKNOWN],
    "Please do not order again: it is charged at most once, and My orders shows how it ends.",
)
STALE_PAGE = CustomerText(
    "This order was sent before",
    "This page has placed an order already, and your basket has changed since. Nothing more was ordered.",
    "Nothing more was charged to your card.",
    "Look at My orders; for another order, open the checkout again.",
)
NOT_LOGGED_IN = CustomerText(
    "You are not logged in",
    "You must be logged in to place an order. Nothing was ordered.",
    NOT_CHARGED,
    "Please log in; your basket goes along.",
)
SHOP_CLOSED = CustomerText(
    "Our shop cannot take orders at the moment",
    "Your order did not reach the part of our shop that takes orders, and nothing was ordered.",
    NOT_CHARGED,
    "Your basket is kept. Please try again in a few minutes.",
)
NO_CONNECTION = CustomerText(
    "You are offline",
    "Your browser has no connection, so nothing was sent and nothing was ordered.",
    NOT_CHARGED,
    "Your basket is kept. Press the button again when you are online.",
)
CONNECTION_LOST = CustomerText(
    "The connection was lost",
    "Your order was sent, but the connection broke before our shop could answer.",
    CHARGED[Charged.UNKNOWN],
    "Please do not order again yet: look at My orders. If your order is not there, it did not arrive, and you may "
    "order again.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a checkout ended: a *kind* for the page's colour, the *text*, and the order if it is known."""

    kind: str
    text: CustomerText
    order_id: str = ""
    charged: Charged = Charged.NO

    @property
    def is_order(self) -> bool:
        """Whether there is an order to follow, so that the basket has done its work."""
        return self.kind in ("placed", "delayed", "unsent")


def order_id_in(document: object) -> str:
    """The order that an answer of orders names: its own id, or the one in the message; empty when none is.

    >>> order_id_in({"message": "Payment service unavailable for order 690320eae2c84800016ceb4b"})
    '690320eae2c84800016ceb4b'
    """
    if not isinstance(document, Mapping):
        return ""
    found = _ORDER_IN_WORDS.search(str(document.get("message") or ""))
    return str(document.get("id") or "") or (found.group(1) if found else "")


def outcome_of(status: int, document: object, order: Mapping[str, Any] | None, money: Money) -> Outcome:
    """What the customer is told after orders' answer *status* with *document*.

    >>> outcome_of(400, {}, None, Money(Charged.NO)).text.subject
    'Your order could not be read'
    """
    known = document if isinstance(document, Mapping) else {}
    order_id = order_id_in(known) or money.order_id
    now = order if order is not None else known if status in (201, 202) else {}
    total_cents = _cents(now.get("total"))
    if status in (201, 202):
        return _accepted(status, now, total_cents, money, order_id)
    if status in _BY_STATUS:
        return Outcome("refused", _BY_STATUS[status], order_id, money.charged)
    if status == 406:
        return _refused(str(known.get("message") or ""), total_cents, order_id)
    if str(now.get("status") or "") in _DONE and money.charged is not Charged.REFUNDED:
        event = "paid" if now.get("shipment") else "unsent"
        kind = "placed" if event == "paid" else event
        return Outcome(kind, text_for(event, total_cents), order_id, Charged.YES)
    if total_cents is None and money.captured_cents:
        total_cents = money.captured_cents
    return Outcome("failed", text_for("failed", total_cents, money.charged), order_id, money.charged)


_BY_STATUS = {400: UNREADABLE, 409: IN_PROGRESS, 422: STALE_PAGE}


def _accepted(status: int, now: Mapping[str, Any], total_cents: int | None, money: Money, order_id: str) -> Outcome:
    is_done = now.get("status") in _DONE
    if status == 202 and not (is_done and now.get("shipment")):
        # A saga says PAID only with the parcel: what its money says is as true as its status.
        event = "unsent" if is_done or money.charged is Charged.YES else "delayed"
        text = text_for(event, total_cents, money.charged)
        return Outcome(event, text, order_id, Charged.YES if event == "unsent" else money.charged)
    return Outcome("placed", text_for("paid", total_cents), order_id, Charged.YES)


def _refused(said: str, total_cents: int | None, order_id: str) -> Outcome:
    if "declined" not in said.lower():
        return Outcome("refused", INCOMPLETE, order_id)
    text = text_for("declined", total_cents)
    why = said.removeprefix("Payment declined: ").strip().rstrip(".")
    happened = f"{text.happened.rstrip('.')}: {why}." if why and why.isascii() else text.happened
    return Outcome("refused", CustomerText(text.subject, happened, text.charged, text.next), order_id)


def _cents(amount: object) -> int | None:
    return cents(amount) if isinstance(amount, int | float) else None
