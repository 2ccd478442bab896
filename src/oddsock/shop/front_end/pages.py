"""The pages that show orders, rendered on the server, so that what a customer is shown can be kept as evidence.

The original's pages fill themselves in the browser; these carry the same labels in the HTML. With LIVE_STATUS they
follow the orders by themselves; with ERROR_DISPLAY the page of an order says whether the card was charged.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.kit.clock import instant
from oddsock.kit.money import cents
from oddsock.shop.calls import NoAnswer
from oddsock.shop.customer_texts import text_for
from oddsock.shop.front_end.desk import ORDERS, SHIPPING, FrontDesk
from oddsock.shop.front_end.goods_pages import Goods, line_of
from oddsock.shop.front_end.layout import Layout
from oddsock.shop.front_end.money_told import ON_ITS_WAY_WALL_S, Books, Rows, money_of
from oddsock.shop.front_end.order_face import face_of, why
from oddsock.shop.front_end.purchases import Purchases
from oddsock.shop.front_end.shown import LABEL, label_of, order_id_of, status_name
from oddsock.shop.front_end.status_stream import ORDERS_MAX

SHIPMENT_ROWS_MAX = 5000


class Pages:
    """My orders and the page of one order."""

    def __init__(
        self,
        desk: FrontDesk,
        layout: Layout,
        purchases: Purchases,
        goods: Goods,
        shown: str,
        follows: bool = False,
        shows_errors: bool = False,
    ) -> None:
        self._desk = desk
        self._layout = layout
        self._purchases = purchases
        self._goods = goods
        self._books = Books(desk)
        self._shown = shown
        self._follows = follows
        self._shows_errors = shows_errors

    async def orders(self, request: web.Request) -> web.Response:
        """GET /customer-orders.html: a row an order; 401 for strangers, 503 when orders cannot be asked."""
        if not self._desk.is_logged_in(request):
            return self._list(request, [], "Log in to see your orders.", 401)
        try:
            orders = await self._purchases.own_orders(request)
        except NoAnswer as cause:
            return self._list(request, [], f"Your orders cannot be shown: {cause.text}.", 503)
        live = await self._live_shipments(request)
        return self._list(request, [self._row(order, live) for order in orders], "", 200)

    def _list(self, request: web.Request, rows: list[dict[str, Any]], message: str, status: int) -> web.Response:
        followed = [row["id"] for row in rows if not row["face"].is_final][-ORDERS_MAX:] if self._follows else []
        stream = "/orders/status-stream?" + "&".join(f"order={quote(one, safe='')}" for one in followed)
        return self._layout.page(
            request,
            "customer-orders.html",
            status,
            rows=rows,
            message=message,
            is_legacy=self._shown == LABEL,
            stream=stream if followed else "",
        )

    def _row(self, order: dict[str, Any], live: set[str] | None) -> dict[str, Any]:
        label = label_of(order, live, self._shown)
        return {
            "id": order_id_of(order),
            "date": _readable(str(order.get("date", ""))),
            "amount": f"{float(order.get('total') or 0):.2f}",
            "shown": label,
            "face": face_of(order_id_of(order), str(order.get("status") or ""), label),
        }

    async def order(self, request: web.Request) -> web.Response:
        """GET /customer-order.html?order=/orders/{id}: one order; 404 unknown, 503 when orders cannot be asked."""
        order_id = request.query.get("order", "").rpartition("/")[2]
        try:
            answer = await self._desk.call(request, "GET", f"{ORDERS}/orders/{quote(order_id, safe='')}")
            found = answer.read(dict[str, Any]) if answer.status == 200 else None
        except NoAnswer as cause:
            message = f"The order cannot be shown: {cause.text}."
            return self._layout.page(request, "customer-order.html", 503, order=None, message=message, stream="")
        if found is None:
            message = "There is no such order."
            return self._layout.page(request, "customer-order.html", 404, order=None, message=message, stream="")
        live, socks, history, charges, parked = await asyncio.gather(
            self._live_shipments(request, str(found.get("customerId", ""))),
            self._goods.names(request),
            self._history(request, order_id),
            self._charges(request, order_id),
            self._parked_reason(request, found, order_id),
        )
        row = {**self._row(found, live), "id": order_id}
        order = {
            **row,
            "shown": str(row["shown"]).lower(),
            "lines": [line_of(item, socks) for item in found.get("items") or []],
            "history": [_told(change) for change in history or []],
            "money": self._money(found, history, charges, parked) if self._shows_errors else "",
        }
        follows = self._follows and not row["face"].is_final
        stream = f"/orders/{quote(order_id, safe='')}/status-stream" if follows else ""
        is_legacy = self._shown == LABEL
        return self._layout.page(
            request, "customer-order.html", order=order, message="", stream=stream, is_legacy=is_legacy
        )

    async def _history(self, request: web.Request, order_id: str) -> Rows | None:
        return await self._books.journal(request, order_id) if self._follows or self._shows_errors else None

    async def _charges(self, request: web.Request, order_id: str) -> Rows | None:
        return await self._books.charges(request, order_id) if self._shows_errors else None

    async def _parked_reason(self, request: web.Request, order: dict[str, Any], order_id: str) -> str:
        is_asked = self._shows_errors and order.get("status") == "PENDING"
        return await self._books.parked_reason(request, order_id) if is_asked else ""

    def _money(self, order: dict[str, Any], history: Rows | None, charges: Rows | None, parked: str) -> str:
        """The sentence about the card: what payment's book says, or what is not known yet."""
        last = instant(str(history[-1]["at"])) if history else None
        on_its_way = timedelta(seconds=ON_ITS_WAY_WALL_S)
        is_settled = last is not None and self._desk.clock.now() - last > on_its_way
        money = money_of(charges, parked or str(order.get("reason") or ""), is_settled)
        is_waiting = order.get("status") in ("CREATED", "PENDING")
        total_cents = money.captured_cents or cents(float(order.get("total") or 0))
        return text_for("delayed" if is_waiting else "failed", total_cents, money.charged).charged

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
            web.get("/customer-orders.html", self.orders),
            web.get("/customer-order.html", self.order),
        ]


def _told(change: Mapping[str, Any]) -> dict[str, str]:
    """A line of the journal as a customer reads it."""
    status, at = str(change["status"]), str(change["at"])
    return {"name": status_name(status), "why": why(status, str(change.get("cause") or "")), "at": at}


def _readable(date: str) -> str:
    """An instant of the wire as a person reads it, in UTC; what is none stays as it is."""
    try:
        return instant(date).strftime("%d %b %Y, %H:%M:%S UTC")
    except ValueError:
        return date
