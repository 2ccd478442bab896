"""The pages that show orders, rendered on the server; and the home page.

The original's pages fill themselves in the browser; these carry the same labels in the HTML, so that what a customer is
shown can be kept as evidence.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from oddsock.shop.calls import NoAnswer
from oddsock.shop.front_end.desk import ORDERS, SHIPPING, FrontDesk
from oddsock.shop.front_end.purchases import Purchases
from oddsock.shop.front_end.shown import LABEL, label_of, order_id_of

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
SHIPMENT_ROWS_MAX = 5000


@cache
def _templates() -> "Environment":
    # Imported with the first page: no start waits for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


def render(template: str, **values: object) -> str:
    """The page *template* filled with *values*, escaped."""
    return _templates().get_template(template).render(**values)


def _page(template: str, status: int = 200, **values: object) -> web.Response:
    return web.Response(text=render(template, **values), status=status, content_type="text/html")


class Pages:
    """The HTML of the front-end."""

    def __init__(self, desk: FrontDesk, purchases: Purchases, shown: str) -> None:
        self._desk = desk
        self._purchases = purchases
        self._shown = shown

    async def home(self, _request: web.Request) -> web.Response:
        """GET / and /index.html."""
        return web.Response(text=HOME, content_type="text/html")

    async def orders(self, request: web.Request) -> web.Response:
        """GET /customer-orders.html: a row an order; 401 for strangers, 503 when orders cannot be asked."""
        if not self._desk.is_logged_in(request):
            return _page("customer-orders.html", 401, rows=[], message="Log in to see your orders.")
        try:
            orders = await self._purchases.own_orders(request)
        except NoAnswer as cause:
            return _page("customer-orders.html", 503, rows=[], message=f"Your orders cannot be shown: {cause.text}.")
        live = await self._live_shipments(request)
        rows = [
            {
                "id": order_id_of(order),
                "date": str(order.get("date", "")),
                "amount": f"{float(order.get('total') or 0):.2f}",
                "shown": label_of(order, live, self._shown),
            }
            for order in orders
        ]
        return _page("customer-orders.html", rows=rows, message="")

    async def order(self, request: web.Request) -> web.Response:
        """GET /customer-order.html?order=/orders/{id}: one order; 404 unknown, 503 when orders cannot be asked."""
        order_id = request.query.get("order", "").rpartition("/")[2]
        try:
            answer = await self._desk.call(request, "GET", f"{ORDERS}/orders/{quote(order_id, safe='')}")
            found = answer.read(dict[str, Any]) if answer.status == 200 else None
        except NoAnswer as cause:
            return _page("customer-order.html", 503, order=None, message=f"The order cannot be shown: {cause.text}.")
        if found is None:
            return _page("customer-order.html", 404, order=None, message="There is no such order.")
        live = await self._live_shipments(request, str(found.get("customerId", "")))
        order = {
            "id": order_id,
            "date": str(found.get("date", "")),
            "amount": f"{float(found.get('total') or 0):.2f}",
            "shown": label_of(found, live, self._shown).lower(),
            "items": found.get("items") or [],
        }
        return _page("customer-order.html", order=order, message="")

    async def _live_shipments(self, request: web.Request, customer_id: str = "") -> set[str] | None:
        if self._shown == LABEL:
            return set()
        customer = quote(customer_id or self._desk.customer_id(request), safe="")
        url = f"{SHIPPING}/shipments?customer={customer}&limit={SHIPMENT_ROWS_MAX}"
        try:
            rows = (await self._desk.call(request, "GET", url)).read(dict[str, Any]).get("shipments")
        except NoAnswer:
            return None
        if not isinstance(rows, list):
            return None
        recalled = {row["shipment_id"] for row in rows if row["event"] == "recalled"}
        return {row["shipment_id"] for row in rows if row["event"] == "accepted"} - recalled

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/", self.home),
            web.get("/index.html", self.home),
            web.get("/customer-orders.html", self.orders),
            web.get("/customer-order.html", self.order),
        ]


HOME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sock Shop</title></head>
<body><h1>Sock Shop</h1>
<p><a href="/catalogue">Socks</a> · <a href="/customer-orders.html">My orders</a></p></body></html>
"""
