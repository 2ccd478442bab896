"""What each call of the gateway does to its book; the caller holds the transaction."""

import sqlite3
from typing import Any

import msgspec

from oddsock.kit.ids import object_id
from oddsock.shop.gateway import intent as steps
from oddsock.shop.gateway.book import GatewayBook
from oddsock.shop.gateway.cards import decline_of, is_known
from oddsock.shop.gateway.documents import (
    Refund,
    charge_document,
    error_document,
    intent_document,
    refund_document,
)
from oddsock.shop.gateway.form import Params
from oddsock.shop.gateway.intent import IllegalStep, Intent
from oddsock.shop.gateway.refusal import CARD, INVALID, Refusal, missing, not_found, wrong, wrong_state

AMOUNT_MIN = 50
AMOUNT_MAX = 99_999_999
"""Stripe's bounds, in the smallest unit of the currency."""

CREATE = (
    *("amount", "currency", "capture_method", "confirm", "payment_method", "payment_method_types", "metadata"),
    *("description", "customer", "automatic_payment_methods", "confirmation_method", "off_session"),
)
CONFIRM = ("payment_method", "return_url", "off_session", "capture_method")
CAPTURE = ("amount_to_capture", "metadata")
CANCEL = ("cancellation_reason",)
REFUND = ("payment_intent", "charge", "amount", "reason", "metadata")


