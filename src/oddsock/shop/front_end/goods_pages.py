"""Pages for looking and choosing: home, the catalogue with its tags and pages, one sock, the basket."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from oddsock.kit.money import cents
from oddsock.shop.calls import NoAnswer
from oddsock.shop.front_end.desk import CARTS, CATALOGUE, FrontDesk
from oddsock.shop.front_end.layout import STALE_FORM, Layout, see

PAGE_SIZE = 6
SOCKS_MAX = 1000
QUANTITY_MAX = 99

AWAY = "{what} cannot be shown at the moment. Please try again in a few minutes."
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"id": "1", "name": "Crossed", "tag": ["red", "blue"]},
    {"id": "2", "name": "Weave", "tag": ["geek", "green"]},
    {"id": "3", "name": "Holy", "tag": ["magic"]},
)
"""Drawn on the home page, which asks no other service: it is there whatever else is not."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket as a page shows it; money in cents."""

    id: str
    name: str
    quantity: int
    unit_cents: int
    sock: dict[str, Any]

    @property
    def cents(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_cents


class Goods:
    """Reads of catalogue and carts that several pages need; NoAnswer."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def socks(self, request: web.Request) -> dict[str, dict[str, Any]]:
        """Every sock by its id."""
        answer = await self._desk.call(request, "GET", f"{CATALOGUE}/catalogue?page=1&size={SOCKS_MAX}")
        return {str(sock["id"]): sock for sock in answer.read(list[dict[str, Any]])}

    async def names(self, request: web.Request) -> dict[str, dict[str, Any]]:
        """Every sock by its id, or none when the catalogue is away: a page can live without names."""
        try:
            return await self.socks(request)
        except NoAnswer:
            return {}

    def cart_url(self, request: web.Request) -> str:
        """The cart of whoever asks."""
        return f"{CARTS}/{quote(self._desk.customer_id(request), safe='')}"

    async def basket(self, request: web.Request) -> list[Line]:
        """What stands in the cart."""
        items, socks = await asyncio.gather(
            self._desk.call(request, "GET", f"{self.cart_url(request)}/items"), self.names(request)
        )
        rows = items.read(list[dict[str, Any]]) if items.status == 200 else []
        return [line_of(row, socks) for row in rows]


def line_of(row: dict[str, Any], socks: dict[str, dict[str, Any]]) -> Line:
    """The line of a cart or an order, with the sock's name where it is known."""
    item_id = str(row.get("itemId") or "")
    sock = socks.get(item_id) or {"id": item_id, "name": item_id, "tag": []}
    quantity, unit = int(row.get("quantity") or 0), float(row.get("unitPrice") or 0)
    return Line(item_id, str(sock["name"]), quantity, cents(unit), sock)


class GoodsPages:
    """The routes."""

    def __init__(self, desk: FrontDesk, layout: Layout, goods: Goods) -> None:
        self._desk = desk
        self._layout = layout
        self._goods = goods

    async def home(self, request: web.Request) -> web.Response:
        """GET / and /index.html."""
        return self._layout.page(request, "home.html", examples=EXAMPLES)

    async def catalogue(self, request: web.Request) -> web.Response:
        """GET /category.html?tags=&page=: the socks that carry one of the tags, six a page; 503 without a catalogue."""
        chosen = [tag for text in request.query.getall("tags", []) for tag in text.split(",") if tag]
        page = max(1, int(text) if (text := request.query.get("page", "1")).isdecimal() else 1)
        asked = f"tags={quote(','.join(chosen), safe=',')}"
        try:
            tags, size, socks = await asyncio.gather(
                self._read(request, "/tags"),
                self._read(request, f"/catalogue/size?{asked}"),
                self._desk.call(request, "GET", f"{CATALOGUE}/catalogue?{asked}&page={page}&size={PAGE_SIZE}"),
            )
            rows = socks.read(list[dict[str, Any]])
        except NoAnswer:
            return self._away(request, "The socks")
        pages = max(1, -(-int(size.get("size") or 0) // PAGE_SIZE))
        chips = [
            {"name": tag, "is_on": tag in chosen, "href": _category(_toggled(chosen, tag))}
            for tag in tags.get("tags") or []
        ]
        turns = [{"number": n, "href": _category(chosen, n), "is_here": n == page} for n in range(1, pages + 1)]
        token = self._layout.form_token(request)
        return self._layout.page(
            request, "category.html", socks=rows, chips=chips, turns=turns, chosen=chosen, form_token=token
        )

    async def sock(self, request: web.Request) -> web.Response:
        """GET /detail.html?id=: one sock; 404 for an unknown one, 503 without a catalogue."""
        try:
            identity = quote(request.query.get("id", ""), safe="")
            answer = await self._desk.call(request, "GET", f"{CATALOGUE}/catalogue/{identity}")
            found = answer.read(dict[str, Any]) if answer.status == 200 and identity else None
        except NoAnswer:
            return self._away(request, "The sock")
        if found is None or "price" not in found:
            return self._layout.page(request, "notice.html", 404, title="No such sock", message="We do not sell that.")
        token = self._layout.form_token(request)
        return self._layout.page(request, "detail.html", sock=found, form_token=token, quantity_max=QUANTITY_MAX)

    async def basket(self, request: web.Request) -> web.Response:
        """GET /basket.html: what was chosen; 503 when carts is away."""
        return await self._basket(request, "")

    async def _basket(self, request: web.Request, message: str) -> web.Response:
        token = self._layout.form_token(request)
        try:
            lines = await self._goods.basket(request)
        except NoAnswer:
            return self._away(request, "Your basket")
        total_cents = sum(line.cents for line in lines)
        return self._layout.page(
            request,
            "basket.html",
            lines=lines,
            total_cents=total_cents,
            message=message,
            form_token=token,
            quantity_max=QUANTITY_MAX,
        )

    async def change(self, request: web.Request) -> web.Response:
        """POST /basket.html {do: add, update or remove; id; quantity}: done, and back to the basket (303)."""
        fields = await self._layout.form(request)
        if fields is None:
            return await self._basket(request, STALE_FORM)
        text = fields.get("quantity", "1")
        quantity = min(int(text), QUANTITY_MAX) if text.isdecimal() else 1
        try:
            said = await self._do(request, fields.get("do", ""), fields.get("id", ""), quantity)
        except NoAnswer:
            said = AWAY.format(what="Your basket")
        return await self._basket(request, said) if said else see("/basket.html")

    async def _do(self, request: web.Request, verb: str, item_id: str, quantity: int) -> str:
        """What went wrong, empty when nothing did; NoAnswer."""
        url = f"{self._goods.cart_url(request)}/items"
        if verb == "remove" or quantity == 0:
            await self._desk.call(request, "DELETE", f"{url}/{quote(item_id, safe='')}")
            return ""
        sock = (await self._goods.socks(request)).get(item_id)
        if sock is None:
            return "We do not sell that sock any more."
        line = {"itemId": item_id, "unitPrice": sock["price"]}
        if verb == "add":
            there = {one.id: one.quantity for one in await self._goods.basket(request)}
            await self._desk.call(request, "POST", url, line)
            quantity = min(there.get(item_id, 0) + quantity, QUANTITY_MAX)
        answer = await self._desk.call(request, "PATCH", url, {**line, "quantity": quantity})
        return "" if answer.status < 300 else "Your basket could not be changed. Please try again."

    def _away(self, request: web.Request, what: str) -> web.Response:
        return self._layout.page(request, "notice.html", 503, title="A moment, please", message=AWAY.format(what=what))

    async def _read(self, request: web.Request, path: str) -> dict[str, Any]:
        return (await self._desk.call(request, "GET", CATALOGUE + path)).read(dict[str, Any])

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/", self.home),
            web.get("/index.html", self.home),
            web.get("/category.html", self.catalogue),
            web.get("/detail.html", self.sock),
            web.get("/basket.html", self.basket),
            web.post("/basket.html", self.change),
        ]


def _toggled(chosen: list[str], tag: str) -> list[str]:
    return [one for one in chosen if one != tag] if tag in chosen else [*chosen, tag]


def _category(tags: list[str], page: int = 1) -> str:
    asked = {"tags": ",".join(tags)} if tags else {}
    asked |= {"page": str(page)} if page > 1 else {}
    return "/category.html" + (f"?{urlencode(asked, safe=',')}" if asked else "")
