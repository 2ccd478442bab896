"""An order as the wire shows it: the controller's plain JSON, and Spring Data REST's HAL, which leaves every id out.

Reads are pretty-printed with ` : `, as captured from the original; `status` and `reason` are the report's image's, and
are left out *with_status* false, in profile `upstream`.
"""

import json
from collections.abc import Sequence

import msgspec
from aiohttp import web

from oddsock.shop.orders.order import Order
from oddsock.shop.wire import SPRING_JSON

HAL_JSON = "application/hal+json;charset=UTF-8"


def plain(order: Order, with_status: bool = True) -> dict[str, object]:
    """The order as POST /orders answers it: with its id, the copied entities' ids null."""
    customer = {"id": None, **msgspec.to_builtins(order.customer), "addresses": [], "cards": []}
    shipment = {"id": order.shipment_id, "name": order.customer_id} if order.shipment_id else None
    status = {"status": order.status.value, "reason": order.reason or None} if with_status else {}
    return {
        "id": order.id,
        "customerId": order.customer_id,
        "customer": customer,
        "address": {"id": None, **msgspec.to_builtins(order.address)},
        "card": {"id": None, **msgspec.to_builtins(order.card)},
        "items": msgspec.to_builtins(order.items),
        "shipment": shipment,
        "date": order.placed_at,
        "total": order.total,
        **status,
    }


def _without_ids(fields: dict[str, object]) -> dict[str, object]:
    return {name: _shown(value) for name, value in fields.items() if name != "id"}


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return _without_ids(value)
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def resource(order: Order, base_url: str, with_ids: bool = False, with_status: bool = True) -> dict[str, object]:
    """The order as HAL under *base_url*, without ids unless *with_ids*; its shipment keeps its id.

    Strictly the original leaves the shipment's id out too; here it stays, for nothing else ties an order to its parcel.
    """
    body = plain(order, with_status)
    shown = body if with_ids else {**_without_ids(body), "shipment": body["shipment"]}
    href = f"{base_url}/orders/{order.id}"
    return {**shown, "_links": {"self": {"href": href}, "order": {"href": href}}}


def order_list(
    orders: Sequence[Order], base_url: str, page: int, size: int, total: int, with_status: bool = True
) -> dict[str, object]:
    """One page of all orders."""
    return {
        "_embedded": {"customerOrders": [resource(order, base_url, with_status=with_status) for order in orders]},
        "_links": {
            "self": {"href": f"{base_url}/orders{{?page,size,sort}}", "templated": True},
            "profile": {"href": f"{base_url}/profile/orders"},
            "search": {"href": f"{base_url}/orders/search"},
        },
        "page": {"size": size, "totalElements": total, "totalPages": -(-total // size), "number": page},
    }


def search_result(orders: Sequence[Order], base_url: str, query: str, with_status: bool = True) -> dict[str, object]:
    """A customer's orders."""
    return {
        "_embedded": {"customerOrders": [resource(order, base_url, with_status=with_status) for order in orders]},
        "_links": {"self": {"href": f"{base_url}/orders/search/customerId?{query}"}},
    }


def hal_answer(body: object) -> web.Response:
    """*body* as HAL, pretty-printed as the original's."""
    text = json.dumps(body, indent=2, separators=(",", " : "), ensure_ascii=False)
    return web.Response(body=text.encode(), headers={"Content-Type": HAL_JSON})


def plain_answer(order: Order, status: int, with_status: bool = True) -> web.Response:
    """The order as the controller answers it."""
    body = msgspec.json.encode(plain(order, with_status))
    return web.Response(body=body, status=status, headers={"Content-Type": SPRING_JSON})
