"""payment's wire: POST /paymentAuth as the original, and its book: GET /charges, POST /refunds.

Arguments `-port=8080 -decline=105`; without -decline the switch DECLINE_LIMIT rules. The log never names an amount, a
card or an order, as in the original.
"""

import msgspec
from aiohttp import web

from oddsock.shop import wire
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.payment.book import (
    SCHEMA,
    KeyReused,
    OverRefund,
    PaymentBook,
    Refund,
    UnknownCharge,
    fingerprint_of,
)
from oddsock.shop.payment.decision import InvalidPayment, decide, read_request
from oddsock.shop.service import LOG, Surroundings

PORT = 8080


class RefundBody(msgspec.Struct):
    """POST /refunds."""

    charge_id: str
    amount_cents: int
    reason: str = ""


class PaymentApi:
    """The routes of payment over one book and one limit."""

    def __init__(self, surroundings: Surroundings, book: PaymentBook, log: GoKitLog, limit: float) -> None:
        self._clock = surroundings.clock
        self._book = book
        self._log = log
        self._limit = limit

    async def authorise(self, request: web.Request) -> web.Response:
        """POST /paymentAuth: 200 {authorised, message}; 500 for a bad amount; 422 for a key used otherwise."""
        began = self._clock.monotonic()
        body = await request.read()
        by = Correlation.received(request.headers)
        try:
            asked = read_request(body)
            decided = decide(asked.amount, self._limit)
            decided = self._book.settle(asked, decided, by, fingerprint_of(body, by.order_id))
        except InvalidPayment as cause:
            self._log.error(str(cause))
            return wire.go_error(str(cause))
        except KeyReused as cause:
            self._log.error("idempotency key reused")
            return wire.go_error(f"The Idempotency-Key {cause} was used for another payment.", 422)
        self._log.method("Authorise", began, result=decided.authorised)
        return wire.answer(decided)

    async def refund(self, request: web.Request) -> web.Response:
        """POST /refunds with Idempotency-Key: 201 the refund's row, 200 the same row again, 404, 409, 422."""
        began = self._clock.monotonic()
        by = Correlation.received(request.headers)
        if not by.idempotency_key:
            return wire.go_error("A refund needs an Idempotency-Key.", 400)
        try:
            body = await wire.read_body(request, RefundBody)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return wire.go_error(str(cause), 400)
        if body.amount_cents <= 0:
            return wire.go_error("A refund needs a positive amount_cents.", 400)
        asked = Refund(body.charge_id, body.amount_cents, body.reason)
        try:
            charge, is_new = self._book.refund(asked, by, fingerprint_of(msgspec.json.encode(body)))
        except UnknownCharge as cause:
            return wire.go_error(f"There is no captured charge {cause}.", 404)
        except OverRefund as cause:
            return wire.go_error(f"Over-refund: {cause}.", 409)
        except KeyReused as cause:
            return wire.go_error(f"The Idempotency-Key {cause} was used for another refund.", 422)
        self._log.method("Refund", began, result=True)
        return wire.answer(charge, 201 if is_new else 200)

    async def charges(self, request: web.Request) -> web.Response:
        """GET /charges?after=&limit=&order=: a page of the book."""
        after, limit = wire.page_of(request)
        return wire.book_page("charges", self._book.page(after, limit + 1, request.query.get("order", "")), limit)

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        began = self._clock.monotonic()
        self._log.method("Health", began, result=1)
        return wire.health([("payment", True)], self._clock)


async def build(surroundings: Surroundings) -> web.Application:
    """payment's application; CannotRun when its book cannot be opened."""
    log = GoKitLog(surroundings.clock)
    metrics = Metrics("payment", "go", surroundings.clock)
    book = PaymentBook(await surroundings.open_book(SCHEMA), surroundings.clock)
    limit = float(surroundings.arguments.get("decline") or surroundings.flags.text("DECLINE_LIMIT"))
    api = PaymentApi(surroundings, book, log, limit)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes(
        [
            web.post("/paymentAuth", api.authorise),
            web.post("/refunds", api.refund),
            web.get("/charges", api.charges),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def close(_app: web.Application) -> None:
        book.close()

    app.on_cleanup.append(close)
    return app
