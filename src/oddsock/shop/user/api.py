"""user's wire: HAL bodies, errors with the original's text.

Dialect `power`: one address and one card a customer, whose id is the customer's. Dialect `weave`: each has an id of its
own, a customer has lists of them, and what is posted without a userID belongs to nobody.
"""

import base64
import binascii
import re

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.shop import wire
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.flags import WEAVE
from oddsock.shop.log_lines import GoKitLog, traced
from oddsock.shop.service import LOG, Surroundings
from oddsock.shop.user.book import SCHEMA, DuplicateUsername, NotFound, UserBook
from oddsock.shop.user.entities import Address, Card, customer_body, entity_body

PORT = 8084

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


class RegisterBody(msgspec.Struct, rename="camel"):
    """POST /register and POST /customers."""

    username: str
    password: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""


class AddressBody(Address, kw_only=True):
    """POST /addresses: an address and whose it is."""

    user_id: str = msgspec.field(default="", name="userID")


class CardBody(Card, kw_only=True):
    """POST /cards: a card and whose it is."""

    user_id: str = msgspec.field(default="", name="userID")


class UserError(Exception):
    """A request that fails with *status* and the original's text."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


def _checked(identity: str) -> str:
    if not _OBJECT_ID.fullmatch(identity):
        raise UserError("Invalid Id Hex")
    return identity


def basic_credentials(header: str) -> tuple[str, str]:
    """Name and password of a Basic Authorization header; UserError 401 when it is none."""
    kind, _, encoded = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as cause:
        raise UserError("Unauthorized", 401) from cause
    if kind.lower() != "basic" or not colon:
        raise UserError("Unauthorized", 401)
    return name, password


class UserApi:
    """The routes of user over one book."""

    def __init__(self, surroundings: Surroundings, book: UserBook, log: GoKitLog) -> None:
        self._clock = surroundings.clock
        self._is_weave = surroundings.flags.text("DIALECT") == WEAVE
        self._book = book
        self._log = log

    async def login(self, request: web.Request) -> web.Response:
        """GET /login with Basic: {user}; 401 for a wrong password, 500 "not found" for an unknown name."""
        began = self._clock.monotonic()
        name, password = basic_credentials(request.headers.get("Authorization", ""))
        try:
            customer = self._book.login(name, password)
        except NotFound as cause:
            raise UserError("not found") from cause
        self._log.method("Login", began, username=name, result=customer.id if customer else "")
        if customer is None:
            raise UserError("Unauthorized", 401)
        return wire.answer({"user": customer_body(customer)}, 200, wire.HAL_JSON)

    async def register(self, request: web.Request) -> web.Response:
        """POST /register and POST /customers: {id}; 500 with Mongo's text for a name that is taken."""
        began = self._clock.monotonic()
        body = await wire.read_body(request, RegisterBody)
        try:
            identity = self._book.register(body.username, body.password, body.email, body.first_name, body.last_name)
        except DuplicateUsername as cause:
            text = "E11000 duplicate key error collection: users.customers index: username_1 dup key: "
            raise UserError(text + f'{{ : "{body.username}" }}') from cause
        self._log.method("Register", began, username=body.username, email=body.email, result=identity)
        return wire.answer({"id": identity}, 200, wire.HAL_JSON)

    async def customers(self, _request: web.Request) -> web.Response:
        """GET /customers."""
        began = self._clock.monotonic()
        found = [customer_body(customer, with_email=True) for customer in self._book.customers()]
        self._log.method("GetUsers", began, id="", result=len(found))
        return wire.answer({"_embedded": {"customer": found}}, 200, wire.HAL_JSON)

    async def customer(self, request: web.Request) -> web.Response:
        """GET /customers/{id}; 500 for an id that is none."""
        began = self._clock.monotonic()
        identity = _checked(request.match_info["id"])
        found = self._book.customer(identity)
        self._log.method("GetUsers", began, id=identity, result=1)
        return wire.answer(customer_body(found, with_email=True), 200, wire.HAL_JSON)

    async def cards(self, request: web.Request) -> web.Response:
        """GET /cards, /cards/{id}, /customers/{id}/cards."""
        return self._entities(request, "card", "cards", "GetCards", Card)

    async def addresses(self, request: web.Request) -> web.Response:
        """GET /addresses, /addresses/{id}, /customers/{id}/addresses."""
        return self._entities(request, "address", "addresses", "GetAddresses", Address)

    def _entities(
        self, request: web.Request, kind: str, table: str, method: str, shape: type[Card] | type[Address]
    ) -> web.Response:
        began = self._clock.monotonic()
        owner, identity = request.match_info.get("customer"), request.match_info.get("id")
        if identity is not None:
            entity = self._book.get(table, _checked(identity), shape)
            self._log.method(method, began, id=identity, result=1)
            if isinstance(entity, Card) and not self._is_weave:
                self._log.bare(f"Card is [{{{entity.long_num} {entity.expires} {entity.ccv} {identity} map[]}}]")
            return wire.answer(entity_body(kind, table, identity, entity), 200, wire.HAL_JSON)
        found = [
            entity_body(kind, table, key, entity)
            for key, entity in self._book.every(table, shape, _checked(owner) if owner is not None else "")
        ]
        self._log.method(method, began, id=owner or "", result=len(found))
        return wire.answer({"_embedded": {kind: found}}, 200, wire.HAL_JSON)

    async def put_address(self, request: web.Request) -> web.Response:
        """POST /addresses: {id}; in `power` the customer's own id, and it overwrites the one they have."""
        began = self._clock.monotonic()
        body = await wire.read_body(request, AddressBody)
        fields = Address(
            street=body.street, number=body.number, country=body.country, city=body.city, postcode=body.postcode
        )
        identity = self._store("addresses", body.user_id, fields)
        self._log.method("PostAddress", began, street=body.street, number=body.number, user=body.user_id)
        return wire.answer({"id": identity}, 200, wire.HAL_JSON)

    async def put_card(self, request: web.Request) -> web.Response:
        """POST /cards: {id}; in `power` the customer's own id, and it overwrites the one they have."""
        began = self._clock.monotonic()
        body = await wire.read_body(request, CardBody)
        card = Card(long_num=body.long_num, expires=body.expires, ccv=body.ccv)
        identity = self._store("cards", body.user_id, card)
        masked = "*" * max(0, len(body.long_num) - 4) + body.long_num[-4:]
        self._log.method("PostCard", began, card=masked, user=body.user_id)
        return wire.answer({"id": identity}, 200, wire.HAL_JSON)

    def _store(self, table: str, customer_id: str, fields: Address | Card) -> str:
        if self._is_weave:
            return self._book.add(table, _checked(customer_id) if customer_id else "", fields)
        self._book.put(table, _checked(customer_id), fields)
        return customer_id

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /{entity}/{id}: {status: true}."""
        began = self._clock.monotonic()
        entity, identity = request.match_info["entity"], _checked(request.match_info["id"])
        self._book.delete(entity, identity)
        self._log.method("Delete", began, entity=entity, id=identity, result=True)
        return wire.answer({"status": True}, 200, wire.HAL_JSON)

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        began = self._clock.monotonic()
        self._log.method("Health", began, result=2)
        return wire.health([("user", True), ("user-db", self._book.works())], self._clock)


def explain_errors(log: GoKitLog) -> Middleware:
    """Middleware that answers the errors of these routes as the original words them."""

    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except UserError as cause:
            log.error(str(cause))
            return wire.go_error(str(cause), cause.status)
        except NotFound:
            log.error("not found")
            return wire.go_error("not found")
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            log.error(str(cause))
            return wire.go_error(str(cause))

    return explain


@web.middleware
async def trace_lines(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware of TRACE_LOGS: the lines of a request end with its caller's trace id, if the caller sent one."""
    with traced(Correlation.received(request.headers).trace):
        return await handler(request)


