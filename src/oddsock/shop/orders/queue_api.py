"""The wire of the queue, ours: GET /queue, POST /queue/{id}/requeue. There only with the switch PAYMENT_QUEUE."""

import msgspec
from aiohttp import web

from oddsock.shop import wire
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders import hal
from oddsock.shop.orders.queue import OrderQueue
from oddsock.shop.orders.records import Errand, UnknownOrder
from oddsock.shop.orders.retry import WrongState
from oddsock.shop.orders.store import OrdersStore
from oddsock.shop.work import Work


class QueueApi:
    """The routes of the queue."""

    def __init__(self, store: OrdersStore, queue: OrderQueue, work: Work) -> None:
        self._store = store
        self._queue = queue
        self._work = work

    async def queue(self, request: web.Request) -> web.Response:
        """GET /queue?dead=&after=&limit=: a page of what is parked, with *dead* of the dead letters; both counts."""
        # Behind an order's id, not behind a seq.
        limit = wire.whole_number(request, "limit", wire.ROWS_DEFAULT, 1, wire.ROWS_MAX)
        dead = request.query.get("dead", "") in ("1", "true", "on")
        rows = await self._store.errands(dead, request.query.get("after", ""), limit + 1)
        parked, dead_letters = await self._store.errand_counts()
        shown = [_shown(errand) for errand in rows[:limit]]
        following = rows[limit - 1].order_id if len(rows) > limit else None
        name = "dead" if dead else "parked"
        counts = {"parked": parked, "dead": dead_letters}
        return wire.answer({name: shown, "next": following, "counts": counts})

    async def requeue(self, request: web.Request) -> web.Response:
        """POST /queue/{id}/requeue: 202 the order; 404 when there is nothing to do, 409 when it is not dead."""
        order_id = request.match_info["id"]
        by = Correlation.begun(request.headers)
        try:
            order = await self._work.alone(order_id, self._queue.requeue(order_id, by))
        except UnknownOrder:
            return wire.answer({"error": f"No dead letter is kept of order {order_id}."}, 404)
        except WrongState as cause:
            return wire.answer({"error": str(cause)}, 409)
        return hal.plain_answer(order, 202)

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/queue", self.queue), web.post("/queue/{id}/requeue", self.requeue)]


def _shown(errand: Errand) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(errand)
    return {name: value for name, value in fields.items() if name not in ("holder", "traceparent")}
