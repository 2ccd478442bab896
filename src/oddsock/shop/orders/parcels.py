"""The calls to shipping: ship, what is under way for an order, recall. NoAnswer when shipping gives none.

POST /shipping {id: made by orders, name: the customer's id} as the original; the order's id and the key go in headers.
"""

import uuid
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote

import msgspec

from oddsock.clients.sockshop.books import Shipment
from oddsock.shop.calls import Lines
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.gateway import expect
from oddsock.shop.orders.order import Order

SHIPPING_URL = "http://shipping"
PAGE_ROWS = 5000


class Shipping(Protocol):
    """What orders needs of shipping."""

    async def ship(self, order: Order, by: Correlation) -> str:
        """The id of the shipment that shipping accepted; NoAnswer."""
        ...

    async def live_shipments(self, order_id: str, by: Correlation) -> list[str]:
        """The shipments of an order that were accepted and not recalled; NoAnswer."""
        ...

    async def recall(self, shipment_id: str, by: Correlation) -> None:
        """Call a shipment back, once; NoAnswer."""
        ...


class _Shipments(msgspec.Struct):
    shipments: list[Shipment]
    next: int | None = None


class _Accepted(msgspec.Struct):
    id: str


def live_shipments(rows: list[Shipment]) -> list[str]:
    """The ids among *rows* that were accepted and not recalled, in the order they came."""
    recalled = {row.shipment_id for row in rows if row.event == "recalled"}
    return [row.shipment_id for row in rows if row.event == "accepted" and row.shipment_id not in recalled]


class ShippingOverHttp:
    """Shipping by its Service name."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def ship(self, order: Order, by: Correlation) -> str:
        """POST /shipping; the id in the answer counts, it is the first one's when the key came before; NoAnswer."""
        body = {"id": str(uuid.uuid4()), "name": order.customer_id}
        headers = replace(by, order_id=order.id).onward()
        is_keyed = bool(by.idempotency_key)
        answer = await self._lines.call("POST", f"{SHIPPING_URL}/shipping", headers, body, keyed=is_keyed)
        return expect(answer, "shipping", 201).read(_Accepted).id

    async def live_shipments(self, order_id: str, by: Correlation) -> list[str]:
        """GET /shipments?order=, all pages; NoAnswer."""
        rows: list[Shipment] = []
        after: int | None = 0
        while after is not None:
            url = f"{SHIPPING_URL}/shipments?order={quote(order_id)}&limit={PAGE_ROWS}&after={after}"
            answer = await self._lines.call("GET", url, replace(by, order_id=order_id).onward())
            page = expect(answer, "shipping", 200).read(_Shipments)
            rows += page.shipments
            after = page.next
        return live_shipments(rows)

    async def recall(self, shipment_id: str, by: Correlation) -> None:
        """POST /shipments/{id}/recall; NoAnswer. A shipment that is unknown there needs no recall."""
        url = f"{SHIPPING_URL}/shipments/{quote(shipment_id)}/recall"
        expect(await self._lines.call("POST", url, by.onward()), "shipping", 200, 404)
