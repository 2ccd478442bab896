"""catalogue's wire, as the original: lists, sizes, tags, pictures. It keeps no book; its socks are files."""

from aiohttp import web

from oddsock.shop import wire
from oddsock.shop.catalogue.socks import TAGS, Sock, drawing, read_socks, select, tagged
from oddsock.shop.exposition import Metrics
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.service import LOG, Surroundings

PORT = 80
SIZE_MAX = 1000


def _tags_of(request: web.Request) -> list[str]:
    return [tag for tag in request.query.get("tags", "").split(",") if tag]


class CatalogueApi:
    """The routes of the catalogue over a list of socks."""

    def __init__(self, surroundings: Surroundings, socks: list[Sock], log: GoKitLog) -> None:
        self._clock = surroundings.clock
        self._socks = socks
        self._log = log

    async def catalogue(self, request: web.Request) -> web.Response:
        """GET /catalogue?page=1&size=10&tags=: a list; `sort` has no effect, as in the original."""
        began = self._clock.monotonic()
        page = wire.whole_number(request, "page", 1, 0, SIZE_MAX)
        size = wire.whole_number(request, "size", 10, 0, SIZE_MAX)
        found = select(self._socks, _tags_of(request), page, size)
        tags = request.query.get("tags", "")
        self._log.method("List", began, tags=tags, order="id", pageNum=page, pageSize=size, result=len(found), err=None)
        return wire.answer(found)

    async def size(self, request: web.Request) -> web.Response:
        """GET /catalogue/size?tags=."""
        began = self._clock.monotonic()
        count = len(tagged(self._socks, _tags_of(request)))
        self._log.method("Count", began, tags=request.query.get("tags", ""), result=count, err=None)
        return wire.answer({"size": count, "err": None})

    async def sock(self, request: web.Request) -> web.Response:
        """GET /catalogue/{id}; 404 for an unknown one."""
        began = self._clock.monotonic()
        identity = request.match_info["id"]
        found = next((sock for sock in self._socks if sock.id == identity), None)
        self._log.method("Get", began, id=identity, sock=identity if found else "", err=None if found else "not found")
        return wire.answer(found) if found is not None else wire.go_error("not found", 404)

    async def tags(self, _request: web.Request) -> web.Response:
        """GET /tags."""
        began = self._clock.monotonic()
        self._log.method("Tags", began, result=len(TAGS), err=None)
        return wire.answer({"tags": TAGS, "err": None})

    async def picture(self, request: web.Request) -> web.Response:
        """GET /catalogue/images/{file}: a drawing under the original's name."""
        return web.Response(text=drawing(request.match_info["file"]), content_type="image/svg+xml")

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        began = self._clock.monotonic()
        self._log.method("Health", began, result=2)
        return wire.health([("catalogue", True), ("catalogue-db", bool(self._socks))], self._clock)


async def build(surroundings: Surroundings) -> web.Application:
    """catalogue's application; CannotRun for an unknown list of socks."""
    log = GoKitLog(surroundings.clock)
    metrics = Metrics("catalogue", "go", surroundings.clock)
    api = CatalogueApi(surroundings, read_socks(surroundings.flags.names("SOCKS")), log)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes(
        [
            web.get("/catalogue", api.catalogue),
            web.get("/catalogue/size", api.size),
            web.get("/catalogue/images/{file}", api.picture),
            web.get("/catalogue/{id}", api.sock),
            web.get("/tags", api.tags),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )
    return app
