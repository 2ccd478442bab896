"""Logs read: `POST /api/v2/logs/events/search`, `GET /api/v2/logs/events`, v1's `POST /api/v1/logs-queries/list`."""

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from oddsock.kit import ids
from oddsock.kit.clock import Clock
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.log_answers import (
    Cursor,
    read_cursor,
    read_id,
    write_cursor,
    write_id,
    write_log,
    write_log_v1,
)
from oddsock.telemetry.api.log_filters import Filter, Options, Range, convert, metadata, understand
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs import LogStore

LIMIT = 10
LIMIT_V1 = 50
LIMIT_MAX = 1000

_Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]


class Page(msgspec.Struct):
    """`page` of a request."""

    cursor: str | None = None
    limit: _Limit | None = None


class SearchRequest(msgspec.Struct):
    """The body of a search."""

    filter: Filter | None = None
    options: Options | None = None
    page: Page | None = None
    sort: Literal["timestamp", "-timestamp"] | None = None


class TimeV1(msgspec.Struct, rename={"start": "from"}):
    """`time` of a v1 search."""

    start: str | int
    to: str | int
    timezone: str | None = None
    offset: int | None = None


class ListRequestV1(msgspec.Struct, rename="camel"):
    """The body of a v1 search."""

    time: TimeV1
    query: str | None = None
    index: str | None = None
    limit: _Limit | None = None
    sort: Literal["asc", "desc"] | None = None
    start_at: str | None = None


class LogSearch:
    """Answers searches from *store*."""

    def __init__(self, store: LogStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The paths of searches."""
        return [
            web.post("/api/v2/logs/events/search", self._search),
            web.get("/api/v2/logs/events", self._search_by_address),
            web.post("/api/v1/logs-queries/list", self._list_v1),
        ]

    async def _search(self, request: web.Request) -> web.Response:
        return await self._answer(
            request, convert(await read_json(request) if request.can_read_body else {}, SearchRequest)
        )

    async def _search_by_address(self, request: web.Request) -> web.Response:
        query = request.query
        indexes = query.get("filter[indexes]")
        limit = query.get("page[limit]")
        if limit is not None and not (limit.isdecimal() and len(limit) < 10):
            raise ApiError(400, "page[limit] is no number.")
        wanted = {
            "filter": {
                "query": query.get("filter[query]"),
                "from": query.get("filter[from]"),
                "to": query.get("filter[to]"),
                "indexes": indexes.split(",") if indexes else None,
            },
            "sort": query.get("sort"),
            "page": {"cursor": query.get("page[cursor]"), "limit": int(limit) if limit else None},
        }
        return await self._answer(request, convert(wanted, SearchRequest))

    async def _answer(self, request: web.Request, wanted: SearchRequest) -> web.Response:
        begun = self._clock.monotonic()
        page, newest_first = wanted.page or Page(), wanted.sort != "timestamp"
        limit = page.limit or LIMIT
        asked = understand(wanted.filter or Filter(), wanted.options or Options(), self._now_ms())
        after = None
        if page.cursor:
            cursor = read_cursor(page.cursor)
            if cursor.newest_first != newest_first:
                raise ApiError(400, "page.cursor belongs to a search that is sorted the other way.")
            asked = msgspec.structs.replace(asked, from_ms=cursor.from_ms, to_ms=cursor.to_ms)
            after = cursor.after
        found = await self._find(asked, limit + 1, newest_first, after)
        meta = metadata(round((self._clock.monotonic() - begun) * 1000), ids.request_id(), asked)
        answer: dict[str, Any] = {"data": [write_log(log) for log in found[:limit]], "meta": meta}
        # Official clients follow `after` until it is gone, so a last page has none.
        if len(found) > limit:
            next_page = write_cursor(Cursor(newest_first, found[limit - 1].id, asked.from_ms, asked.to_ms))
            meta["page"] = {"after": next_page}
            answer["links"] = {"next": _next_address(request, asked, wanted, next_page)}
        return answer_json(answer)

    async def _list_v1(self, request: web.Request) -> web.Response:
        wanted = convert(await read_json(request), ListRequestV1)
        limit, newest_first = wanted.limit or LIMIT_V1, wanted.sort != "asc"
        filter_ = Filter(
            query=wanted.query,
            start=wanted.time.start,
            to=wanted.time.to,
            indexes=[wanted.index] if wanted.index else None,
        )
        asked = understand(filter_, Options(time_offset=wanted.time.offset), self._now_ms())
        after = read_id(wanted.start_at) if wanted.start_at else None
        found = await self._find(asked, limit + 1, newest_first, after)
        logs = found[:limit]
        following = write_id(logs[-1].id) if len(found) > limit else None
        return answer_json({"logs": [write_log_v1(log) for log in logs], "nextLogId": following, "status": "done"})

    async def _find(self, asked: Range, limit: int, newest_first: bool, after: int | None) -> list[Log]:
        if not asked.is_known_index:
            return []
        return await self._store.search(asked.search, asked.from_ms, asked.to_ms, limit, newest_first, after)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _next_address(request: web.Request, asked: Range, wanted: SearchRequest, cursor: str) -> str:
    query = {
        "filter[query]": asked.search.text,
        "filter[from]": str(asked.from_ms),
        "filter[to]": str(asked.to_ms),
        "sort": wanted.sort or "-timestamp",
        "page[limit]": str((wanted.page and wanted.page.limit) or LIMIT),
        "page[cursor]": cursor,
    }
    return str(request.url.with_path("/api/v2/logs/events").with_query(query))
