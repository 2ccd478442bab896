"""orders' wire: POST /orders and the HAL reads as the original; the journal, retry and cancel are ours."""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec
from aiohttp import web

from oddsock.kit.ids import object_id
from oddsock.shop import wire
from oddsock.shop.calls import Lines, call_wall_s
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.flags import UPSTREAM, WEAVE
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.orders import hal, notices
from oddsock.shop.orders.assembly import Assembly, Doors, assemble
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.cancel import Cancel
from oddsock.shop.orders.checkout import OrderRefused
from oddsock.shop.orders.history_api import HistoryApi
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.order import Order, is_open
from oddsock.shop.orders.postgres_store import PostgresStore
from oddsock.shop.orders.postman import by_smtp
from oddsock.shop.orders.queue_api import QueueApi
from oddsock.shop.orders.records import KeyReused, Request, Superseded, UnknownOrder
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.retry import Retry, Unfinished, WrongState
from oddsock.shop.orders.sqlite_store import SCHEMA, SqliteStore
from oddsock.shop.orders.store import OrdersStore
from oddsock.shop.orders.tally import Tally
from oddsock.shop.orders.upstream import UpstreamCheckout
from oddsock.shop.orders.webhooks import PaymentNews, WebhookApi
from oddsock.shop.service import GRACE_WALL_S, LOG, Surroundings
from oddsock.shop.webhooks.signature import SECRET, Seal

PORT = 8082
SIZE_DEFAULT = 20
SIZE_MAX = 1000

INVALID_ORDER = "works.weave.socks.orders.controllers.OrdersController$InvalidOrderException"
INCOMPLETE = "Invalid order request. Order requires customer, address, card and items."
NOT_WRITTEN = "org.springframework.dao.DataAccessResourceFailureException"
IN_OTHER_HANDS = "The order is being worked on by another process. Send the same request again."

Act = Callable[[], Coroutine[Any, Any, Order]]


class Places(Protocol):
    """A profile's checkout."""

    async def place(self, order_id: str, links: Links, by: Correlation) -> Order:
        """A new order of what stands in the cart; OrderRefused."""
        ...


class OrderBody(msgspec.Struct):
    """POST /orders: four URLs."""

    customer: str | None = None
    address: str | None = None
    card: str | None = None
    items: str | None = None


class CancelBody(msgspec.Struct):
    """POST /orders/{id}/cancel."""

    reason: str = "cancelled"


