"""The calls to the gateway: Stripe's PaymentIntents and refunds, form-encoded, each change under an idempotency key.

A decline is an outcome and no error; NoAnswer is for everything after which nobody knows, or which only the shop's
owner can put right (a wrong key, a refused parameter).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from oddsock.kit.errors import UsageError
from oddsock.shop.calls import BROKEN, Answer, NoAnswer, send

CURRENCY = "usd"
CARD = "pm_card_visa"
"""The shop's card numbers are made up: the gateway is given a test card, and its limit decides."""

SUCCEEDED = "succeeded"
HELD = "requires_capture"
CANCELED = "canceled"
UNDECIDED = frozenset({"requires_payment_method", "requires_confirmation"})
REFUNDS_MAX = 100


class PaymentError(msgspec.Struct, frozen=True):
    """Why a card was declined."""

    message: str = ""
    code: str = ""
    decline_code: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A PaymentIntent as far as payment reads it."""

    id: str
    status: str
    amount: int
    amount_received: int = 0
    latest_charge: str | None = None
    last_payment_error: PaymentError | None = None
    metadata: dict[str, str] = {}

    @property
    def is_declined(self) -> bool:
        """Whether its card was asked and said no."""
        return self.status in UNDECIDED and self.last_payment_error is not None

    @property
    def is_undecided(self) -> bool:
        """Whether no card was asked yet."""
        return self.status in UNDECIDED and self.last_payment_error is None


class GatewayRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A Refund as far as payment reads it."""

    id: str
    amount: int
    reason: str | None = None
    metadata: dict[str, str] = {}


class _Failure(msgspec.Struct, frozen=True):
    type: str = ""
    message: str = ""
    code: str = ""
    payment_intent: Intent | None = None


class _FailureBody(msgspec.Struct, frozen=True):
    error: _Failure


class _Refunds(msgspec.Struct, frozen=True):
    data: list[GatewayRefund]


class GatewayRefused(Exception):
    """The gateway says that this is not possible: *code* is Stripe's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where the gateway answers and the key it wants; the key is never shown."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"GatewayAddress({self.url!r})"

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> "GatewayAddress":
        """The address with the key of GATEWAY_KEY_FILE or GATEWAY_KEY; UsageError when there is none."""
        key = environment.get("GATEWAY_KEY", "")
        if file := environment.get("GATEWAY_KEY_FILE", ""):
            try:
                key = Path(file).read_text(encoding="utf-8").strip()
            except OSError as cause:
                raise UsageError(f"GATEWAY_KEY_FILE={file} cannot be read: {cause.strerror}.", "Check it.") from cause
        if not key:
            raise UsageError("GATEWAY is set and there is no key.", "Set GATEWAY_KEY_FILE or GATEWAY_KEY.")
        return cls(url.rstrip("/"), key)


class Gateway:
    """The gateway over HTTP."""

    def __init__(self, client: aiohttp.ClientSession, address: GatewayAddress) -> None:
        self._client = client
        self._address = address

    async def create(self, amount_cents: int, captures: bool, metadata: Mapping[str, str], key: str) -> Intent:
        """A new intent that no card was asked for; NoAnswer."""
        fields = {
            "amount": str(amount_cents),
            "currency": CURRENCY,
            "capture_method": "automatic" if captures else "manual",
            "payment_method": CARD,
            "payment_method_types[]": "card",
            **{f"metadata[{name}]": value for name, value in metadata.items() if value},
        }
        return (await self._post("", fields, key)).read(Intent)

    async def confirm(self, intent_id: str, key: str) -> Intent:
        """The intent after its card was asked, declined ones too; NoAnswer, GatewayRefused."""
        answer = await self._post(f"/{quote(intent_id)}/confirm", {}, key, 402)
        if answer.status == 402:
            declined = answer.read(_FailureBody).error.payment_intent
            if declined is None:
                raise NoAnswer(BROKEN, "the gateway declined and named no payment")
            return declined
        return answer.read(Intent)

    async def capture(self, intent_id: str, amount_cents: int, key: str) -> Intent:
        """The intent with its money taken; NoAnswer, GatewayRefused."""
        fields = {"amount_to_capture": str(amount_cents)}
        return (await self._post(f"/{quote(intent_id)}/capture", fields, key)).read(Intent)

    async def cancel(self, intent_id: str, key: str) -> Intent:
        """The intent canceled; NoAnswer, GatewayRefused."""
        return (await self._post(f"/{quote(intent_id)}/cancel", {}, key)).read(Intent)

    async def intent(self, intent_id: str) -> Intent:
        """The intent as it is now; NoAnswer, GatewayRefused."""
        return (await self._call("GET", f"/v1/payment_intents/{quote(intent_id)}")).read(Intent)

    async def refund(self, intent_id: str, amount_cents: int, reason: str, key: str) -> GatewayRefund:
        """A new refund; NoAnswer, GatewayRefused."""
        fields = {"payment_intent": intent_id, "amount": str(amount_cents), "metadata[reason]": reason[:500]}
        return (await self._call("POST", "/v1/refunds", fields, key)).read(GatewayRefund)

    async def refunds(self, intent_id: str) -> list[GatewayRefund]:
        """The newest refunds of an intent, at most REFUNDS_MAX; NoAnswer."""
        query = urlencode({"payment_intent": intent_id, "limit": str(REFUNDS_MAX)})
        return (await self._call("GET", f"/v1/refunds?{query}")).read(_Refunds).data

    async def _post(self, path: str, fields: Mapping[str, str], key: str, *also: int) -> Answer:
        return await self._call("POST", f"/v1/payment_intents{path}", fields, key, *also)

    async def _call(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, key: str = "", *also: int
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._address.key}"}
        if key:
            headers["Idempotency-Key"] = key
        data: Any = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            data = urlencode(fields).encode()
        answer = await send(self._client, method, f"{self._address.url}{path}", headers, data)
        if answer.status == 200 or answer.status in also:
            return answer
        failure = _failure(answer)
        if answer.status in (400, 404) and failure.type != "idempotency_error":
            raise GatewayRefused(failure.code, failure.message)
        raise NoAnswer(BROKEN, f"the gateway answered {answer.status} {failure.message}".rstrip())


def _failure(answer: Answer) -> _Failure:
    try:
        return answer.read(_FailureBody).error
    except NoAnswer:
        return _Failure()
