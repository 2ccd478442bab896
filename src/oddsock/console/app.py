"""All pages of a console as one aiohttp application."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from oddsock.console import page
from oddsock.console.access import Access
from oddsock.console.desk import Desk
from oddsock.console.left import heal_what_the_dead_left
from oddsock.console.live import Followers
from oddsock.console.pages import cases, dashboards, events, infrastructure, logs, matrices, metrics, monitors, now
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
    for room in (now, cases, infrastructure, logs, metrics, events, dashboards, monitors, matrices):
        app.add_routes(room.routes(desk, followers))

    async def live(_: web.Application) -> AsyncIterator[None]:
        healing = asyncio.create_task(heal_what_the_dead_left(desk)) if desk.has_cluster else None
        yield
        if healing is not None:
            await asyncio.gather(healing, return_exceptions=True)
        await desk.close()

    app.cleanup_ctx.append(live)
    return app


async def _health(request: web.Request) -> web.Response:
    return page.answer({"status": "ok"})
