"""carts' wire, as the original: statuses 200, 201, 202, and 500 for an item that is not there."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.shop import wire
from oddsock.shop.carts.book import SCHEMA, CartsBook, NoSuchItem
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.service import LOG, Surroundings

PORT = 8081
LOGGER = "w.w.s.cart.controllers.ItemsController"


class ItemBody(msgspec.Struct, rename="camel"):
    """A posted or patched line."""

    item_id: str
    quantity: int = 1
    unit_price: float = 0.0


class CartsApi:
    """The routes of carts over one book."""

    def __init__(self, surroundings: Surroundings, book: CartsBook, log: SpringLog) -> None:
        self._clock = surroundings.clock
        self._book = book
        self._log = log

    def _absent(self, request: web.Request, cause: NoSuchItem) -> web.Response:
        message = f"Cannot find item {cause} in cart"
        self._log.record("ERROR", LOGGER, message, Correlation.begun(request.headers))
        return wire.spring_error(request, self._clock, 500, "java.lang.IllegalArgumentException", message)

    def _unreadable(self, request: web.Request, cause: Exception) -> web.Response:
        exception = "org.springframework.http.converter.HttpMessageNotReadableException"
        return wire.spring_error(request, self._clock, 400, exception, str(cause))

    async def cart(self, request: web.Request) -> web.Response:
        """GET /carts/{customer}: {customerId}; the cart is made when it is missing."""
        customer_id = request.match_info["customer"]
        self._book.open_cart(customer_id)
        return wire.answer({"customerId": customer_id}, 200, wire.SPRING_JSON)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /carts/{customer}: 202."""
        self._book.delete_cart(request.match_info["customer"])
        return web.Response(status=202)

    async def merge(self, request: web.Request) -> web.Response:
        """GET /carts/{customer}/merge?sessionId=: 202."""
        self._book.merge(request.query.get("sessionId", ""), request.match_info["customer"])
        return web.Response(status=202)

    async def items(self, request: web.Request) -> web.Response:
        """GET /carts/{customer}/items."""
        self._log.next_request()
        customer_id = request.match_info["customer"]
        found = self._book.items(customer_id)
        by = Correlation.begun(request.headers)
        self._log.record("INFO", LOGGER, f"Cart of customer {customer_id}: {len(found)} items", by)
        return wire.answer(found, 200, wire.SPRING_JSON)

    async def item(self, request: web.Request) -> web.Response:
        """GET /carts/{customer}/items/{item}: 200, or 500 when it is not there."""
        try:
            found = self._book.item(request.match_info["customer"], request.match_info["item"])
        except NoSuchItem as cause:
            return self._absent(request, cause)
        return wire.answer(found, 200, wire.SPRING_JSON)

    async def add(self, request: web.Request) -> web.Response:
        """POST /carts/{customer}/items: 201 the line."""
        try:
            body = await wire.read_body(request, ItemBody)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return self._unreadable(request, cause)
        line = self._book.add(request.match_info["customer"], body.item_id, body.quantity, body.unit_price)
        return wire.answer(line, 201, wire.SPRING_JSON)

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /carts/{customer}/items: 202; only the quantity is taken; 500 when the item is not there."""
        try:
            body = await wire.read_body(request, ItemBody)
            self._book.change(request.match_info["customer"], body.item_id, body.quantity)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return self._unreadable(request, cause)
        except NoSuchItem as cause:
            return self._absent(request, cause)
        return web.Response(status=202)

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE /carts/{customer}/items/{item}: 202, or 500 when it is not there."""
        try:
            self._book.remove(request.match_info["customer"], request.match_info["item"])
        except NoSuchItem as cause:
            return self._absent(request, cause)
        return web.Response(status=202)

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        return wire.health([("carts", True), ("carts-db", self._book.works())], self._clock, java=True)


def trace_requests(log: SpringLog) -> Middleware:
    """Middleware of TRACE_LOGS: a record for each request that came with a trace, its id where sleuth has it and named.

    Without it only a reading of the items and an error are told.
    """

    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        by = Correlation.received(request.headers)
        if by.trace:
            log.record("INFO", LOGGER, f"{request.method} {request.path} trace_id={by.trace}", by)
        return await handler(request)

    return trace


async def build(surroundings: Surroundings) -> web.Application:
    """carts' application; CannotRun when its book cannot be opened."""
    log = SpringLog("carts", surroundings.port, surroundings.clock)
    metrics = Metrics("carts", "java", surroundings.clock)
    book = CartsBook(await surroundings.open_book(SCHEMA))
    api = CartsApi(surroundings, book, log)
    tracing = [trace_requests(log)] if surroundings.flags.is_on("TRACE_LOGS") else []
    app = web.Application(middlewares=[metrics.middleware, *tracing])
    app[LOG] = log
    app.add_routes(
        [
            web.get("/carts/{customer}", api.cart),
            web.delete("/carts/{customer}", api.delete),
            web.get("/carts/{customer}/merge", api.merge),
            web.get("/carts/{customer}/items", api.items),
            web.post("/carts/{customer}/items", api.add),
            web.patch("/carts/{customer}/items", api.change),
            web.get("/carts/{customer}/items/{item}", api.item),
            web.delete("/carts/{customer}/items/{item}", api.remove),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def close(_app: web.Application) -> None:
        book.close()

    app.on_cleanup.append(close)
    return app
