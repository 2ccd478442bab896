"""Intents, refunds, events and lists as the wire shows them: pure. Source: Stripe's API reference."""

from collections.abc import Sequence
from typing import Any

import msgspec

from oddsock.shop.gateway.intent import Intent


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of the book."""

    id: str
    created: int
    amount: int
    currency: str
    payment_intent: str
    charge: str
    reason: str = ""
    metadata: dict[str, str] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened; *data* is the object as it was then."""

    id: str
    created: int
    type: str
    data: dict[str, Any]


def intent_document(intent: Intent) -> dict[str, Any]:
    """A PaymentIntent."""
    shown = msgspec.to_builtins(intent)
    decline, refunded = shown.pop("decline"), shown.pop("amount_refunded")
    return {
        **shown,
        "object": "payment_intent",
        "livemode": False,
        "confirmation_method": "automatic",
        "payment_method_types": ["card"],
        "payment_method": intent.payment_method or None,
        "description": intent.description or None,
        "customer": intent.customer or None,
        "latest_charge": intent.latest_charge or None,
        "canceled_at": intent.canceled_at or None,
        "cancellation_reason": intent.cancellation_reason or None,
        "last_payment_error": error_document(intent) if decline else None,
        # Ours: Stripe shows it on the charge, which this gateway has no page for.
        "amount_refunded": refunded,
    }


def error_document(intent: Intent) -> dict[str, Any]:
    """The error of the intent's last decline."""
    decline = intent.decline
    if decline is None:
        return {}
    fields = {"code": decline.code, "decline_code": decline.decline_code, "charge": intent.latest_charge}
    return {"type": "card_error", "message": decline.message, **{name: each for name, each in fields.items() if each}}


def refund_document(refund: Refund) -> dict[str, Any]:
    """A Refund."""
    shown = msgspec.to_builtins(refund)
    return {**shown, "object": "refund", "status": "succeeded", "reason": refund.reason or None}


def charge_document(intent: Intent) -> dict[str, Any]:
    """The Charge that a refund's event carries."""
    return {
        "id": intent.latest_charge,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": intent.amount_received,
        "amount_refunded": intent.amount_refunded,
        "currency": intent.currency,
        "payment_intent": intent.id,
        "refunded": intent.amount_refunded == intent.amount_received,
        "captured": True,
        "paid": True,
        "status": "succeeded",
        "metadata": intent.metadata,
    }


def event_document(event: Event) -> dict[str, Any]:
    """An Event, as it is listed and as a webhook carries it."""
    return {
        "id": event.id,
        "object": "event",
        "api_version": None,
        "created": event.created,
        "type": event.type,
        "data": {"object": event.data},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
    }


def list_document(url: str, rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A page of up to *limit* of *rows*, of which there may be one more."""
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": list(rows[:limit])}
