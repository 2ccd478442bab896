"""The event stream on the wire: posting (v1, v2), listing by time (v1), searching with a query (v2)."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from oddsock.kit.clock import Clock
from oddsock.kit.date_math import instant_ms
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.event_shapes import read_v1, read_v2, show_v1, show_v2
from oddsock.telemetry.api.fields import read_int, read_object, read_text
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.records import Event
from oddsock.telemetry.store.events import PAGE_MAX, EventStore, as_log

PAGE_SIZE = 10
"""How many events a search answers that names no limit."""

PAGES_MAX = 100
"""How many pages deep a v1 list may be read; v2 has cursors."""

QUERY_LENGTH_MAX = 10_000


def routes(events: EventStore, clock: Clock) -> list[web.RouteDef]:
    """Every path of the event stream."""
    stream = _Stream(events, clock)
    return [
        web.post("/api/v1/events", stream.post_v1),
        web.get("/api/v1/events", stream.list_v1),
        web.get("/api/v1/events/{id}", stream.get_v1),
        web.post("/api/v2/events", stream.post_v2),
        web.get("/api/v2/events", stream.search_by_parameters),
        web.post("/api/v2/events/search", stream.search_by_body),
        web.get("/api/v2/events/{id}", stream.get_v2),
    ]


@dataclass(frozen=True)
class _Question:
    """A v2 search: *from_ms* and *to_ms* are both inside, *after* is the last id of the page before."""

    search: Search
    from_ms: int
    to_ms: int
    newest_first: bool
    limit: int
    after: int | None


class _Stream:
    """The requests' answers over one store."""

    def __init__(self, events: EventStore, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def post_v1(self, request: web.Request) -> web.Response:
        event = self._keep(read_v1(await read_json(request), self._now_ms()))
        return answer_json({"status": "ok", "event": show_v1(event)}, 202)

    async def post_v2(self, request: web.Request) -> web.Response:
        event = self._keep(read_v2(await read_json(request), self._now_ms()))
        evt = {"id": str(event.id), "uid": str(event.id)}
        data = {"id": str(event.id), "type": "event", "attributes": {"attributes": {"evt": evt}}}
        return answer_json({"data": data, "links": {"self": f"/api/v2/events/{event.id}"}}, 202)

    async def get_v1(self, request: web.Request) -> web.Response:
        return answer_json({"event": show_v1(self._find(request)), "status": "ok"})

    async def get_v2(self, request: web.Request) -> web.Response:
        return answer_json({"data": show_v2(self._find(request))})

    async def list_v1(self, request: web.Request) -> web.Response:
        given = dict(request.query)
        start, end = read_int(given, "start", -1), read_int(given, "end", -1)
        if start < 0 or end < 0:
            raise ApiError(400, "start and end are missing: say both in seconds since 1970.")
        page = read_int(given, "page", 0)
        if not 0 <= page < PAGES_MAX:
            raise ApiError(400, f"page must be from 0 to {PAGES_MAX - 1}: go on with a smaller range.")
        matches = _filter_v1(given.get("priority", ""), _listed(request, "sources"), _listed(request, "tags"))
        from_ms, to_ms = start * 1000, (end + 1) * 1000
        found = await self._events.search(matches, from_ms, to_ms, (page + 1) * PAGE_MAX)
        return answer_json({"events": [show_v1(event) for event in found[page * PAGE_MAX :]], "status": "ok"})

    async def search_by_parameters(self, request: web.Request) -> web.Response:
        given = request.query
        found = {name: given[f"filter[{name}]"] for name in ("query", "from", "to") if f"filter[{name}]" in given}
        page = {name: given[f"page[{name}]"] for name in ("limit", "cursor") if f"page[{name}]" in given}
        return await self._answer(self._question(found, page, given.get("sort")))

    async def search_by_body(self, request: web.Request) -> web.Response:
        body = read_object(await read_json(request) if request.can_read_body else {}, "body")
        found, page = read_object(body.get("filter") or {}, "filter"), read_object(body.get("page") or {}, "page")
        return await self._answer(self._question(found, page, body.get("sort")))

    def _question(self, found: Mapping[str, Any], page: Mapping[str, Any], sort: Any) -> _Question:
        if sort not in (None, "timestamp", "-timestamp"):
            raise ApiError(400, "sort must be timestamp or -timestamp.")
        limit = read_int(dict(page), "limit", PAGE_SIZE)
        if not 1 <= limit <= PAGE_MAX:
            raise ApiError(400, f"page.limit must be from 1 to {PAGE_MAX}.")
        now_ms, fields = self._now_ms(), dict(found)
        return _Question(
            search=parse_search(read_text(fields, "query", QUERY_LENGTH_MAX)),
            from_ms=instant_ms(str(fields.get("from") or "now-15m"), now_ms),
            to_ms=instant_ms(str(fields.get("to") or "now"), now_ms),
            newest_first=sort != "timestamp",
            limit=limit,
            after=_read_cursor(read_text(dict(page), "cursor", 100)),
        )

    async def _answer(self, question: _Question) -> web.Response:
        begun = self._clock.monotonic()
        matches = predicate(question.search)
        found = await self._events.search(
            lambda event: matches(as_log(event)),
            question.from_ms,
            question.to_ms + 1,
            question.limit + 1,
            question.newest_first,
            question.after,
        )
        shown = found[: question.limit]
        meta: dict[str, Any] = {
            "elapsed": round((self._clock.monotonic() - begun) * 1000),
            "status": "done",
            "warnings": [
                {"code": "query", "title": "How the query is read", "detail": warning}
                for warning in question.search.warnings
            ],
        }
        # The last page leaves its cursor out: clients follow it until it is gone.
        if len(found) > question.limit:
            meta["page"] = {"after": _write_cursor(shown[-1].id)}
        return answer_json({"data": [show_v2(event) for event in shown], "meta": meta})

    def _keep(self, event: Event) -> Event:
        return self._events.append([event])[0]

    def _find(self, request: web.Request) -> Event:
        wanted = request.match_info["id"]
        event = self._events.get(int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 20 else None
        if event is None:
            raise ApiError(404, f"No event matches that event_id: {wanted[:50]}.")
        return event

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)


def _filter_v1(priority: str, sources: frozenset[str], tags: frozenset[str]) -> Callable[[Event], bool]:
    def matches(event: Event) -> bool:
        return (
            (not priority or event.priority == priority)
            and (not sources or event.source in sources)
            and tags <= set(event.tags)
        )

    return matches


def _listed(request: web.Request, name: str) -> frozenset[str]:
    return frozenset(part for text in request.query.getall(name, []) for part in text.split(",") if part)


def _write_cursor(event_id: int) -> str:
    return base64.urlsafe_b64encode(str(event_id).encode()).decode()


def _read_cursor(text: str) -> int | None:
    if not text:
        return None
    try:
        after = int(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error):
        after = -1
    if not 0 <= after < 1 << 63:
        raise ApiError(400, "page.cursor is none of ours: send the page.after of the answer before.")
    return after
