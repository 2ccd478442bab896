"""Who may look: a one-time link opens a session in a cookie; a change must carry the session's token.

A link's code is good once and for LINK_S; `oddsock console` asks for one with the key that only the stack's owner can
read. The cookie is HttpOnly and SameSite=Strict, so that no other site's page can use it; the token guards changes
besides, and `kit.http.guard` refuses strange Host and Origin headers before any of it.
"""

import secrets
from collections import OrderedDict

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from oddsock.kit.clock import Clock

COOKIE = "oddsock_console_"
"""Its name goes on with a word of each console's own: a browser shares cookies between the ports of a host."""

CSRF_HEADER = "X-Csrf-Token"
CSRF_FIELD = "csrf"

ENTER = "/enter"
LINKS = "/enter/links"

LINK_S = 600.0
"""Wall seconds for which a link that was asked for is good; the first one is good until it is used."""

SESSIONS_MAX = 64
LINKS_MAX = 64
FORM_BYTES_MAX = 1_000_000

_OPEN = ("/static/", ENTER, "/health")


class Session:
    """One browser that came by a link."""

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(32)
        self.csrf = secrets.token_urlsafe(32)


_SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)


class Access:
    """Links and sessions of one console, in memory: who comes after its restart needs a new link."""

    def __init__(self, key: str, first_link: str, clock: Clock) -> None:
        self._key = key
        self.cookie = COOKIE + secrets.token_hex(4)
        self._clock = clock
        self._links: OrderedDict[str, float] = OrderedDict()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        if first_link:
            self._links[first_link] = float("inf")

    def make_link(self) -> str:
        """The code of a new link."""
        code = secrets.token_urlsafe(24)
        self._links[code] = self._clock.monotonic() + LINK_S
        while len(self._links) > LINKS_MAX:
            self._links.popitem(last=False)
        return code

    def enter(self, code: str) -> Session | None:
        """A new session for who brings a good link's *code*, which is used up; None for any other."""
        good_until = self._links.pop(code, None) if code else None
        if good_until is None or self._clock.monotonic() > good_until:
            return None
        session = Session()
        self._sessions[session.id] = session
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return session

    def session(self, request: web.Request) -> Session | None:
        """The session of *request*'s cookie, None without one."""
        return self._sessions.get(request.cookies.get(self.cookie, ""))

    @property
    def middleware(self) -> Middleware:
        """Lets in who has a session; a change only with its token. 401 and 403 say what to do."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(_OPEN):
                return await handler(request)
            session = self.session(request)
            if session is None:
                raise web.HTTPUnauthorized(text="Run `oddsock console` and open the link that it prints.\n")
            if request.method not in ("GET", "HEAD") and not await _carries(request, session.csrf):
                raise web.HTTPForbidden(text="This page is too old to change anything. Load it again.\n")
            request[_SESSION] = session
            return await handler(request)

        return check

    def routes(self) -> list[web.RouteDef]:
        """The link's own page, and where `oddsock console` asks for one."""
        return [web.get(ENTER, self._enter), web.post(LINKS, self._give_link)]

    async def _enter(self, request: web.Request) -> web.Response:
        """GET /enter?link=CODE: the cookie, and on to the first page."""
        session = self.enter(request.query.get("link", ""))
        if session is None:
            raise web.HTTPForbidden(
                text="This link was used already or is too old. Run `oddsock console` for a new one.\n"
            )
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self.cookie, session.id, httponly=True, samesite="Strict", path="/")
        return response

    async def _give_link(self, request: web.Request) -> web.Response:
        """POST /enter/links with the console's key as bearer: {"path": "/enter?link=CODE"}."""
        told = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self._key or not secrets.compare_digest(told.encode(), self._key.encode()):
            raise web.HTTPForbidden(text="Only the owner of this console's stack may ask for a link.\n")
        return web.json_response({"path": f"{ENTER}?link={self.make_link()}"})


def csrf_of(request: web.Request) -> str:
    """The token that a change from the page of *request* must carry; empty on the pages before the door."""
    session = request.get(_SESSION)
    return session.csrf if session is not None else ""


async def _carries(request: web.Request, token: str) -> bool:
    told = request.headers.get(CSRF_HEADER, "")
    if not told and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        told = str((await request.post()).get(CSRF_FIELD, ""))
    return secrets.compare_digest(told.encode(), token.encode())
