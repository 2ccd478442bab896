"""Pages for who the customer is: log in, register, log out; and where parcels go and which card pays."""

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from oddsock.shop.calls import NoAnswer
from oddsock.shop.front_end.accounts import Accounts
from oddsock.shop.front_end.desk import USER, FrontDesk
from oddsock.shop.front_end.layout import STALE_FORM, Layout, see
from oddsock.shop.front_end.sessions import LOGIN_COOKIE, set_login_cookie

AWAY = "Our customer service desk does not answer at the moment. Please try again in a few minutes."
GOALS = {"checkout": "/checkout.html", "orders": "/customer-orders.html", "delivery": "/delivery.html"}
"""Where a customer may be led after a form: names, so that no link can lead out of the shop."""

ADDRESS = ("number", "street", "city", "postcode", "country")
CARD = ("longNum", "expires", "ccv")
PERSON = ("username", "password", "email", "firstName", "lastName")


class AccountPages:
    """The routes."""

    def __init__(self, desk: FrontDesk, layout: Layout, accounts: Accounts) -> None:
        self._desk = desk
        self._layout = layout
        self._accounts = accounts

    async def account(self, request: web.Request) -> web.Response:
        """GET /account.html?to=: the forms to log in and to register."""
        return self._account(request, request.query.get("to", ""), "")

    def _account(
        self, request: web.Request, goal: str, message: str, fields: dict[str, str] | None = None
    ) -> web.Response:
        token = self._layout.form_token(request)
        kept = {name: (fields or {}).get(name, "") for name in PERSON if name != "password"}
        return self._layout.page(
            request, "account.html", goal=goal if goal in GOALS else "", message=message, kept=kept, form_token=token
        )

    async def enter(self, request: web.Request) -> web.Response:
        """POST /account.html {do: login, register or logout}: led on (303), or the forms again with what is wrong."""
        fields = await self._layout.form(request)
        if fields is None:
            return self._account(request, "", STALE_FORM)
        goal, verb = fields.get("to", ""), fields.get("do", "")
        if verb == "logout":
            self._desk.session(request).customer_id = ""
            response = see("/")
            response.del_cookie(LOGIN_COOKIE, path="/")
            return response
        if not (fields.get("username") and fields.get("password")):
            return self._account(request, goal, "A user name and a password are needed.", fields)
        try:
            customer_id = await (
                self._register(request, fields) if verb == "register" else self._login(request, fields)
            )
            if not customer_id:
                taken = "This user name is taken, or our desk could not open the account. Please try another name."
                wrong = "This user name and password do not fit together."
                return self._account(request, goal, taken if verb == "register" else wrong, fields)
            session = self._desk.session(request)
            await self._accounts.enter(request, session, customer_id)
        except NoAnswer:
            return self._account(request, goal, AWAY, fields)
        response = see(GOALS.get(goal) or ("/delivery.html" if verb == "register" else "/"))
        set_login_cookie(response, session)
        return response

    async def _login(self, request: web.Request, fields: dict[str, str]) -> str:
        header = aiohttp.encode_basic_auth(fields["username"], fields["password"], "utf-8")
        answer = await self._desk.call(request, "GET", f"{USER}/login", authorization=header)
        user = answer.read(dict[str, Any]).get("user") if answer.status == 200 else None
        return str(user.get("id") or "") if isinstance(user, dict) else ""

    async def _register(self, request: web.Request, fields: dict[str, str]) -> str:
        person = {name: fields.get(name, "") for name in PERSON}
        answer = await self._desk.call(request, "POST", f"{USER}/register", person)
        return str(answer.read(dict[str, Any]).get("id") or "") if answer.status == 200 else ""

    async def delivery(self, request: web.Request) -> web.Response:
        """GET /delivery.html: the forms for address and card, with what is known already."""
        return await self._delivery(request, "")

    async def _delivery(self, request: web.Request, message: str) -> web.Response:
        if not self._desk.is_logged_in(request):
            return see("/account.html?to=delivery")
        try:
            addresses, cards = await asyncio.gather(
                self._accounts.own(request, "addresses", "address"), self._accounts.own(request, "cards", "card")
            )
        except NoAnswer:
            return self._layout.page(request, "notice.html", 503, title="A moment, please", message=AWAY)
        address = {name: str(addresses[0].get(name) or "") if addresses else "" for name in ADDRESS}
        return self._layout.page(
            request,
            "delivery.html",
            address=address,
            card_end=str(cards[0].get("longNum") or "")[-4:] if cards else "",
            message=message,
            form_token=self._layout.form_token(request),
        )

    async def deliver(self, request: web.Request) -> web.Response:
        """POST /delivery.html {do: address or card}: kept, and on to what is still missing (303)."""
        fields = await self._layout.form(request)
        if fields is None:
            return await self._delivery(request, STALE_FORM)
        if not self._desk.is_logged_in(request):
            return see("/account.html?to=delivery")
        plural, names = ("cards", CARD) if fields.get("do") == "card" else ("addresses", ADDRESS)
        if missing := [name for name in names if not fields.get(name)]:
            return await self._delivery(request, f"Please fill in every field; {len(missing)} are still empty.")
        body: dict[str, str] = {name: fields[name] for name in names}
        if plural == "cards":
            body["longNum"] = body["longNum"].replace(" ", "")
        try:
            await self._desk.call(
                request, "POST", f"{USER}/{plural}", {**body, "userID": self._desk.customer_id(request)}
            )
            other = ("addresses", "address") if plural == "cards" else ("cards", "card")
            is_complete = bool(await self._accounts.own(request, *other))
        except NoAnswer:
            return await self._delivery(request, AWAY)
        return see("/checkout.html" if is_complete else "/delivery.html")

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/account.html", self.account),
            web.post("/account.html", self.enter),
            web.get("/delivery.html", self.delivery),
            web.post("/delivery.html", self.deliver),
        ]
