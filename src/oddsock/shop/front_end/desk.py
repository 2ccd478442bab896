"""What every route of the front-end works with: sessions, the services behind it, Express's way with errors."""

from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.kit.clock import Clock
from oddsock.shop import wire
from oddsock.shop.calls import BROKEN, REFUSED, RESET, TIMED_OUT, UNKNOWN_NAME, Answer, NoAnswer, call
from oddsock.shop.correlation import Correlation
from oddsock.shop.front_end.sessions import LOGIN_COOKIE, Session, Sessions, set_session_cookie
from oddsock.shop.log_lines import MorganLog, traced

CATALOGUE = "http://catalogue"
CARTS = "http://carts/carts"
ORDERS = "http://orders"
SHIPPING = "http://shipping"
USER = "http://user"

NOT_LOGGED_IN = "User not logged in."

_CODES = {REFUSED: "ECONNREFUSED", TIMED_OUT: "ETIMEDOUT", RESET: "ECONNRESET", UNKNOWN_NAME: "ENOTFOUND"}
_NEW_SESSION: web.RequestKey[Session] = web.RequestKey("new_session", Session)
_WITHOUT_TYPE: web.RequestKey[bool] = web.RequestKey("without_type", bool)
_BY: web.RequestKey[Correlation] = web.RequestKey("by", Correlation)


class ExpressError(Exception):
    """An error that Express answers with 500 {message, error}."""


class FrontDesk:
    """Sessions, calls and answers; in dialect `weave` the JSON of a route goes out without a content type.

    With *traces* every line of a request's log ends with its trace id. With *passes_keys* a browser's Idempotency-Key
    goes along with the calls of its request.
    """

    def __init__(
        self,
        client: aiohttp.ClientSession,
        log: MorganLog,
        clock: Clock,
        is_weave: bool = False,
        traces: bool = False,
        passes_keys: bool = False,
    ) -> None:
        self._client = client
        self._traces = traces
        self._passes_keys = passes_keys
        self.is_weave = is_weave
        self.log = log
        self.clock = clock
        self.sessions = Sessions()

    def session(self, request: web.Request) -> Session:
        """The request's session; a new one gets its cookie with the answer."""
        if _NEW_SESSION in request:
            return request[_NEW_SESSION]
        found = self.sessions.find(request.cookies)
        if found is None:
            found = request[_NEW_SESSION] = self.sessions.begin()
        return found

    def is_logged_in(self, request: web.Request) -> bool:
        """Whether the browser shows the login cookie and its session knows a customer."""
        found = self.sessions.find(request.cookies)
        return LOGIN_COOKIE in request.cookies and found is not None and bool(found.customer_id)

    def customer_id(self, request: web.Request) -> str:
        """The session's customer when logged in, else the session's own id, an anonymous customer."""
        session = self.session(request)
        return session.customer_id if self.is_logged_in(request) else session.id

    def by(self, request: web.Request) -> Correlation:
        """The correlation of this request, begun once."""
        if _BY not in request:
            begun = Correlation.begun(request.headers)
            # IDEMPOTENCY off is a front-end that knows of no keys: one that a browser sends goes no further.
            request[_BY] = begun if self._passes_keys else replace(begun, idempotency_key="")
        return request[_BY]

    def keyed(self, request: web.Request, token: str) -> None:
        """Let the calls of this request carry *token* as their Idempotency-Key, unless the browser sent a key.

        Nothing while IDEMPOTENCY is off.
        """
        if not self._passes_keys:
            return
        by = self.by(request)
        request[_BY] = replace(by, idempotency_key=by.idempotency_key or token)

    async def call(
        self, request: web.Request, method: str, url: str, body: object = None, authorization: str = ""
    ) -> Answer:
        """The answer of a service behind, whatever its status; NoAnswer."""
        headers = self.by(request).onward()
        if authorization:
            headers["Authorization"] = authorization
        return await call(self._client, method, url, headers, body)

    async def body(self, request: web.Request) -> dict[str, Any]:
        """The request's JSON object; an empty or absent body is an empty object; ExpressError when it is none."""
        text = await request.read()
        try:
            document = msgspec.json.decode(text) if text.strip() else {}
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            raise ExpressError(str(cause)) from cause
        if not isinstance(document, dict):
            raise ExpressError("The body must be a JSON object")
        return document

    @property
    def middleware(self) -> Middleware:
        """Logs each request as morgan does, sets a new session's cookie, answers errors as Express does."""

        @web.middleware
        async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
            with traced(self.by(request).trace if self._traces else ""):
                return await answered(request, handler)

        async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
            began = self.clock.monotonic()
            try:
                response = await handler(request)
                request[_WITHOUT_TYPE] = self.is_weave and response.content_type == "application/json"
            except NoAnswer as cause:
                response = no_answer(cause)
            except ExpressError as cause:
                response = express_error(cause)
            except web.HTTPException as refusal:
                self._log(request, refusal, began)
                raise
            if _NEW_SESSION in request:
                set_session_cookie(response, self.sessions.cookie(request[_NEW_SESSION]))
            self._log(request, response, began)
            return response

        return attend

    def _log(self, request: web.Request, response: web.StreamResponse, began: float) -> None:
        length = len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else None
        took_ms = (self.clock.monotonic() - began) * 1000
        self.log.request(request.method, request.path_qs, response.status, took_ms, length)


async def leave_out_type(request: web.Request, response: web.StreamResponse) -> None:
    """Signal before an answer is sent: `weave` passes JSON on without saying that it is JSON; its errors say it."""
    if request.get(_WITHOUT_TYPE):
        response.headers.pop("Content-Type", None)


def express_error(cause: ExpressError) -> web.Response:
    """Express's 500 for an error of a route."""
    return wire.answer({"message": str(cause), "error": {}}, 500)


def no_answer(cause: NoAnswer) -> web.Response:
    """Express's 500 for a service that cannot be reached, in Node's words."""
    if cause.kind == BROKEN:
        return wire.answer({"message": cause.text, "error": {}}, 500)
    code = _CODES[cause.kind]
    where = f"{cause.host}:{cause.port}" if cause.host else ""
    error = {"errno": code, "code": code, "syscall": "connect", "address": cause.host, "port": cause.port}
    return wire.answer({"message": f"connect {code} {where}".rstrip(), "error": error}, 500)


def passed_on(answer: Answer, status: int | None = None) -> web.Response:
    """A service's body as it came, under its own status or *status*."""
    return web.Response(body=answer.body, status=status or answer.status, headers={"Content-Type": wire.JSON})


def piped(answer: Answer) -> web.Response:
    """A service's answer as it came, its content type with it."""
    return web.Response(body=answer.body, status=answer.status, headers={"Content-Type": answer.content_type})