class OrdersApi:
    """The routes of orders."""

    def __init__(self, surroundings: Surroundings, made: Assembly, checkout: Places, tally: Tally) -> None:
        self._clock = surroundings.clock
        self._made = made
        self._book = made.book
        self._narration = made.by_hand.narration
        self._checkout = checkout
        self._retry = Retry(made.by_hand)
        self._cancel = Cancel(made.by_hand)
        self._work = made.work
        self._history = HistoryApi(made.book.store) if made.remedies.event_sourcing else None
        self._tally = tally
        # The original's own reads know no status; retry and cancel are ours and always tell it.
        self._with_status = surroundings.flags.text("ORDER_PROFILE") != UPSTREAM

    def _error(self, request: web.Request, status: int, exception: str, message: str) -> web.Response:
        response = wire.spring_error(request, self._clock, status, exception, message)
        response.headers["X-Application-Context"] = "orders:8080"
        return response

    async def place(self, request: web.Request) -> web.Response:
        """POST /orders: 201 the order, 202 when it is parked; 406 incomplete or declined; 422 a key used otherwise;
        500 when a service gives no answer, 503 when it is not asked."""
        self._narration.next_request()
        by = Correlation.begun(request.headers)
        try:
            body = await wire.read_body(request, OrderBody)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            exception = "org.springframework.http.converter.HttpMessageNotReadableException"
            return self._error(request, 400, exception, str(cause))
        if not (body.customer and body.address and body.card and body.items):
            return self._error(request, 406, INVALID_ORDER, INCOMPLETE)
        links = Links(body.customer, body.address, body.card, body.items)
        order_id, asked, began = object_id(), self._request_of(links, by), self._clock.monotonic()
        try:
            if asked is None:
                placed = await self._work.alone(order_id, self._checkout.place(order_id, links, by))
            else:
                placed = await self._made.checkout.place_once(order_id, links, by, asked, self._work)
        except KeyReused as cause:
            message = f"The Idempotency-Key {cause} was used for another order."
            return self._error(request, 422, "java.lang.IllegalArgumentException", message)
        except Superseded:
            self._tally.answered(False, self._clock.monotonic() - began)
            return self._error(request, 503, "java.lang.IllegalStateException", IN_OTHER_HANDS)
        except OrderRefused as cause:
            self._tally.answered(False, self._clock.monotonic() - began)
            if not self._with_status:
                self._tally.lost()
            return self._error(request, cause.status, cause.exception, cause.message)
        except Exception as cause:  # noqa: BLE001  # Whatever a store answers in place of writing, such as a full disk.
            self._tally.answered(False, self._clock.monotonic() - began)
            return await self._broke_off(request, order_id, cause, asked)
        self._tally.answered(True, self._clock.monotonic() - began)
        return hal.plain_answer(placed, 202 if is_open(placed) else 201, self._with_status)

    def _request_of(self, links: Links, by: Correlation) -> Request | None:
        """What makes the same request again the same order; None without a key, and where none is heeded."""
        if not (self._made.remedies.idempotency and self._with_status and by.idempotency_key):
            return None
        return Request(by.idempotency_key, fingerprint_of(links))

    async def _broke_off(
        self, request: web.Request, order_id: str, cause: Exception, asked: Request | None = None
    ) -> web.Response:
        """500: the order is left where the last write put it, and taken up from there by who takes orders up."""
        if asked is not None:
            order_id = await self._book.store.request_order(asked.key, asked.fingerprint) or order_id
        self._narration.broke_off(order_id, cause)
        if self._made.queue is not None:
            self._made.queue.broke_off(order_id)
        return self._error(request, 500, NOT_WRITTEN, f"The order could not be written: {cause}")

    async def orders(self, request: web.Request) -> web.Response:
        """GET /orders?page=&size=&sort=date,desc."""
        page = wire.whole_number(request, "page", 0, 0, 2**31)
        size = wire.whole_number(request, "size", SIZE_DEFAULT, 1, SIZE_MAX)
        newest_first = request.query.get("sort", "").endswith(",desc")
        found = await self._book.orders(page * size, size, newest_first)
        total, with_status = await self._book.count(), self._with_status
        return hal.hal_answer(hal.order_list(found, _base(request), page, size, total, with_status))

    async def order(self, request: web.Request) -> web.Response:
        """GET /orders/{id}: HAL, or 404 with an empty body; with `at`, and event sourcing, as it was then."""
        if self._history is not None and "at" in request.query:
            return await self._history.order_at(request)
        try:
            found = await self._book.order(request.match_info["id"])
        except UnknownOrder:
            return web.Response(status=404)
        return hal.hal_answer(hal.resource(found, _base(request), with_status=self._with_status))

    async def search(self, request: web.Request) -> web.Response:
        """GET /orders/search/customerId?custId=&sort=date: a customer's orders, without paging."""
        newest_first = request.query.get("sort", "").endswith(",desc")
        found = await self._book.orders_of(request.query.get("custId", ""), SIZE_MAX, newest_first)
        return hal.hal_answer(hal.search_result(found, _base(request), request.query_string, self._with_status))

    async def journal(self, request: web.Request) -> web.Response:
        """GET /journal?after=&limit=&order=: a page of the journal."""
        after, limit = wire.page_of(request)
        rows = await self._book.journal(after, limit + 1, request.query.get("order", ""))
        return wire.book_page("changes", rows, limit)

    async def can_retry(self, _request: web.Request) -> web.Response:
        """OPTIONS /orders/{id}/retry: 204 with Allow: POST, whatever the id; a shop without retry says 404 or 405."""
        return web.Response(status=204, headers={"Allow": "POST"})

    async def retry(self, request: web.Request) -> web.Response:
        """POST /orders/{id}/retry with Idempotency-Key: 200 the order; 400, 404, 409, 422; 503 to be sent again."""
        order_id, by = request.match_info["id"], Correlation.begun(request.headers)
        return await self._act(request, by, lambda: self._retry.run(order_id, by))

    async def cancel(self, request: web.Request) -> web.Response:
        """POST /orders/{id}/cancel {reason} with Idempotency-Key: 200 the order; 400, 404, 409, 422; 503 as retry."""
        order_id, by = request.match_info["id"], Correlation.begun(request.headers)
        try:
            body = await wire.read_body(request, CancelBody) if request.can_read_body else CancelBody()
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return self._error(request, 400, "java.lang.IllegalArgumentException", str(cause))
        return await self._act(request, by, lambda: self._cancel.run(order_id, body.reason, by))

    async def _act(self, request: web.Request, by: Correlation, act: Act) -> web.Response:
        self._narration.next_request()
        if not by.idempotency_key:
            message = "This needs an Idempotency-Key."
            return self._error(request, 400, "java.lang.IllegalArgumentException", message)
        try:
            order = await self._work.alone(request.match_info["id"], act())
        except UnknownOrder as cause:
            return self._error(request, 404, "java.util.NoSuchElementException", f"There is no order {cause}.")
        except WrongState as cause:
            return self._error(request, 409, "java.lang.IllegalStateException", str(cause))
        except KeyReused as cause:
            message = f"The Idempotency-Key {cause} was used for something else."
            return self._error(request, 422, "java.lang.IllegalArgumentException", message)
        except Superseded:
            return self._error(request, 503, "java.lang.IllegalStateException", IN_OTHER_HANDS)
        except Unfinished as cause:
            return self._error(request, 503, "java.lang.IllegalStateException", str(cause))
        except Exception as cause:  # noqa: BLE001  # As in `place`.
            return await self._broke_off(request, request.match_info["id"], cause)
        return hal.hal_answer(hal.resource(order, _base(request), with_ids=True))

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health: the book stands for the original's database pod."""
        parts = [("orders", True), ("orders-db", self._book.works())]
        return wire.health(parts, self._clock, java=True, states=self._made.breaker_states())

    async def outbox(self, _request: web.Request) -> web.Response:
        """GET /outbox: how many notices no mail server has taken yet; there only with the switch NOTICES."""
        return wire.answer({"waiting": await self._made.book.store.letters_waiting(notices.KIND)})

    def routes(self) -> list[web.RouteDef]:
        """The routes; those of a switch that is off are not there."""
        made = self._made
        queued = made.remedies.payment_queue and made.queue is not None
        more = QueueApi(made.book.store, made.queue, made.work).routes() if queued and made.queue else []
        return [
            web.post("/orders", self.place),
            web.get("/orders", self.orders),
            web.get("/orders/search/customerId", self.search),
            *(self._history.routes() if self._history is not None else []),
            web.get("/orders/{id}", self.order),
            web.route("OPTIONS", "/orders/{id}/retry", self.can_retry),
            web.post("/orders/{id}/retry", self.retry),
            web.post("/orders/{id}/cancel", self.cancel),
            web.get("/journal", self.journal),
            web.get("/health", self.health),
            *([web.get("/outbox", self.outbox)] if made.remedies.notices else []),
            *more,
        ]


