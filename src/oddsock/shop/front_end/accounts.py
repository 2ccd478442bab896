"""Routes of the front-end for customers: register, login, address, card; and the plain forwards to user."""

import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.shop import wire
from oddsock.shop.calls import NoAnswer
from oddsock.shop.front_end.desk import CARTS, USER, FrontDesk, passed_on
from oddsock.shop.front_end.sessions import Session, set_login_cookie


class Accounts:
    """Who the customer is, where they live, what they pay with."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def login(self, request: web.Request) -> web.Response:
        """GET /login with Basic: 200 `Cookie is set`; 401 with an empty body for any failure, also of a service."""
        self._desk.log.bare("Received login request")
        session = self._desk.session(request)
        try:
            header = request.headers.get("Authorization", "")
            answer = await self._desk.call(request, "GET", f"{USER}/login", authorization=header)
            if answer.status != 200:
                return web.Response(status=401)
            customer_id = str(answer.read(dict[str, Any])["user"]["id"])
            await self.enter(request, session, customer_id)
        except (NoAnswer, KeyError, TypeError) as cause:
            self._desk.log.bare(f"Error with log in: {cause}")
            return web.Response(status=401)
        response = web.Response(text="Cookie is set")
        set_login_cookie(response, session)
        return response

    async def register(self, request: web.Request) -> web.Response:
        """POST /register: 200 {id} and both cookies; 500 with an empty body for any failure."""
        session = self._desk.session(request)
        body = await self._desk.body(request)
        try:
            answer = await self._desk.call(request, "POST", f"{USER}/register", body)
            customer_id = str(answer.read(dict[str, Any]).get("id") or "") if answer.status == 200 else ""
            if not customer_id:
                return web.Response(status=500)
            await self.enter(request, session, customer_id)
        except NoAnswer as cause:
            self._desk.log.bare(f"Error with registration: {cause}")
            return web.Response(status=500)
        response = wire.answer({"id": customer_id})
        set_login_cookie(response, session)
        return response

    async def enter(self, request: web.Request, session: Session, customer_id: str) -> None:
        """Let *session* be the customer's; NoAnswer when the cart cannot go along."""
        # What was put aside before the login goes along.
        session.customer_id = customer_id
        url = f"{CARTS}/{quote(customer_id, safe='')}/merge?sessionId={quote(session.id, safe='')}"
        await self._desk.call(request, "GET", url)
        self._desk.log.bare(f"set cookie {session.id}")

    async def card(self, request: web.Request) -> web.Response:
        """GET /card: {number: last four}, or {status_code: 500} with 200."""
        cards = await self.own(request, "cards", "card")
        if not cards:
            return wire.answer({"status_code": 500})
        return wire.answer({"number": str(cards[0].get("longNum", ""))[-4:]})

    async def address(self, request: web.Request) -> web.Response:
        """GET /address: the first address, or {status_code: 500} with 200."""
        addresses = await self.own(request, "addresses", "address")
        return wire.answer(addresses[0] if addresses else {"status_code": 500})

    async def own(self, request: web.Request, plural: str, kind: str) -> list[dict[str, Any]]:
        """The session's own addresses or cards, as user's HAL has them; NoAnswer."""
        customer_id = quote(self._desk.customer_id(request), safe="")
        answer = await self._desk.call(request, "GET", f"{USER}/customers/{customer_id}/{plural}")
        found = answer.read(dict[str, Any])
        embedded = found.get("_embedded")
        rows = embedded.get(kind) if isinstance(embedded, dict) else None
        return rows if isinstance(rows, list) else []

    async def add(self, request: web.Request) -> web.Response:
        """POST /addresses, /cards: the session's customer is added as userID; always 200."""
        body = await self._desk.body(request)
        body["userID"] = self._desk.customer_id(request)
        answer = await self._desk.call(request, "POST", USER + request.path, body)
        self._desk.log.bare(f"Posting {request.path}: {json.dumps(body)}")
        return passed_on(answer, 200)

    async def customer(self, request: web.Request) -> web.Response:
        """GET /customers/{any}: the session's own customer, whatever the path says."""
        url = f"{USER}/customers/{quote(self._desk.customer_id(request), safe='')}"
        return passed_on(await self._desk.call(request, "GET", url), 200)

    async def forward(self, request: web.Request) -> web.Response:
        """What goes to user as it is; always 200."""
        body = await self._desk.body(request) if request.method == "POST" else None
        return passed_on(await self._desk.call(request, request.method, USER + request.path, body), 200)

    def routes(self) -> list[web.RouteDef]:
        """The routes, most special first."""
        entity = "{entity:customers|addresses|cards}"
        return [
            web.get("/login", self.login),
            web.post("/register", self.register),
            web.get("/card", self.card),
            web.get("/address", self.address),
            web.post("/addresses", self.add),
            web.post("/cards", self.add),
            web.get("/customers/{id}", self.customer),
            web.post("/customers", self.forward),
            web.get(f"/{entity}", self.forward),
            web.get("/cards/{id}", self.forward),
            web.delete(f"/{entity}/{{id}}", self.forward),
        ]
