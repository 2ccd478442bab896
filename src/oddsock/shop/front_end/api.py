"""front-end's wire: the browser's API of the original, its cookies, its redirects, and the pages that show orders."""

from aiohttp import web
from aiohttp.typedefs import Handler

from oddsock.shop.calls import call_wall_s, session
from oddsock.shop.exposition import Metrics
from oddsock.shop.flags import WEAVE
from oddsock.shop.front_end.account_pages import AccountPages
from oddsock.shop.front_end.accounts import Accounts
from oddsock.shop.front_end.browse import Browse
from oddsock.shop.front_end.checkout_pages import CheckoutPages
from oddsock.shop.front_end.desk import FrontDesk, leave_out_type
from oddsock.shop.front_end.goods_pages import Goods, GoodsPages
from oddsock.shop.front_end.layout import STATIC, Layout
from oddsock.shop.front_end.money_told import Books
from oddsock.shop.front_end.pages import Pages
from oddsock.shop.front_end.purchases import Purchases
from oddsock.shop.front_end.shown import ORDER
from oddsock.shop.front_end.status_stream import StatusBooksOverHttp, StatusStream
from oddsock.shop.front_end.status_watch import StatusWatch, poll_wall_s
from oddsock.shop.log_lines import MorganLog
from oddsock.shop.service import LOG, Surroundings

PORT = 8079

CALL_PLAN_S = 20.0
"""How long a service behind may take, in plan seconds: orders asks up to three in a row, 5 s each."""

CALLS_IN_ONE = 5
"""How many times as long as one of orders' own calls a call may take at the least."""


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
    client = session(call_wall_s(clock.speed, CALL_PLAN_S, CALLS_IN_ONE * flags.seconds("CALL_WALL_S_MIN")))
    is_weave, traces = flags.text("DIALECT") == WEAVE, flags.is_on("TRACE_LOGS")
    keys = flags.is_on("IDEMPOTENCY")
    desk = FrontDesk(client, log, clock, is_weave=is_weave, traces=traces, passes_keys=keys)
    shows_errors, follows = flags.is_on("ERROR_DISPLAY"), flags.is_on("LIVE_STATUS")
    purchases = Purchases(desk, flags.is_on("SILENT_500"), Books(desk) if shows_errors else None)
    accounts, layout, goods = Accounts(desk), Layout(desk), Goods(desk)
    watch = StatusWatch(StatusBooksOverHttp(client), clock, poll_wall_s(flags.text("LIVE_STATUS_POLL_S")))
    app = web.Application(middlewares=[metrics.middleware, desk.middleware, rewrite_slash])
    app[LOG] = log
    app.add_routes(
        [
            *GoodsPages(desk, layout, goods).routes(),
            *AccountPages(desk, layout, accounts).routes(),
            *CheckoutPages(desk, layout, goods, accounts, purchases, shows_errors, follows).routes(),
            *Pages(
                desk, layout, purchases, goods, ORDER if follows else flags.text("SHOWN"), follows, shows_errors
            ).routes(),
            *Browse(desk).routes(),
            *accounts.routes(),
            *(StatusStream(watch).routes() if follows else ()),
            *purchases.routes(),
            web.static("/static", STATIC),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def end_streams(_app: web.Application) -> None:
        await watch.close()

    async def close(_app: web.Application) -> None:
        await client.close()

    app.on_response_prepare.append(leave_out_type)
    app.on_shutdown.append(end_streams)
    app.on_cleanup.append(close)
    return app
