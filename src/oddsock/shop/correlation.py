"""What ties the books together: traceparent, X-Request-Id and X-Order-Id, carried in headers from call to call.

Bodies stay the original's. A service at the edge begins what is missing; a service that keeps a book stores what came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from oddsock.kit import ids
from oddsock.kit.http import IDEMPOTENCY_KEY, ORDER_ID, REQUEST_ID, TRACEPARENT

CUSTOMER_ID = "X-Customer-Id"
"""Names the customer on the payment call, whose original body leaves the customer's id null."""

VALUE_CHARACTERS_MAX = 255


def _value(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")[:VALUE_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class Correlation:
    """The correlation of one request; empty strings where the caller sent nothing."""

    traceparent: str = ""
    request_id: str = ""
    order_id: str = ""
    customer_id: str = ""
    idempotency_key: str = ""

    @classmethod
    def received(cls, headers: Mapping[str, str]) -> "Correlation":
        """What the caller sent, nothing made up."""
        return cls(
            _value(headers, TRACEPARENT),
            _value(headers, REQUEST_ID),
            _value(headers, ORDER_ID),
            _value(headers, CUSTOMER_ID),
            _value(headers, IDEMPOTENCY_KEY),
        )

    @classmethod
    def begun(cls, headers: Mapping[str, str]) -> "Correlation":
        """What the caller sent, continued in a span of our own; a trace and a request id are made when absent."""
        came = cls.received(headers)
        return replace(
            came,
            traceparent=ids.child_traceparent(came.traceparent),
            request_id=came.request_id or ids.request_id(),
        )

    def onward(self) -> dict[str, str]:
        """The headers of an onward call, in a child span; empty values are left out."""
        headers = {
            TRACEPARENT: ids.child_traceparent(self.traceparent),
            REQUEST_ID: self.request_id,
            ORDER_ID: self.order_id,
            CUSTOMER_ID: self.customer_id,
            IDEMPOTENCY_KEY: self.idempotency_key,
        }
        return {name: value for name, value in headers.items() if value}

    @property
    def trace(self) -> str:
        """The trace id as sleuth writes it: the last 16 hex digits, or an empty string."""
        return ids.trace_id(self.traceparent)[-16:]

    @property
    def span(self) -> str:
        """The span id as sleuth writes it: 16 hex digits, or an empty string."""
        parts = self.traceparent.split("-")
        return parts[2] if len(parts) == 4 else ""
