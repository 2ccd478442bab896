"""The gateway's wire: Stripe's paths, authentication by key, errors in Stripe's shape.

Arguments `-port=8080 -decline=105 -latency=0`: what the card's bank takes, in plan seconds. GATEWAY_KEY is the secret
key that callers must show. With WEBHOOKS on every event is posted to WEBHOOK_URL.
"""

import hmac
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from oddsock.kit.errors import UsageError
from oddsock.kit.ids import object_id
from oddsock.kit.money import cents
from oddsock.shop import wire
from oddsock.shop.calls import call_wall_s, session
from oddsock.shop.exposition import Metrics
from oddsock.shop.gateway.book import SCHEMA, GatewayBook
from oddsock.shop.gateway.documents import (
    Event,
    Refund,
    event_document,
    intent_document,
    list_document,
    refund_document,
)
from oddsock.shop.gateway.form import Params, parse_form
from oddsock.shop.gateway.intent import Intent
from oddsock.shop.gateway.keys import Act, Keys
from oddsock.shop.gateway.refusal import INVALID, Refusal
from oddsock.shop.gateway.signing import Signing
from oddsock.shop.gateway.till import Till
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.service import LOG, Surroundings
from oddsock.shop.webhooks.courier import Courier, Road
from oddsock.shop.webhooks.outbox import Outbox
from oddsock.shop.webhooks.signature import SECRET

PORT = 8080
ROWS_DEFAULT = 10
ROWS_MAX = 100
WEBHOOK_URL = "http://payment/webhooks/gateway"
UNGUARDED = frozenset({"/health", "/metrics"})


class GatewayApi:
    """The routes of the gateway."""

    def __init__(self, book: GatewayBook, till: Till, keys: Keys) -> None:
        self._book = book
        self._till = till
        self._keys = keys

    async def create(self, request: web.Request) -> web.Response:
        """POST /v1/payment_intents."""
        return await self._once(request, lambda values: lambda rows: self._till.create(rows, values))

    async def confirm(self, request: web.Request) -> web.Response:
        """POST /v1/payment_intents/{id}/confirm."""
        return await self._on_intent(request, self._till.confirm)

    async def capture(self, request: web.Request) -> web.Response:
        """POST /v1/payment_intents/{id}/capture."""
        return await self._on_intent(request, self._till.capture)

    async def cancel(self, request: web.Request) -> web.Response:
        """POST /v1/payment_intents/{id}/cancel."""
        return await self._on_intent(request, self._till.cancel)

    async def refund(self, request: web.Request) -> web.Response:
        """POST /v1/refunds."""
        return await self._once(request, lambda values: lambda rows: self._till.refund(rows, values))

    async def _on_intent(self, request: web.Request, act: Callable[..., dict[str, Any]]) -> web.Response:
        identity = request.match_info["id"]
        return await self._once(request, lambda values: lambda rows: act(rows, identity, values))

    async def _once(self, request: web.Request, make: Callable[[dict[str, Any]], Act]) -> web.Response:
        text, key = await request.text(), request.headers.get("Idempotency-Key", "")
        reply = await self._keys.once(key, f"{request.method} {request.path}", text, make(parse_form(text)))
        headers = {"Content-Type": "application/json", "Request-Id": f"req_{object_id()}"}
        if key:
            headers["Idempotency-Key"] = key
        if reply.is_replayed:
            headers["Idempotent-Replayed"] = "true"
        return web.Response(body=reply.body, status=reply.status, headers=headers)

    async def intent(self, request: web.Request) -> web.Response:
        """GET /v1/payment_intents/{id}."""
        return wire.answer(intent_document(self._book.intent(request.match_info["id"])))

    async def one_refund(self, request: web.Request) -> web.Response:
        """GET /v1/refunds/{id}."""
        return wire.answer(refund_document(self._book.refund(request.match_info["id"])))

    async def intents(self, request: web.Request) -> web.Response:
        """GET /v1/payment_intents: newest first."""
        limit, after, before, _ = _paging(request)
        rows = self._book.page(Intent, limit, after, before)
        return wire.answer(list_document(request.path, [intent_document(row) for row in rows], limit))

    async def refunds(self, request: web.Request) -> web.Response:
        """GET /v1/refunds, of one payment_intent when it is named: newest first."""
        limit, after, before, of = _paging(request, "payment_intent")
        rows = self._book.page(Refund, limit, after, before, of)
        return wire.answer(list_document(request.path, [refund_document(row) for row in rows], limit))

    async def events(self, request: web.Request) -> web.Response:
        """GET /v1/events, of one type when it is named: newest first."""
        limit, after, before, of = _paging(request, "type")
        rows = self._book.page(Event, limit, after, before, of)
        return wire.answer(list_document(request.path, [event_document(row) for row in rows], limit))


