"""Routes of the front-end for orders: placing one, listing one's own, reading one."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import web

from oddsock.kit.http import CUSTOMER_MESSAGE
from oddsock.shop import wire
from oddsock.shop.calls import REFUSED, UNKNOWN_NAME, Answer, NoAnswer
from oddsock.shop.customer_texts import Charged, CustomerText
from oddsock.shop.front_end import outcome
from oddsock.shop.front_end.desk import (
    NOT_LOGGED_IN,
    ORDERS,
    ExpressError,
    FrontDesk,
    express_error,
    no_answer,
    passed_on,
    piped,
)
from oddsock.shop.front_end.money_told import ENDED, Books, Money, money_of
from oddsock.shop.front_end.order_links import order_links
from oddsock.shop.front_end.outcome import SHOP_CLOSED, Outcome, order_id_in, outcome_of
from oddsock.shop.front_end.shown import checkout_message


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a checkout ended: the *response* of the browser's API, what the page *said*, and the *outcome* in words.

    The outcome is None while ERROR_DISPLAY is off: then *said* is all that the page says.
    """

    response: web.Response
    said: str
    outcome: Outcome | None = None

    def told(self) -> web.Response:
        """The response with what the customer is told in its header."""
        self.response.headers[CUSTOMER_MESSAGE] = header_of(self.said)
        return self.response


class Purchases:
    """The customer's orders; with *books* (ERROR_DISPLAY) every end of a checkout is put into words."""

    def __init__(self, desk: FrontDesk, silent_500: bool, books: Books | None = None) -> None:
        self._desk = desk
        self._silent_500 = silent_500
        self._books = books

    async def place(self, request: web.Request) -> web.Response:
        """POST /orders: 201 the order, or orders' own status and body; 500 when nobody is logged in."""
        return (await self.attempt(request)).told()

    async def attempt(self, request: web.Request) -> Attempt:
        """One press of the button; NoAnswer and ExpressError only while ERROR_DISPLAY is off."""
        log = self._desk.log
        log.bare(f"Request received: {request.path} to place an order")
        try:
            if not self._desk.is_logged_in(request):
                raise ExpressError(NOT_LOGGED_IN)
            order = await order_links(self._desk, request)
        except (ExpressError, NoAnswer) as cause:
            return self._unsent(cause, outcome.NOT_LOGGED_IN if isinstance(cause, ExpressError) else SHOP_CLOSED)
        log.bare(f"Posting Order: {json.dumps(order, separators=(',', ':'))}")
        try:
            answer = await self._desk.call(request, "POST", f"{ORDERS}/orders", order)
        except NoAnswer as cause:
            if cause.kind in (REFUSED, UNKNOWN_NAME):
                return self._unsent(cause, SHOP_CLOSED)
            if self._books is None:
                raise
            return await self._explain(request, self._books, no_answer(cause), None, "")
        log.bare(f"Order response: {answer.body.decode(errors='replace')}")
        document = _document(answer)
        if self._books is not None:
            return await self._explain(request, self._books, passed_on(answer), document, order_id_in(document))
        return Attempt(passed_on(answer), checkout_message(answer.status, document, self._silent_500))

    def _unsent(self, cause: ExpressError | NoAnswer, text: CustomerText) -> Attempt:
        if self._books is None:
            raise cause
        response = no_answer(cause) if isinstance(cause, NoAnswer) else express_error(cause)
        return Attempt(response, text.line, Outcome("refused", text))

    async def _explain(
        self, request: web.Request, books: Books, response: web.Response, document: object, order_id: str
    ) -> Attempt:
        """Ask the books what became of an attempt, the order and its money side by side."""
        status = response.status
        if status == 201:
            found = outcome_of(status, document, None, Money(Charged.YES))
            return Attempt(response, found.text.line, found)
        request_id = self._desk.by(request).request_id
        order, rows, parked = await asyncio.gather(
            books.order(request, order_id),
            books.charges(request, order_id, request_id),
            books.parked_reason(request, order_id if status == 202 else ""),
        )
        money = money_of(rows, parked or _reason(order, document))
        if order is None and money.order_id:
            order = await books.order(request, money.order_id)
        found = outcome_of(status, document, order, money)
        return Attempt(response, found.text.line, found)

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


def header_of(said: str) -> str:
    """*said* as a header can carry it: one line of ASCII."""
    return " ".join(said.encode("ascii", "replace").decode().split())


def _reason(order: dict[str, Any] | None, document: object) -> str:
    """Why the last payment of an attempt failed; without an order what orders says of the attempt itself."""
    if order is not None and order.get("reason"):
        return str(order["reason"])
    said = str(document.get("message") or "") if isinstance(document, dict) else ""
    # An attempt that ended before payment was asked, or whose services all answered, cannot charge later.
    return ENDED if said and "timeout" not in said else ""


def _document(answer: Answer) -> object:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
