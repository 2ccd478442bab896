"""The status of orders pushed to pages as server-sent events: `GET /orders/{id}/status-stream`, with LIVE_STATUS on.

    id: 17-4                    the last line of orders' journal and row of shipping's book that are in it
    event: status               also `away` and `back` (orders or shipping cannot be asked, can again), `end`
    data: {"order": ..., "status": "PAID", "label": "Shipped", "sentence": .., "colour": "good", "at": ..., "final": .}

Source of the form: the HTML standard, server-sent events. `GET /orders/status-stream?order=ID&order=ID` follows a list.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web

from oddsock.shop.calls import NoAnswer, call
from oddsock.shop.front_end.desk import ORDERS, SHIPPING
from oddsock.shop.front_end.order_face import OrderFace
from oddsock.shop.front_end.status_watch import AwayError, Rows, StatusWatch, TooManyWatchers, Watcher

ORDERS_MAX = 100
"""How many orders one stream may follow."""

HEARTBEAT_WALL_S = 10.0
"""A line goes out at least this often, so that either side notices when the other is gone."""

WRITE_WALL_S_MAX = 5.0
"""Who has not taken a line within this time is gone."""

BOOK_WALL_S_MAX = 2.0
RETRY_MS = 1000
RETRY_AFTER_S = 5


class StatusBooksOverHttp:
    """Orders' journal and shipping's book, each call with a deadline."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def changes(self, after: int, rows_max: int, order_id: str = "") -> Rows:
        """Lines of orders' journal behind *after*; AwayError."""
        return await self._read(f"{ORDERS}/journal", "changes", after, rows_max, order_id)

    async def parcels(self, after: int, rows_max: int, order_id: str = "") -> Rows:
        """Rows of shipping's book behind *after*; AwayError."""
        return await self._read(f"{SHIPPING}/shipments", "shipments", after, rows_max, order_id)

    async def _read(self, url: str, name: str, after: int, rows_max: int, order_id: str) -> Rows:
        asked = f"?after={after}&limit={rows_max}" + (f"&order={quote(order_id, safe='')}" if order_id else "")
        try:
            async with asyncio.timeout(BOOK_WALL_S_MAX):
                answer = await call(self._client, "GET", url + asked, {})
            rows = answer.read(dict[str, Any]).get(name) if answer.status == 200 else None
        except (NoAnswer, TimeoutError) as cause:
            raise AwayError(url) from cause
        if not isinstance(rows, list):
            raise AwayError(url)
        return rows


def event_id(face: OrderFace) -> str:
    """The id of the event that tells *face*."""
    return f"{face.seen[0]}-{face.seen[1]}"


def seen_by(last_event_id: str) -> tuple[int, int]:
    """What a browser that reconnects has seen already.

    >>> seen_by("17-4"), seen_by("nonsense")
    ((17, 4), (0, 0))
    """
    journal, _, parcels = last_event_id.partition("-")
    return (int(journal), int(parcels)) if journal.isdecimal() and parcels.isdecimal() else (0, 0)


def written(name: str, data: object, identity: str = "") -> bytes:
    """One event as the wire has it.

    >>> written("away", {})
    b'event: away\\ndata: {}\\n\\n'
    """
    head = f"id: {identity}\n".encode() if identity else b""
    return head + f"event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def status_event(order: OrderFace) -> bytes:
    """The event that tells what an order is now."""
    face = order.face
    data: Mapping[str, object] = {
        "order": face.order_id,
        "status": face.status,
        "label": face.label,
        "sentence": face.sentence,
        "colour": face.colour,
        "at": face.at,
        "final": face.is_final,
    }
    return written("status", data, event_id(order))


class StatusStream:
    """The two routes over one watch."""

    def __init__(self, watch: StatusWatch) -> None:
        self._watch = watch

    async def one(self, request: web.Request) -> web.StreamResponse:
        """GET /orders/{id}/status-stream: until the order can change no more; 503 when every place is taken."""
        return await self._follow(request, [request.match_info["id"]])

    async def several(self, request: web.Request) -> web.StreamResponse:
        """GET /orders/status-stream?order=: several orders in one stream; 400 for none or too many."""
        order_ids = list(dict.fromkeys(request.query.getall("order", [])))
        if not 0 < len(order_ids) <= ORDERS_MAX:
            raise web.HTTPBadRequest(text=f"Name between 1 and {ORDERS_MAX} orders, as ?order=ID&order=ID.\n")
        return await self._follow(request, order_ids)

    async def _follow(self, request: web.Request, order_ids: list[str]) -> web.StreamResponse:
        try:
            watcher = await self._watch.watch(order_ids)
        except TooManyWatchers:
            text = "Too many pages follow their orders just now; load this one again in a few seconds.\n"
            return web.Response(status=503, text=text, headers={"Retry-After": str(RETRY_AFTER_S)})
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        try:
            await response.prepare(request)
            await self._write(response, f"retry: {RETRY_MS}\n\n".encode())
            await self._push(response, watcher, seen_by(request.headers.get("Last-Event-ID", "")))
        except (ConnectionError, TimeoutError):
            # The page is closed, or does not read: there is nobody to tell.
            return response
        finally:
            self._watch.leave(watcher)
        return response

    async def _push(self, response: web.StreamResponse, watcher: Watcher, seen: tuple[int, int]) -> None:
        final: set[str] = set()
        is_away = False
        while not watcher.is_ended:
            if watcher.is_away != is_away:
                is_away = watcher.is_away
                await self._write(response, written("away" if is_away else "back", {}))
            for order in watcher.take():
                if order.face.is_final:
                    final.add(order.order_id)
                if order.seen[0] > seen[0] or order.seen[1] > seen[1]:
                    await self._write(response, status_event(order))
            if final == watcher.orders:
                await self._write(response, written("end", {}))
                return
            try:
                async with asyncio.timeout(HEARTBEAT_WALL_S):
                    await watcher.woken.wait()
            except TimeoutError:
                await self._write(response, b": still here\n\n")

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(WRITE_WALL_S_MAX):
            await response.write(data)

    def routes(self) -> list[web.RouteDef]:
        """The routes, most special first."""
        return [
            web.get("/orders/status-stream", self.several),
            web.get("/orders/{id}/status-stream", self.one),
        ]
