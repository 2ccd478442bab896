"""What the customer is shown for an order: pure.

Legacy `label`: the original's pages print one constant, `Shipped` in the list and `shipped` on the order's page,
whatever the order is. `order`: Shipped exactly when a live shipment exists, else the order's own status. And what the
checkout page says after an answer: the original's client.js writes for 201 and 406 only.
"""

from collections.abc import Collection, Mapping
from typing import Any

LABEL = "label"
ORDER = "order"
CONSTANT = "Shipped"
SHIPPED = "Shipped"
NO_STATUS = "Not shipped"
"""What is shown of an order that has neither a status (profile `upstream`) nor a live shipment."""

_BY_STATUS = {
    "CREATED": "Created",
    "PENDING": "Pending",
    "PAID": "Paid",
    "SHIPPED": "Paid",
    "DELIVERED": "Paid",
    "PAYMENT_FAILED": "Payment failed",
    "CANCELLED": "Cancelled",
}


def label_of(order: Mapping[str, Any], live_shipments: Collection[str] | None, shown: str) -> str:
    """The label of *order* (as orders' wire has it); *live_shipments* is None when shipping could not be asked.

    >>> label_of({"status": "PAYMENT_FAILED", "shipment": None}, (), "label")
    'Shipped'
    >>> label_of({"status": "PAYMENT_FAILED", "shipment": None}, (), "order")
    'Payment failed'
    """
    if shown == LABEL:
        return CONSTANT
    status = str(order.get("status") or "")
    if status == "CANCELLED":
        return _BY_STATUS[status]
    shipment = order.get("shipment") or {}
    # When shipping cannot be asked, the order's own word is the best there is.
    is_alive = bool(shipment) if live_shipments is None else shipment.get("id") in live_shipments
    return SHIPPED if is_alive else _BY_STATUS.get(status, status.capitalize() or NO_STATUS)


def status_name(status: str) -> str:
    """A status in words, as every page has it.

    >>> status_name("PAYMENT_FAILED")
    'Payment failed'
    """
    return (
        _BY_STATUS.get(status, status.capitalize()) if status not in ("SHIPPED", "DELIVERED") else status.capitalize()
    )


def order_id_of(order: Mapping[str, Any]) -> str:
    """The id of an order read as HAL: the end of its own link."""
    href = str(order.get("_links", {}).get("self", {}).get("href", ""))
    return href.rpartition("/")[2]


def checkout_message(status: int, document: object, silent_500: bool) -> str:
    """What the checkout page says; empty when it says nothing.

    >>> checkout_message(500, {"message": "Payment service unavailable for order 1"}, True)
    ''
    >>> checkout_message(500, {"message": "Payment service unavailable for order 1"}, False)
    'Payment processing failed. Payment service unavailable for order 1'
    """
    said = str(document.get("message") or "") if isinstance(document, dict) else ""
    if status == 201:
        return "Order placed."
    if status == 202 and not silent_500:
        return "Order placed. Its payment or its parcel is late; we go on by ourselves."
    if status == 406:
        return f"Error placing order. {said}".rstrip()
    return "" if silent_500 else f"Payment processing failed. {said}".rstrip()