class Till:
    """The calls over one book; amounts above *limit_cents* are declined."""

    def __init__(self, book: GatewayBook, limit_cents: int) -> None:
        self._book = book
        self._limit_cents = limit_cents

    def create(self, rows: sqlite3.Connection, values: dict[str, Any]) -> dict[str, Any]:
        """A new intent, confirmed at once when `confirm` is true; Refusal 400, 402."""
        params = Params(values, CREATE)
        amount, currency = self._amount(params), params.needed("currency").lower()
        if len(currency) != 3 or not currency.isalpha():
            raise wrong("currency", f"Invalid currency: {currency}")
        identity, card = f"pi_{object_id()}", self._card(params)
        created = Intent(
            id=identity,
            created=self._book.now(),
            amount=amount,
            currency=currency,
            capture_method=params.choice("capture_method", "automatic", "automatic_async", "manual"),
            status=steps.NEEDS_CONFIRMATION if card else steps.NEEDS_METHOD,
            client_secret=f"{identity}_secret_{object_id()}",
            payment_method=card,
            metadata=params.metadata(),
            description=params.text("description"),
            customer=params.text("customer"),
        )
        confirms = params.truth("confirm")
        if confirms and not card:
            raise missing("payment_method")
        self._book.keep_intent(rows, created)
        self._book.tell(rows, "payment_intent.created", intent_document(created))
        return self._confirm(rows, created, card) if confirms else intent_document(created)

    def confirm(self, rows: sqlite3.Connection, identity: str, values: dict[str, Any]) -> dict[str, Any]:
        """The intent after its card was asked; Refusal 400, 402, 404."""
        params, found = Params(values, CONFIRM), self._book.intent(identity)
        card = self._card(params) or found.payment_method
        if not card:
            raise missing("payment_method")
        return self._confirm(rows, found, card)

    def _confirm(self, rows: sqlite3.Connection, found: Intent, card: str) -> dict[str, Any]:
        decline = decline_of(card, found.amount, self._limit_cents)
        try:
            asked = steps.confirm(found, card, decline, f"ch_{object_id()}")
        except IllegalStep as cause:
            raise wrong_state(str(cause), intent_document(found)) from cause
        self._book.keep_intent(rows, asked)
        document = intent_document(asked)
        if decline is not None:
            self._book.tell(rows, "payment_intent.payment_failed", document)
            error = error_document(asked)
            raise Refusal(
                402,
                CARD,
                decline.message,
                is_executed=True,
                code=decline.code,
                decline_code=decline.decline_code,
                charge=error["charge"],
                payment_intent=document,
            )
        held = asked.status == steps.NEEDS_CAPTURE
        self._book.tell(rows, f"payment_intent.{'amount_capturable_updated' if held else 'succeeded'}", document)
        return document

    def capture(self, rows: sqlite3.Connection, identity: str, values: dict[str, Any]) -> dict[str, Any]:
        """The intent with its money taken; Refusal 400, 404."""
        params, found = Params(values, CAPTURE), self._book.intent(identity)
        amount = params.number("amount_to_capture", 0, 0, AMOUNT_MAX)
        if found.status == steps.NEEDS_CAPTURE and amount > found.amount_capturable:
            message = f"The amount to capture ({amount}) is more than what is capturable ({found.amount_capturable})."
            raise wrong("amount_to_capture", message, "amount_too_large")
        try:
            captured = steps.capture(found, amount)
        except IllegalStep as cause:
            raise wrong_state(str(cause), intent_document(found)) from cause
        return self._keep(rows, captured, "payment_intent.succeeded")

    def cancel(self, rows: sqlite3.Connection, identity: str, values: dict[str, Any]) -> dict[str, Any]:
        """The intent canceled; Refusal 400, 404."""
        params, found = Params(values, CANCEL), self._book.intent(identity)
        try:
            canceled = steps.cancel(found, params.choice("cancellation_reason", *steps.REASONS), self._book.now())
        except IllegalStep as cause:
            raise wrong_state(str(cause), intent_document(found)) from cause
        return self._keep(rows, canceled, "payment_intent.canceled")

    def refund(self, rows: sqlite3.Connection, values: dict[str, Any]) -> dict[str, Any]:
        """A new refund; Refusal 400, 404."""
        params = Params(values, REFUND)
        found = self._refunded_intent(params)
        left = found.amount_received - found.amount_refunded
        if found.status != steps.SUCCEEDED:
            raise not_found("successful charge", found.id, "payment_intent")
        if left == 0:
            message = f"Charge {found.latest_charge} has already been refunded."
            raise Refusal(400, INVALID, message, is_executed=True, code="charge_already_refunded")
        amount = params.number("amount", left, 1, AMOUNT_MAX)
        if amount > left:
            asked, rest = f"${amount / 100:.2f}", f"${left / 100:.2f}"
            raise wrong("amount", f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})")
        made = Refund(
            id=f"re_{object_id()}",
            created=self._book.now(),
            amount=amount,
            currency=found.currency,
            payment_intent=found.id,
            charge=found.latest_charge,
            reason=params.choice("reason", "", "duplicate", "fraudulent", "requested_by_customer"),
            metadata=params.metadata(),
        )
        after = msgspec.structs.replace(found, amount_refunded=found.amount_refunded + amount)
        self._book.keep_refund(rows, made)
        self._book.keep_intent(rows, after)
        self._book.tell(rows, "refund.created", refund_document(made))
        self._book.tell(rows, "charge.refunded", charge_document(after))
        return refund_document(made)

    def _refunded_intent(self, params: Params) -> Intent:
        if charge := params.text("charge"):
            return self._book.intent_of_charge(charge)
        if identity := params.text("payment_intent"):
            return self._book.intent(identity, "payment_intent")
        raise Refusal(400, INVALID, "One of the following params should be provided for this request: payment_intent "
                      "or charge.")  # fmt: skip

    def _keep(self, rows: sqlite3.Connection, changed: Intent, event: str) -> dict[str, Any]:
        document = intent_document(changed)
        self._book.keep_intent(rows, changed)
        self._book.tell(rows, event, document)
        return document

    def _amount(self, params: Params) -> int:
        params.needed("amount")
        amount = params.number("amount", 0, 0, AMOUNT_MAX)
        if amount < AMOUNT_MIN:
            raise wrong("amount", f"Amount must be at least {AMOUNT_MIN} of the smallest unit.", "amount_too_small")
        return amount

    def _card(self, params: Params) -> str:
        card = params.text("payment_method")
        if card and not is_known(card):
            raise wrong("payment_method", f"No such PaymentMethod: '{card}'", "resource_missing")
        return card