def _paging(request: web.Request, filter_: str = "") -> tuple[int, str, str, str]:
    known = ("limit", "starting_after", "ending_before", *([filter_] if filter_ else []))
    params = Params(parse_form(urlencode(request.query)), known)
    limit = params.number("limit", ROWS_DEFAULT, 1, ROWS_MAX)
    return limit, params.text("starting_after"), params.text("ending_before"), params.text(filter_) if filter_ else ""


def authentication(key: str) -> Any:
    """Middleware that refuses callers without *key* (401), numbers requests and writes refusals in Stripe's shape."""

    def shown(request: web.Request) -> str:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return value.strip()
        try:
            return b64decode(value, validate=True).decode().partition(":")[0]
        except ValueError:
            return ""

    def check(request: web.Request) -> None:
        came = shown(request)
        if not came:
            raise Refusal(401, INVALID, "You did not provide an API key. Send it as `Authorization: Bearer KEY`.")
        if not hmac.compare_digest(came.encode(), key.encode()):
            raise Refusal(401, INVALID, f"Invalid API Key provided: {came[:7]}***")

    @web.middleware
    async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path not in UNGUARDED:
                check(request)
            return await handler(request)
        except Refusal as refusal:
            return wire.answer(refusal.document(), refusal.status)
        except web.HTTPNotFound:
            message = f"Unrecognized request URL ({request.method}: {request.path})."
            return wire.answer(Refusal(404, INVALID, message).document(), 404)

    return attend


async def build(surroundings: Surroundings) -> web.Application:
    """The gateway's application; CannotRun when its book cannot be opened, UsageError without a key."""
    clock, environment, flags = surroundings.clock, surroundings.environment, surroundings.flags
    key = environment.get("GATEWAY_KEY", "")
    if not key:
        raise UsageError("GATEWAY_KEY is empty.", "Set it to the key that payment shows.")
    log, metrics = GoKitLog(clock), Metrics("gateway", "go", clock)
    file = await surroundings.open_book(SCHEMA)
    outbox = Outbox(file, clock) if flags.is_on("WEBHOOKS") else None
    book = GatewayBook(file, clock, outbox)
    limit = float(surroundings.arguments.get("decline") or flags.text("DECLINE_LIMIT"))
    api = GatewayApi(book, Till(book, cents(limit)), Keys(book, clock, float(surroundings.arguments.get("latency", 0))))
    app = web.Application(middlewares=[metrics.middleware, authentication(key)])
    app[LOG] = log

    async def health(_request: web.Request) -> web.Response:
        return wire.health([("gateway", True)], clock)

    app.add_routes(
        [
            web.post("/v1/payment_intents", api.create),
            web.get("/v1/payment_intents", api.intents),
            web.get("/v1/payment_intents/{id}", api.intent),
            web.post("/v1/payment_intents/{id}/confirm", api.confirm),
            web.post("/v1/payment_intents/{id}/capture", api.capture),
            web.post("/v1/payment_intents/{id}/cancel", api.cancel),
            web.post("/v1/refunds", api.refund),
            web.get("/v1/refunds", api.refunds),
            web.get("/v1/refunds/{id}", api.one_refund),
            web.get("/v1/events", api.events),
            web.get("/health", health),
            web.get("/metrics", metrics.answer),
        ]
    )
    if outbox is not None:
        client = session(call_wall_s(clock.speed))
        road = Road(client, environment.get("WEBHOOK_URL") or WEBHOOK_URL)
        courier = Courier(outbox, road, Signing(environment.get(SECRET, "")).headers, clock)
        courier.start()
        app.on_cleanup.append(lambda _app: courier.end())
        app.on_cleanup.append(lambda _app: client.close())

    async def close(_app: web.Application) -> None:
        book.close()

    app.on_cleanup.append(close)
    return app
