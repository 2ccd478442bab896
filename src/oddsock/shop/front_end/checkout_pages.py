"""The checkout: what will be ordered, one button, and how it ended in words.

The form carries a token that is made once a page, so that pressing twice is one order wherever keys are honoured. With
ERROR_DISPLAY off the page is the original's: it leads to the orders after a 201, tells a decline, and is silent else.
"""

import asyncio
import secrets
from typing import Any

from aiohttp import web

from oddsock.kit.http import CUSTOMER_MESSAGE
from oddsock.kit.money import SHIPPING_CENTS
from oddsock.shop.calls import NoAnswer
from oddsock.shop.front_end import outcome as outcomes
from oddsock.shop.front_end.accounts import Accounts
from oddsock.shop.front_end.desk import ExpressError, FrontDesk, express_error, no_answer
from oddsock.shop.front_end.goods_pages import AWAY, Goods
from oddsock.shop.front_end.layout import STALE_FORM, Layout, see
from oddsock.shop.front_end.purchases import Attempt, Purchases, header_of

ORDER_TOKEN = "order_token"
TOKEN_CHARACTERS_MAX = 64


class CheckoutPages:
    """The routes; *shows_errors* is ERROR_DISPLAY, *follows* is LIVE_STATUS."""

    def __init__(
        self,
        desk: FrontDesk,
        layout: Layout,
        goods: Goods,
        accounts: Accounts,
        purchases: Purchases,
        shows_errors: bool,
        follows: bool,
    ) -> None:
        self._desk = desk
        self._layout = layout
        self._goods = goods
        self._accounts = accounts
        self._purchases = purchases
        self._shows_errors = shows_errors
        self._follows = follows

    async def checkout(self, request: web.Request) -> web.Response:
        """GET /checkout.html: what will be ordered."""
        return await self._page(request, "")

    async def _page(self, request: web.Request, message: str) -> web.Response:
        if not self._desk.is_logged_in(request):
            return see("/account.html?to=checkout")
        try:
            lines, addresses, cards = await asyncio.gather(
                self._goods.basket(request),
                self._accounts.own(request, "addresses", "address"),
                self._accounts.own(request, "cards", "card"),
            )
        except NoAnswer:
            away = AWAY.format(what="The checkout")
            return self._layout.page(request, "notice.html", 503, title="A moment, please", message=message or away)
        total_cents = sum(line.cents for line in lines)
        return self._layout.page(
            request,
            "checkout.html",
            lines=lines,
            total_cents=total_cents + SHIPPING_CENTS,
            shipping_cents=SHIPPING_CENTS,
            address=addresses[0] if addresses else None,
            card_end=str(cards[0].get("longNum") or "")[-4:] if cards else "",
            message=message,
            form_token=self._layout.form_token(request),
            order_token=secrets.token_urlsafe(24),
            shows_errors=self._shows_errors,
            follows=self._follows,
            offline=outcomes.NO_CONNECTION,
            lost=outcomes.CONNECTION_LOST,
        )

    async def place(self, request: web.Request) -> web.Response:
        """POST /checkout.html {order_token}: placed, and told how it ended; 303 to the orders after a legacy 201."""
        fields = await self._layout.form(request)
        if fields is None:
            return await self._page(request, STALE_FORM)
        self._desk.keyed(request, fields.get(ORDER_TOKEN, "")[:TOKEN_CHARACTERS_MAX])
        try:
            attempt = await self._purchases.attempt(request)
        except NoAnswer as cause:
            attempt = Attempt(no_answer(cause), "")
        except ExpressError as cause:
            attempt = Attempt(express_error(cause), "")
        has_order = attempt.response.status == 201 or (attempt.response.status == 202 and bool(attempt.said))
        if has_order or (attempt.outcome is not None and attempt.outcome.is_order):
            await self._clear(request)
        response = await self._told(request, attempt)
        response.headers[CUSTOMER_MESSAGE] = header_of(attempt.said)
        return response

    async def _told(self, request: web.Request, attempt: Attempt) -> web.Response:
        if attempt.outcome is None:
            if attempt.response.status == 201 or (attempt.response.status == 202 and attempt.said):
                return see("/customer-orders.html")
            return await self._page(request, attempt.said)
        values: dict[str, Any] = {"outcome": attempt.outcome, "follows": self._follows}
        return self._layout.page(request, "outcome.html", **values)

    async def _clear(self, request: web.Request) -> None:
        # As the original's page does after a 201: the basket has become the order.
        try:
            await self._desk.call(request, "DELETE", self._goods.cart_url(request))
        except NoAnswer as cause:
            self._desk.log.bare(f"The cart could not be emptied: {cause}")

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/checkout.html", self.checkout), web.post("/checkout.html", self.place)]
