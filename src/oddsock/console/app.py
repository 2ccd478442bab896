"""All pages of a console as one aiohttp application."""

from aiohttp import web

from oddsock.console import page
from oddsock.console.access import Access
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.pages import events, infrastructure, logs
from oddsock.kit import http

BODY_BYTES_MAX = 2_000_000
"""The largest body taken: a dashboard that is imported."""


def make_app(desk: Desk, access: Access) -> web.Application:
    """Every route, behind the guard against strange hosts and the door that needs a session."""
    app = web.Application(
        middlewares=[http.guard(), page.refusals(), access.middleware], client_max_size=BODY_BYTES_MAX
    )
    followers = Followers()
    app.router.add_static("/static/", page.STATIC)
    app.add_routes([web.get("/health", _health), *access.routes()])
    for room in (infrastructure, logs, events):
        app.add_routes(room.routes(desk, followers))

    async def close(_: web.Application) -> None:
        await desk.close()

    app.on_cleanup.append(close)
    return app


async def _health(request: web.Request) -> web.Response:
    return page.answer({"status": "ok"})
