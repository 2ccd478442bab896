"""What payment decides about an amount: pure.

Texts and the float32 comparison are the original's (payment/service.go): an amount up to the limit is authorised.
"""

from dataclasses import dataclass

import msgspec

from oddsock.kit.money import cents, float32


class InvalidPayment(Exception):
    """A request that payment answers with a 500 and this text."""


class Authorisation(msgspec.Struct, frozen=True):
    """The wire's answer to paymentAuth."""

    authorised: bool
    message: str


class Held(msgspec.Struct, frozen=True):
    """The answer to an authorisation that captures nothing: *charge_id* is what a capture or void names."""

    authorised: bool
    message: str
    charge_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A paymentAuth request as understood: the amount on the wire and in whole cents."""

    amount: float
    amount_cents: int
    customer_id: str


def read_request(body: bytes) -> Asked:
    """The amount and customer of *body*; InvalidPayment with the original's text when there is no amount."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise InvalidPayment(str(cause)) from cause
    amount = document.get("amount") if isinstance(document, dict) else None
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount == 0:
        text = body.decode(errors="replace")
        raise InvalidPayment(f'Cannot unmarshal object key "amount" from JSON: {text}')
    if amount < 0:
        raise InvalidPayment("Invalid payment amount")
    customer = document.get("customer")
    identity = customer.get("id") if isinstance(customer, dict) else None
    return Asked(float(amount), cents(amount), identity if isinstance(identity, str) else "")


def decide(amount: float, limit: float) -> Authorisation:
    """Authorise *amount* up to *limit*, both in major units, compared as float32.

    >>> decide(104.979996, 105.0).message, decide(122.13, 105.0).message
    ('Payment authorised', 'Payment declined: amount exceeds 105.00')
    """
    if float32(amount) <= float32(limit):
        return Authorisation(True, "Payment authorised")
    return Authorisation(False, f"Payment declined: amount exceeds {limit:.2f}")
