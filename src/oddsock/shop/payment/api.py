"""payment's wire: POST /paymentAuth as the original, and ours: /authorise, /captures, /voids, /refunds, GET /charges.

Arguments `-port=8080 -decline=105`; without -decline the switch DECLINE_LIMIT rules. The log never names an amount, a
card or an order, as in the original.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from oddsock.clients.sockshop.books import Charge
from oddsock.shop import wire
from oddsock.shop.calls import NoAnswer, call_wall_s, session
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.fault_points import reach
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.payment.book import (
    SCHEMA,
    KeyReused,
    OverRefund,
    PaymentBook,
    Refund,
    UnknownCharge,
    WrongState,
    fingerprint_of,
)
from oddsock.shop.payment.decision import Authorisation, Held, InvalidPayment, read_request
from oddsock.shop.payment.gateway import Gateway, GatewayAddress
from oddsock.shop.payment.gateway_terminal import GatewayTerminal
from oddsock.shop.payment.hook import GatewayHook
from oddsock.shop.payment.terminal import OwnTerminal, Terminal
from oddsock.shop.service import GRACE_WALL_S, LOG, Surroundings
from oddsock.shop.webhooks.courier import Courier, Road
from oddsock.shop.webhooks.outbox import Outbox
from oddsock.shop.webhooks.signature import SECRET, Seal

PORT = 8080
ORDERS_HOOK = "http://orders/webhooks/payment"

GATEWAY_PLAN_S = 3.0
"""How long a call to the gateway or of a webhook may take, in plan seconds: less than orders waits for payment."""

T = TypeVar("T")
Answers = Callable[[web.Request], Coroutine[Any, Any, web.Response]]


class RefundBody(msgspec.Struct):
    """POST /refunds."""

    charge_id: str
    amount_cents: int
    reason: str = ""


class CaptureBody(msgspec.Struct):
    """POST /captures; 0 cents are all that was authorised."""

    charge_id: str
    amount_cents: int = 0


class VoidBody(msgspec.Struct):
    """POST /voids."""

    charge_id: str
    reason: str = ""


class PaymentApi:
    """The routes of payment over one book and one terminal."""

    def __init__(self, surroundings: Surroundings, book: PaymentBook, log: GoKitLog, terminal: Terminal) -> None:
        self._clock = surroundings.clock
        self._book = book
        self._log = log
        self._terminal = terminal

    async def authorise(self, request: web.Request) -> web.Response:
        """POST /paymentAuth: 200 {authorised, message}; 500 for a bad amount; 422 for a key used otherwise; 503."""
        began, body, by = self._clock.monotonic(), await request.read(), Correlation.received(request.headers)

        async def pay() -> web.Response:
            asked = read_request(body)
            decided = await self._terminal.pay(asked, by, fingerprint_of(body, by.order_id))
            return await self._decided("Authorise", began, decided, by)

        return await self._answer(pay, "payment")

    async def hold(self, request: web.Request) -> web.Response:
        """POST /authorise: as /paymentAuth, but nothing is captured; 200 {authorised, message, charge_id}."""
        began, body, by = self._clock.monotonic(), await request.read(), Correlation.received(request.headers)

        async def hold() -> web.Response:
            asked = read_request(body)
            held = await self._terminal.hold(asked, by, fingerprint_of(body, by.order_id))
            return await self._decided("Hold", began, held, by)

        return await self._answer(hold, "authorisation")

    async def _decided(self, name: str, began: float, decided: Authorisation | Held, by: Correlation) -> web.Response:
        self._log.method(name, began, result=decided.authorised)
        if decided.authorised:
            await reach("reply-dropped-after-charge", order=by.order_id, request_id=by.request_id)
        return wire.answer(decided)

    async def capture(self, request: web.Request) -> web.Response:
        """POST /captures {charge_id, amount_cents} with Idempotency-Key: 201 the row, 200 again, 404, 409, 422, 503."""

        def act(body: CaptureBody, by: Correlation, fingerprint: str) -> Awaitable[tuple[Charge, bool]]:
            return self._terminal.capture(body.charge_id, body.amount_cents, by, fingerprint)

        return await self._keyed(request, CaptureBody, "capture", act)

    async def void(self, request: web.Request) -> web.Response:
        """POST /voids {charge_id, reason} with Idempotency-Key: 201 the row, 200 again, 404, 409, 422, 503."""

        def act(body: VoidBody, by: Correlation, fingerprint: str) -> Awaitable[tuple[Charge, bool]]:
            return self._terminal.void(body.charge_id, body.reason, by, fingerprint)

        return await self._keyed(request, VoidBody, "void", act)

    async def refund(self, request: web.Request) -> web.Response:
        """POST /refunds with Idempotency-Key: 201 the refund's row, 200 the same row again, 404, 409, 422, 503."""

        def act(body: RefundBody, by: Correlation, fingerprint: str) -> Awaitable[tuple[Charge, bool]]:
            asked = Refund(body.charge_id, body.amount_cents, body.reason)
            return self._terminal.refund(asked, by, fingerprint)

        return await self._keyed(request, RefundBody, "refund", act, cents_min=1)

    async def _keyed(
        self,
        request: web.Request,
        shape: type[T],
        what: str,
        act: Callable[[T, Correlation, str], Awaitable[tuple[Charge, bool]]],
        cents_min: int = 0,
    ) -> web.Response:
        began, by = self._clock.monotonic(), Correlation.received(request.headers)
        if not by.idempotency_key:
            return wire.go_error(f"A {what} needs an Idempotency-Key.", 400)
        try:
            body = await wire.read_body(request, shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return wire.go_error(str(cause), 400)
        if getattr(body, "amount_cents", cents_min) < cents_min:
            return wire.go_error(f"A {what} needs a positive amount_cents.", 400)

        async def run() -> web.Response:
            charge, is_new = await act(body, by, fingerprint_of(msgspec.json.encode(body)))
            self._log.method(what.title(), began, result=True)
            return wire.answer(charge, 201 if is_new else 200)

        return await self._answer(run, what)

    async def _answer(self, work: Callable[[], Awaitable[web.Response]], what: str) -> web.Response:
        """The answer of *work*, or the error of a Go service for what it raises."""
        try:
            return await work()
        except InvalidPayment as cause:
            self._log.error(str(cause))
            return wire.go_error(str(cause))
        except KeyReused as cause:
            self._log.error("idempotency key reused")
            return wire.go_error(f"The Idempotency-Key {cause} was used for another {what}.", 422)
        except UnknownCharge as cause:
            kind = "captured" if what == "refund" else "authorised"
            return wire.go_error(f"There is no {kind} charge {cause}.", 404)
        except OverRefund as cause:
            return wire.go_error(f"Over-refund: {cause}.", 409)
        except WrongState as cause:
            return wire.go_error(f"Not possible: {cause}.", 409)
        except NoAnswer as cause:
            self._log.error(f"gateway: {cause.text}")
            return wire.go_error(f"The gateway gave no answer: {cause.text}.", 503)

    async def charges(self, request: web.Request) -> web.Response:
        """GET /charges?after=&limit=&order=&request=: a page of the book."""
        after, limit = wire.page_of(request)
        order_id, request_id = request.query.get("order", ""), request.query.get("request", "")
        return wire.book_page("charges", self._book.page(after, limit + 1, order_id, request_id), limit)

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        began = self._clock.monotonic()
        self._log.method("Health", began, result=1)
        return wire.health([("payment", True)], self._clock)


async def _letters(outbox: Outbox, request: web.Request) -> web.Response:
    """GET /webhooks?after=&limit=: what was told, what waits, what is dead."""
    after, limit = wire.page_of(request)
    return wire.book_page("webhooks", outbox.page(after, limit + 1), limit)


async def build(surroundings: Surroundings) -> web.Application:
    """payment's application; CannotRun when its book cannot be opened, UsageError for a key or secret it lacks."""
    clock, flags, environment = surroundings.clock, surroundings.flags, surroundings.environment
    log, metrics = GoKitLog(clock), Metrics("payment", "go", clock)
    tells, address = flags.is_on("WEBHOOKS"), flags.text("GATEWAY")
    seal = Seal(environment.get(SECRET, "")) if tells else None
    asked = GatewayAddress.of(address, environment) if address else None
    file = await surroundings.open_book(SCHEMA)
    outbox = Outbox(file, clock) if tells else None
    book = PaymentBook(file, clock, outbox)
    limit = float(surroundings.arguments.get("decline") or flags.text("DECLINE_LIMIT"))
    client = session(call_wall_s(clock.speed, GATEWAY_PLAN_S)) if tells or asked else None
    own = OwnTerminal(book, limit)
    through = GatewayTerminal(book, Gateway(client, asked), own, clock) if client and asked else None
    api = PaymentApi(surroundings, book, log, through or own)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes(
        [
            web.post("/paymentAuth", api.authorise),
            web.post("/authorise", api.hold),
            web.post("/captures", api.capture),
            web.post("/voids", api.void),
            web.post("/refunds", api.refund),
            web.get("/charges", api.charges),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )
    courier = None
    if outbox and client and seal:
        courier = Courier(outbox, Road(client, ORDERS_HOOK), seal.headers, clock)
        courier.start()
        app.router.add_get("/webhooks", partial(_letters, outbox))
        if through:
            hook = GatewayHook(book, through, environment[SECRET], clock, log)
            app.router.add_post("/webhooks/gateway", hook.take)
    looking = asyncio.create_task(through.run()) if through else None

    async def close(_app: web.Application) -> None:
        if courier:
            await courier.end()
        if through and looking:
            looking.cancel()
            await through.end(GRACE_WALL_S)
        if client:
            await client.close()
        book.close()

    app.on_cleanup.append(close)
    return app
