"""What the gateway tells payment: POST /webhooks/gateway, by Standard Webhooks or by Stripe's own signature.

A webhook is a hint: the intent it names is looked up, so an old one, a second one, one out of order change nothing.
"""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec
from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.shop import wire
from oddsock.shop.calls import NoAnswer
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.payment.book import PaymentBook, UnknownCharge
from oddsock.shop.payment.gateway_terminal import GatewayTerminal
from oddsock.shop.webhooks.signature import WEBHOOK_SIGNATURE, BadSignature, Seal

STRIPE_SIGNATURE = "Stripe-Signature"
WINDOW_S = 300.0
"""How old a signature of Stripe's may be: the tolerance of its SDKs."""


class _Object(msgspec.Struct):
    id: str = ""
    object: str = ""
    payment_intent: str | None = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


def check_stripe(secret: str, header: str, body: bytes, clock: Clock) -> None:
    """Stripe's `t=...,v1=...` over *body*; BadSignature when it is not ours, malformed or older than WINDOW_S."""
    pairs = [part.partition("=")[::2] for part in header.split(",")]
    at = next((value for name, value in pairs if name == "t"), "")
    if not at.isascii() or not at.isdigit() or len(at) > 15:
        raise BadSignature("no timestamp")
    made = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(made.encode(), value.encode()) for name, value in pairs if name == "v1"):
        raise BadSignature("no matching signature")
    if abs(clock.now().timestamp() - int(at)) > WINDOW_S:
        raise BadSignature("timestamp outside of the window")


class GatewayHook:
    """The route that the gateway posts to."""

    def __init__(self, book: PaymentBook, terminal: GatewayTerminal, secret: str, clock: Clock, log: GoKitLog) -> None:
        self._book = book
        self._terminal = terminal
        self._secret = secret
        self._seal = Seal(secret)
        self._clock = clock
        self._log = log

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        if WEBHOOK_SIGNATURE in headers:
            self._seal.check(headers, body)
        else:
            check_stripe(self._secret, headers.get(STRIPE_SIGNATURE, ""), body, self._clock)

    async def take(self, request: web.Request) -> web.Response:
        """POST /webhooks/gateway: 200 also for one that came before; 400, 401; 503 to be sent again."""
        body = await request.read()
        try:
            self._check(request.headers, body)
            event = msgspec.json.decode(body, type=_Event)
        except BadSignature as cause:
            self._log.error(f"webhook: {cause}")
            return wire.go_error(f"The webhook is refused: {cause}.", 401)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return wire.go_error(f"The webhook cannot be read: {cause}.", 400)
        if self._book.has_come(event.id):
            return wire.answer({"outcome": "repeated"})
        told = event.data.object
        intent_id = told.id if told.object == "payment_intent" else told.payment_intent or ""
        try:
            if intent_id:
                await self._terminal.learn(intent_id)
        except NoAnswer as cause:
            return wire.go_error(f"The gateway gave no answer: {cause.text}.", 503)
        except UnknownCharge:
            return wire.answer({"outcome": "unknown payment"})
        self._book.keep_webhook(event.id)
        return wire.answer({"outcome": "taken"})
