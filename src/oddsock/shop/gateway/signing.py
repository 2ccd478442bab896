"""The headers of the gateway's webhooks: Standard Webhooks, and Stripe's own for whoever reads them with its SDK.

Source: Stripe's page "Verify webhook signatures": `t=<epoch s>,v1=<HMAC-SHA256 of "t.body" in hex>`.
"""

import hashlib
import hmac
from datetime import datetime

from oddsock.shop.webhooks.signature import Seal

STRIPE_SIGNATURE = "Stripe-Signature"


def stripe_signature(secret: str, body: str, at: datetime) -> str:
    """Stripe's header for *body* sent at *at*; the secret is used as it is written.

    >>> from datetime import UTC
    >>> stripe_signature("whsec_x", "{}", datetime(2025, 10, 30, tzinfo=UTC))[:28]
    't=1761782400,v1=2d4b9bea5bdb'
    """
    seconds = int(at.timestamp())
    made = hmac.new(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={made}"


class Signing:
    """Signs with one secret in both ways."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._seal = Seal(secret)

    def headers(self, webhook_id: str, body: str, at: datetime) -> dict[str, str]:
        """The headers of one attempt."""
        return {**self._seal.headers(webhook_id, body, at), STRIPE_SIGNATURE: stripe_signature(self._secret, body, at)}
