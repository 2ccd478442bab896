"""shipping's wire: POST /shipping as the original, and its book: GET /shipments, POST /shipments/{id}/recall."""

import asyncio
import contextlib
import uuid

import msgspec
from aiohttp import web

from oddsock.shop import wire
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.fault_points import reach
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.service import LOG, Surroundings
from oddsock.shop.shipping.book import SCHEMA, ShippingBook, UnknownShipment
from oddsock.shop.shipping.queue_master import QueueMaster

PORT = 8080


class ShipmentBody(msgspec.Struct):
    """POST /shipping and its echo; *name* is the customer's id."""

    id: str = ""
    name: str = ""


class ShippingApi:
    """The routes of shipping over one book and its consumer."""

    def __init__(self, surroundings: Surroundings, book: ShippingBook, log: SpringLog, master: QueueMaster) -> None:
        self._clock = surroundings.clock
        self._book = book
        self._log = log
        self._master = master

    async def ship(self, request: web.Request) -> web.Response:
        """POST /shipping: 201 the shipment; with a key or id seen before the first one, nothing appended."""
        by = Correlation.received(request.headers)
        try:
            body = await wire.read_body(request, ShipmentBody)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            exception = "org.springframework.http.converter.HttpMessageNotReadableException"
            return wire.spring_error(request, self._clock, 400, exception, str(cause))
        parcel, is_new = self._book.accept(body.id or str(uuid.uuid4()), body.name, by)
        if is_new:
            self._log.bare("Adding shipment to queue...")
            self._master.call()
        await reach("after-book-before-reply", order=by.order_id, request_id=by.request_id)
        return wire.answer(ShipmentBody(parcel.shipment_id, parcel.customer_id), 201, wire.SPRING_JSON)

    async def shipments(self, request: web.Request) -> web.Response:
        """GET /shipments?after=&limit=&order=&customer=: a page of the book."""
        after, limit = wire.page_of(request)
        order, customer = request.query.get("order", ""), request.query.get("customer", "")
        return wire.book_page("shipments", self._book.page(after, limit + 1, order, customer), limit)

    async def recall(self, request: web.Request) -> web.Response:
        """POST /shipments/{id}/recall: 200 the recall's row, also the second time; 404."""
        try:
            row = self._book.recall(request.match_info["id"], Correlation.received(request.headers))
        except UnknownShipment as cause:
            exception = "java.util.NoSuchElementException"
            return wire.spring_error(request, self._clock, 404, exception, f"There is no shipment {cause}.")
        return wire.answer(row, 200, wire.SPRING_JSON)

    async def placeholder(self, request: web.Request) -> web.Response:
        """GET /shipping and /shipping/{id}: a text, as in the original, which keeps nothing to show."""
        shown = request.match_info.get("id", "")
        return web.Response(text=f"GET Shipping Resource with id: {shown}" if shown else "GET ALL Shipping Resource.")

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health: the queue's store first, as the original has it."""
        return wire.health([("shipping-rabbitmq", self._book.works()), ("shipping", True)], self._clock, java=True)


async def build(surroundings: Surroundings) -> web.Application:
    """shipping's application with its consumer; CannotRun when its book cannot be opened."""
    log = SpringLog("shipping", surroundings.port, surroundings.clock)
    metrics = Metrics("shipping", "shipping", surroundings.clock)
    book = ShippingBook(await surroundings.open_book(SCHEMA), surroundings.clock)
    master = QueueMaster(book, log)
    api = ShippingApi(surroundings, book, log, master)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes(
        [
            web.post("/shipping", api.ship),
            web.get("/shipping", api.placeholder),
            web.get("/shipping/{id}", api.placeholder),
            web.get("/shipments", api.shipments),
            web.post("/shipments/{id}/recall", api.recall),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )
    consumer = asyncio.create_task(master.work(), name="queue-master")

    async def close(_app: web.Application) -> None:
        consumer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await consumer
        book.close()

    app.on_cleanup.append(close)
    return app
