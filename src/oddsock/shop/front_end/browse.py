"""Routes of the front-end for catalogue and cart."""

from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.shop.front_end.desk import CARTS, CATALOGUE, ExpressError, FrontDesk, passed_on, piped


class Browse:
    """Looking at socks and putting them into the cart."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def catalogue(self, request: web.Request) -> web.Response:
        """GET /catalogue*, /tags: the body passed on, the status always 200, as in the original."""
        return passed_on(await self._desk.call(request, "GET", CATALOGUE + request.path_qs), 200)

    async def picture(self, request: web.Request) -> web.Response:
        """GET /catalogue/images/*: piped."""
        answer = await self._desk.call(request, "GET", CATALOGUE + request.path_qs)
        return piped(answer)

    async def cart(self, request: web.Request) -> web.Response:
        """GET /cart: the lines of the session's cart."""
        return passed_on(await self._desk.call(request, "GET", f"{self._cart_url(request)}/items"))

    async def add(self, request: web.Request) -> web.Response:
        """POST /cart {id}: 201 with an empty body; 500 without an id or when carts says no."""
        sock = await self._sock(request, await self._desk.body(request), "Must pass id of item to add")
        body = {"itemId": sock["id"], "unitPrice": sock["price"]}
        answer = await self._desk.call(request, "POST", f"{self._cart_url(request)}/items", body)
        if answer.status != 201:
            raise ExpressError(f"Unable to add to cart. Status code: {answer.status}")
        return web.Response(status=201)

    async def change(self, request: web.Request) -> web.Response:
        """POST /cart/update {id, quantity}: 202 with an empty body."""
        body = await self._desk.body(request)
        if not body.get("quantity"):
            raise ExpressError("Must pass quantity to update")
        sock = await self._sock(request, body, "Must pass id of item to update")
        line = {"itemId": sock["id"], "quantity": int(body["quantity"]), "unitPrice": sock["price"]}
        answer = await self._desk.call(request, "PATCH", f"{self._cart_url(request)}/items", line)
        if answer.status != 202:
            raise ExpressError(f"Unable to add to cart. Status code: {answer.status}")
        return web.Response(status=202)

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE /cart/{item}: carts' own status."""
        url = f"{self._cart_url(request)}/items/{quote(request.match_info['id'], safe='')}"
        return web.Response(status=(await self._desk.call(request, "DELETE", url)).status)

    async def clear(self, request: web.Request) -> web.Response:
        """DELETE /cart: carts' own status."""
        return web.Response(status=(await self._desk.call(request, "DELETE", self._cart_url(request))).status)

    def _cart_url(self, request: web.Request) -> str:
        return f"{CARTS}/{quote(self._desk.customer_id(request), safe='')}"

    async def _sock(self, request: web.Request, body: dict[str, Any], complaint: str) -> dict[str, Any]:
        if not body.get("id"):
            raise ExpressError(complaint)
        url = f"{CATALOGUE}/catalogue/{quote(str(body['id']), safe='')}"
        answer = await self._desk.call(request, "GET", url)
        sock = answer.read(dict[str, Any])
        if "price" not in sock:
            raise ExpressError(f"Unable to add to cart. Status code: {answer.status}")
        return sock

    def routes(self) -> list[web.RouteDef]:
        """The routes, most special first."""
        return [
            web.get("/catalogue/images/{file:.*}", self.picture),
            web.get("/catalogue", self.catalogue),
            web.get("/catalogue/{rest:.*}", self.catalogue),
            web.get("/tags", self.catalogue),
            web.get("/cart", self.cart),
            web.post("/cart", self.add),
            web.post("/cart/update", self.change),
            web.delete("/cart", self.clear),
            web.delete("/cart/{id}", self.remove),
        ]
