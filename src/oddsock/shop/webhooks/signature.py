"""Standard Webhooks signatures: webhook-id, webhook-timestamp, webhook-signature over `id.timestamp.body`.

Source: the specification of Standard Webhooks 1.0.0; the library `standardwebhooks` signs, compares in constant time
and refuses a timestamp more than five minutes away, which is the replay window.
"""

import binascii
from collections.abc import Mapping
from datetime import datetime

from standardwebhooks import Webhook, WebhookVerificationError

from oddsock.kit.errors import UsageError

WEBHOOK_ID = "webhook-id"
WEBHOOK_TIMESTAMP = "webhook-timestamp"
WEBHOOK_SIGNATURE = "webhook-signature"

SECRET = "WEBHOOK_SECRET"
"""The variable that holds the secret both ends share: `whsec_` and base64, or base64 alone."""


class BadSignature(Exception):
    """A webhook that nobody with the secret sent, or one that was sent too long ago."""


class Seal:
    """One shared secret; UsageError when it is empty or no base64."""

    def __init__(self, secret: str) -> None:
        if not secret.removeprefix("whsec_"):
            raise UsageError(
                f"WEBHOOKS is on and {SECRET} is empty.",
                "Give both ends one secret: whsec_ and 24 random bytes in base64.",
            )
        try:
            self._webhook = Webhook(secret)
        except (binascii.Error, ValueError) as cause:
            raise UsageError(f"{SECRET} is no base64: {cause}.", "Make one of 24 random bytes.") from cause

    def headers(self, webhook_id: str, body: str, at: datetime) -> dict[str, str]:
        """The three headers of *body*, sent at *at*."""
        return {
            WEBHOOK_ID: webhook_id,
            WEBHOOK_TIMESTAMP: str(int(at.timestamp())),
            WEBHOOK_SIGNATURE: self._webhook.sign(webhook_id, at, body),
        }

    def check(self, headers: Mapping[str, str], body: bytes) -> str:
        """The webhook's id; BadSignature when it was tampered with, nobody signed it, or it is too old."""
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as cause:
            raise BadSignature(str(cause)) from cause
        except (ValueError, UnicodeDecodeError) as cause:
            # The library takes a header apart without asking whether it has the parts.
            raise BadSignature("unreadable signature headers") from cause
        return next(value for name, value in headers.items() if name.lower() == WEBHOOK_ID)
