"""The wire of event sourcing, ours: an order's events, an order as it was, and the drift of rows from their events.

There only with the switch EVENT_SOURCING.
"""

from aiohttp import web

from oddsock.kit.clock import instant, iso
from oddsock.shop import wire
from oddsock.shop.orders import events, hal
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import OrderEvent, UnknownOrder
from oddsock.shop.orders.store import OrdersStore

EVENTS_MAX = 5000
"""How many events of one order are folded: far more than an order can have."""


class HistoryApi:
    """The routes of an order's history."""

    def __init__(self, store: OrdersStore) -> None:
        self._store = store

    async def events(self, request: web.Request) -> web.Response:
        """GET /orders/{id}/events?after=&limit=: a page of its events, oldest first; 404."""
        after, limit = wire.page_of(request)
        order_id = request.match_info["id"]
        try:
            await self._store.order(order_id)
        except UnknownOrder:
            return web.Response(status=404)
        return await self._page(after, limit, order_id)

    async def all_events(self, request: web.Request) -> web.Response:
        """GET /events?after=&limit=: a page of the events of all orders, oldest first."""
        return await self._page(*wire.page_of(request), "")

    async def _page(self, after: int, limit: int, order_id: str) -> web.Response:
        rows = await self._store.events(after, limit + 1, order_id)
        following = rows[limit - 1].seq if len(rows) > limit else None
        return wire.answer({"events": [events.shown(row) for row in rows[:limit]], "next": following})

    async def order_at(self, request: web.Request) -> web.Response:
        """GET /orders/{id}?at=INSTANT: the order as its events made it by then; 400, 404 when it was not there yet."""
        try:
            at = iso(instant(request.query["at"].replace(" ", "+")))
        except ValueError as cause:
            return wire.answer({"error": f"at={request.query['at']} is no instant: {cause}."}, 400)
        order_id = request.match_info["id"]
        order = events.fold_until(await self._events_of(order_id), at)
        if order is None:
            return web.Response(status=404)
        return hal.hal_answer(hal.resource(order, f"http://{request.host}", with_ids=True))

    async def drift(self, request: web.Request) -> web.Response:
        """GET /orders/drift?after=&limit=: rebuilds a page of orders from their events and names those that differ."""
        first, limit = wire.page_of(request)
        drifted: list[dict[str, object]] = []
        orders = await self._store.orders(first, limit)
        for order in orders:
            if fields := await self._drift_of(order):
                drifted.append({"order_id": order.id, "fields": fields})
        following = first + len(orders) if len(orders) == limit else None
        return wire.answer({"checked": len(orders), "drifted": drifted, "next": following})

    async def _drift_of(self, order: Order) -> list[str]:
        found = events.drift(order, await self._events_of(order.id))
        # Changed between the two reads: read again, once.
        return events.drift(await self._store.order(order.id), await self._events_of(order.id)) if found else []

    async def _events_of(self, order_id: str) -> list[OrderEvent]:
        return await self._store.events(0, EVENTS_MAX, order_id)

    def routes(self) -> list[web.RouteDef]:
        """The routes but `order_at`, which the order's own read gives way to."""
        return [
            web.get("/events", self.all_events),
            web.get("/orders/drift", self.drift),
            web.get("/orders/{id}/events", self.events),
        ]
