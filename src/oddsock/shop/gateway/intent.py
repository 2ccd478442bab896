"""The state diagram of a PaymentIntent: pure. Source: Stripe's page "How PaymentIntents work", cards without 3D Secure.

requires_payment_method ─> requires_confirmation ─> succeeded
     │        ▲                │        │
     │        └── declined ────┤        └─ manual ─> requires_capture ─> succeeded
     └──────────────┬──────────┴──────────────────────────┘
                    └─> canceled
"""

import msgspec

from oddsock.shop.gateway.cards import Decline

NEEDS_METHOD = "requires_payment_method"
NEEDS_CONFIRMATION = "requires_confirmation"
NEEDS_CAPTURE = "requires_capture"
SUCCEEDED = "succeeded"
CANCELED = "canceled"

CANCELLABLE = frozenset({NEEDS_METHOD, NEEDS_CONFIRMATION, NEEDS_CAPTURE})
REASONS = ("", "duplicate", "fraudulent", "requested_by_customer", "abandoned")


class IllegalStep(Exception):
    """The intent's status does not allow this."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A PaymentIntent of the book; amounts in the smallest unit of *currency*, instants in epoch seconds."""

    id: str
    created: int
    amount: int
    currency: str
    capture_method: str
    status: str
    client_secret: str
    payment_method: str = ""
    metadata: dict[str, str] = {}
    description: str = ""
    customer: str = ""
    amount_capturable: int = 0
    amount_received: int = 0
    amount_refunded: int = 0
    latest_charge: str = ""
    decline: Decline | None = None
    canceled_at: int = 0
    cancellation_reason: str = ""


def confirm(intent: Intent, card: str, decline: Decline | None, charge_id: str) -> Intent:
    """The intent after its card was asked: paid, held for capture, or waiting for another card; IllegalStep."""
    if intent.status not in (NEEDS_METHOD, NEEDS_CONFIRMATION):
        raise IllegalStep(
            f"This PaymentIntent's status is {intent.status}, so it cannot be confirmed. It must be one of "
            f"{NEEDS_METHOD}, {NEEDS_CONFIRMATION}."
        )
    asked = msgspec.structs.replace(intent, payment_method=card, latest_charge=charge_id, decline=decline)
    if decline is not None:
        return msgspec.structs.replace(asked, status=NEEDS_METHOD, payment_method="")
    if intent.capture_method == "manual":
        return msgspec.structs.replace(asked, status=NEEDS_CAPTURE, amount_capturable=intent.amount)
    return msgspec.structs.replace(asked, status=SUCCEEDED, amount_received=intent.amount)


def capture(intent: Intent, amount: int) -> Intent:
    """The intent with *amount* taken (0: all) and the rest let go; IllegalStep."""
    if intent.status != NEEDS_CAPTURE:
        raise IllegalStep(
            f"This PaymentIntent could not be captured because it has a status of {intent.status}. Only a "
            f"PaymentIntent with one of the following statuses may be captured: {NEEDS_CAPTURE}."
        )
    taken = amount or intent.amount_capturable
    return msgspec.structs.replace(intent, status=SUCCEEDED, amount_received=taken, amount_capturable=0)


def cancel(intent: Intent, reason: str, at: int) -> Intent:
    """The intent canceled at *at*; IllegalStep."""
    if intent.status not in CANCELLABLE:
        raise IllegalStep(
            f"You cannot cancel this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(sorted(CANCELLABLE))}."
        )
    return msgspec.structs.replace(
        intent, status=CANCELED, amount_capturable=0, canceled_at=at, cancellation_reason=reason
    )
