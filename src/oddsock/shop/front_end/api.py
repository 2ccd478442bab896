"""front-end's wire: the browser's API of the original, its cookies, its redirects, and the pages that show orders."""

from aiohttp import web
from aiohttp.typedefs import Handler

from oddsock.shop.calls import call_wall_s, session
from oddsock.shop.exposition import Metrics
from oddsock.shop.flags import WEAVE
from oddsock.shop.front_end.accounts import Accounts
from oddsock.shop.front_end.browse import Browse
from oddsock.shop.front_end.desk import FrontDesk, leave_out_type
from oddsock.shop.front_end.pages import Pages
from oddsock.shop.front_end.purchases import Purchases
from oddsock.shop.log_lines import MorganLog
from oddsock.shop.service import LOG, Surroundings

PORT = 8079

CALL_PLAN_S = 20.0
"""How long a service behind may take, in plan seconds: orders asks up to three in a row, 5 s each."""

CALL_WALL_S_MIN = 5.0


@web.middleware
async def rewrite_slash(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A path with a trailing slash moves to the one without (301); one with a double slash is refused (400)."""
    if "//" in request.path:
        raise web.HTTPBadRequest
    if request.path != "/" and request.path.endswith("/"):
        query = f"?{request.query_string}" if request.query_string else ""
        raise web.HTTPMovedPermanently(request.path.rstrip("/") + query)
    return await handler(request)


async def build(surroundings: Surroundings) -> web.Application:
    """front-end's application."""
    flags, clock = surroundings.flags, surroundings.clock
    log = MorganLog(masked=not flags.is_on("UNMASKED_CARD_LOG"))
    metrics = Metrics("front-end", "node", clock)
    client = session(call_wall_s(clock.speed, CALL_PLAN_S, CALL_WALL_S_MIN))
    is_weave, traces = flags.text("DIALECT") == WEAVE, flags.is_on("TRACE_LOGS")
    desk = FrontDesk(client, log, clock, is_weave=is_weave, traces=traces)
    purchases = Purchases(desk, flags.is_on("SILENT_500"))
    app = web.Application(middlewares=[metrics.middleware, desk.middleware, rewrite_slash])
    app[LOG] = log
    app.add_routes(
        [
            *Pages(desk, purchases, flags.text("SHOWN")).routes(),
            *Browse(desk).routes(),
            *Accounts(desk).routes(),
            *purchases.routes(),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def close(_app: web.Application) -> None:
        await client.close()

    app.on_response_prepare.append(leave_out_type)
    app.on_cleanup.append(close)
    return app
