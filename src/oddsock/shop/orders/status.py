"""The state diagram of an order: pure.

    CREATED ──> PENDING ──> PAID ──> SHIPPED ──> DELIVERED
                   │  ▲        │
                   ▼  │        │
            PAYMENT_FAILED     │
    (any but DELIVERED) ───────┴──> CANCELLED

Profile `upstream` knows no status: an order is saved when all is done; this book calls that PAID, the wire hides it.

Names are the enum of the image the report ran. Its shop, and profile `incident-3`, never stores SHIPPED or DELIVERED:
a shipped order stays PAID with a shipment.
"""

from enum import StrEnum


class Status(StrEnum):
    """What an order is at one time."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    PAID = "PAID"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


DISPLAY = {status: status.value.replace("_", " ").title() for status in Status}
"""Names for people; the log's `status: Created` is one of them."""

NEXT: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.PAID, Status.PAYMENT_FAILED, Status.CANCELLED}),
    Status.PAYMENT_FAILED: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PAID: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED, Status.CANCELLED}),
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
}

PAYABLE = frozenset({Status.CREATED, Status.PENDING, Status.PAYMENT_FAILED})
"""From here a retry pays."""


class IllegalTransition(Exception):
    """An order cannot go from one status to the other."""

    def __init__(self, before: Status | None, after: Status) -> None:
        super().__init__(f"an order cannot go from {before or 'nothing'} to {after}")


def check_transition(before: Status | None, after: Status) -> None:
    """IllegalTransition unless an order in *before* (None: not yet there) may become *after*."""
    allowed = frozenset({Status.CREATED}) if before is None else NEXT[before]
    if after not in allowed:
        raise IllegalTransition(before, after)