async def build(surroundings: Surroundings) -> web.Application:
    """user's application; CannotRun when its book cannot be opened."""
    flags = surroundings.flags
    log = GoKitLog(surroundings.clock, masked=not flags.is_on("UNMASKED_CARD_LOG"))
    metrics = Metrics("user", "go", surroundings.clock)
    book = UserBook(await surroundings.open_book(SCHEMA))
    if flags.is_on("SEED_USERS"):
        book.seed(own_ids=flags.text("DIALECT") == WEAVE)
    api = UserApi(surroundings, book, log)
    tracing = [trace_lines] if flags.is_on("TRACE_LOGS") else []
    app = web.Application(middlewares=[metrics.middleware, *tracing, explain_errors(log)])
    app[LOG] = log
    app.add_routes(
        [
            web.get("/login", api.login),
            web.post("/register", api.register),
            web.get("/customers", api.customers),
            web.post("/customers", api.register),
            web.get("/customers/{id}", api.customer),
            web.get("/customers/{customer}/cards", api.cards),
            web.get("/customers/{customer}/addresses", api.addresses),
            web.get("/cards", api.cards),
            web.get("/cards/{id}", api.cards),
            web.post("/cards", api.put_card),
            web.get("/addresses", api.addresses),
            web.get("/addresses/{id}", api.addresses),
            web.post("/addresses", api.put_address),
            web.delete("/{entity:customers|addresses|cards}/{id}", api.delete),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def close(_app: web.Application) -> None:
        book.close()

    app.on_cleanup.append(close)
    return app
