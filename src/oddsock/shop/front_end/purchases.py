"""Routes of the front-end for orders: placing one, listing one's own, reading one."""

import json
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web

from oddsock.kit.http import CUSTOMER_MESSAGE
from oddsock.shop import wire
from oddsock.shop.calls import Answer
from oddsock.shop.front_end.desk import NOT_LOGGED_IN, ORDERS, ExpressError, FrontDesk, passed_on, piped
from oddsock.shop.front_end.order_links import order_links
from oddsock.shop.front_end.shown import checkout_message


class Purchases:
    """The customer's orders."""

    def __init__(self, desk: FrontDesk, silent_500: bool) -> None:
        self._desk = desk
        self._silent_500 = silent_500

    async def place(self, request: web.Request) -> web.Response:
        """POST /orders: 201 the order, or orders' own status and body; 500 when nobody is logged in."""
        log = self._desk.log
        log.bare(f"Request received: {request.path} to place an order")
        if not self._desk.is_logged_in(request):
            raise ExpressError(NOT_LOGGED_IN)
        order = await order_links(self._desk, request)
        log.bare(f"Posting Order: {json.dumps(order, separators=(',', ':'))}")
        answer = await self._desk.call(request, "POST", f"{ORDERS}/orders", order)
        log.bare(f"Order response: {answer.body.decode(errors='replace')}")
        response = passed_on(answer)
        said = checkout_message(answer.status, _document(answer), self._silent_500)
        response.headers[CUSTOMER_MESSAGE] = " ".join(said.encode("ascii", "replace").decode().split())
        return response

    async def index(self, request: web.Request) -> web.Response:
        """GET /orders: the customer's orders, unwrapped from HAL, status 201 as in the original; 404 behind is []."""
        self._desk.log.bare(f"Request received: {request.path} to list every order of a customer")
        if not self._desk.is_logged_in(request):
            raise ExpressError(NOT_LOGGED_IN)
        return wire.answer(await self.own_orders(request), 201)

    async def own_orders(self, request: web.Request) -> list[dict[str, Any]]:
        """The orders of the session's customer as orders' HAL has them; NoAnswer."""
        customer = quote(self._desk.customer_id(request), safe="")
        url = f"{ORDERS}/orders/search/customerId?sort=date&custId={customer}"
        answer = await self._desk.call(request, "GET", url)
        if answer.status == 404:
            return []
        embedded = answer.read(dict[str, Any]).get("_embedded")
        rows = embedded.get("customerOrders") if isinstance(embedded, dict) else None
        return rows if isinstance(rows, list) else []

    async def one(self, request: web.Request) -> web.Response:
        """GET /orders/{id}: piped from orders, whoever asks, as in the original."""
        return piped(await self._desk.call(request, "GET", f"{ORDERS}/orders/{quote(request.match_info['id'])}"))

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/orders", self.index),
            web.post("/orders", self.place),
            web.get("/orders/{id}", self.one),
        ]


def _document(answer: Answer) -> object:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