def _base(request: web.Request) -> str:
    return f"http://{request.host}"


def fingerprint_of(links: Links) -> str:
    """What tells two order requests under one key apart."""
    return hashlib.sha256("\0".join((links.customer, links.address, links.card, links.items)).encode()).hexdigest()


async def open_store(surroundings: Surroundings) -> OrdersStore:
    """The store that ORDERS_STORE names; UsageError, CannotRun."""
    if surroundings.flags.text("ORDERS_STORE") == "postgres":
        return await PostgresStore.connect(surroundings.environment.get("ORDERS_DSN", ""))
    return SqliteStore(await surroundings.open_book(SCHEMA))


async def build(surroundings: Surroundings) -> web.Application:
    """orders' application; CannotRun when its book cannot be opened."""
    flags, clock = surroundings.flags, surroundings.clock
    log = SpringLog("orders", surroundings.port, clock, masked=not flags.is_on("UNMASKED_CARD_LOG"))
    metrics, tally = Metrics("orders", "java", clock), Tally()
    remedies = Remedies.read(flags)
    store = await open_store(surroundings)
    lines = Lines(call_wall_s(clock.speed, wall_s_min=remedies.call_wall_s_min))
    narration = Narration(log, at_debug=flags.text("DIALECT") == WEAVE)
    doors = Doors.over_http(lines)
    float32_totals = flags.is_on("FLOAT32_TOTALS")
    send = by_smtp(clock, surroundings.environment) if remedies.notices else None
    made = assemble(store, doors, narration, clock, remedies, tally=tally, float32_totals=float32_totals, send=send)
    made.lease_for(flags.seconds("ORDERS_LEASE_S"))
    metrics.more += [*tally.metrics, *made.metrics]
    checkout: Places = made.checkout
    if flags.text("ORDER_PROFILE") == UPSTREAM:
        checkout = UpstreamCheckout(made.desk, doors.baskets, float32_totals)
    api = OrdersApi(surroundings, made, checkout, tally)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes([*api.routes(), web.get("/metrics", metrics.answer)])
    if flags.is_on("WEBHOOKS"):
        seal = Seal(surroundings.environment.get(SECRET, ""))
        app.add_routes(WebhookApi(PaymentNews(made.by_hand, remedies.saga), made.work, seal).routes())
    await made.begin()

    async def close(_app: web.Application) -> None:
        await made.close(GRACE_WALL_S)
        await lines.close()

    app.on_cleanup.append(close)
    return app
