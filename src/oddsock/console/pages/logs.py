"""Logs: searched, counted over time, narrowed by facets, followed live, taken away as a file.

/logs                  the page, `/logs.json` its twin: the first lines and their histogram
/logs/lines.json       a page of lines, older ones by its cursor
/logs/histogram.json   counts by status over the span
/logs/facets.json      values of a facet among the lines found, each with the query that a click on it makes
/logs/values.json      values of a facet that begin so, for completion
/logs/tail             lines as they come in (server-sent events: lines, refused)
/logs/download         the newest DOWNLOAD_MAX lines, format=csv or json
/logs/term             on to the page with a term in the query or out of it; as JSON the query alone
/logs/around           on to the page around an instant
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from oddsock.clients.datadog.log_table import write_table
from oddsock.clients.datadog.records import LogPage, Tailed
from oddsock.console import asked
from oddsock.console.desk import Desk
from oddsock.console.live import Event, Followers
from oddsock.console.log_documents import around, list_facets, make_histogram, make_line, mask_log, step_ms
from oddsock.console.page import HEADERS, Page, answer
from oddsock.console.span import PRESETS, Span, read_span
from oddsock.console.terms import state_of, toggle, write_term
from oddsock.kit.errors import OddsockError, UsageError

LINES = 60
LINES_MAX = 1000
VALUES = 12
VALUES_MAX = 100
DOWNLOAD_MAX = 10_000
QUERY_MAX = 8192

AROUND_S = 3600.0
AROUND_S_MAX = 90 * 86_400

SCRIPTS = ("logs.js",)
STYLES = ("search.css", "logs.css")


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """Everything under /logs."""
    logs = _Logs(desk, followers)
    return [
        web.get("/logs/lines.json", logs.tell_lines),
        web.get("/logs/histogram.json", logs.tell_histogram),
        web.get("/logs/facets.json", logs.tell_facets),
        web.get("/logs/values.json", logs.tell_values),
        web.get("/logs/tail", logs.follow),
        web.get("/logs/download", logs.download),
        web.get("/logs/term", move_term),
        web.get("/logs/around", move_around),
        *Page("/logs", "Logs", "logs.html", logs.read, SCRIPTS, STYLES).routes(),
    ]


class _Logs:
    """The answers, from the telemetry that *desk* has."""

    def __init__(self, desk: Desk, followers: Followers) -> None:
        self._desk = desk
        self._followers = followers

    async def read(self, request: web.Request) -> dict[str, Any]:
        """The page's document; what was wrong with the question stands in `refused`, so that it can be put right."""
        query = _query(request.query)
        document: dict[str, Any] = {
            "query": query,
            "from": request.query.get("from", "").strip() or PRESETS[0],
            "to": request.query.get("to", "").strip() or "now",
            "presets": PRESETS,
            "is_live": request.query.get("live") == "1",
            "cursor_asked": request.query.get("cursor", ""),
            "refused": None,
            "lines": [],
            "cursor": "",
            "warnings": [],
            "facets": [],
            "histogram": None,
        }
        try:
            span = read_span(request.query, self._desk.clock)
            lines, histogram = await asyncio.gather(
                self._lines(request.query, query, span), self._histogram(query, span)
            )
        except UsageError as cause:
            if request.path.endswith(".json"):
                raise
            column = getattr(cause, "column", None)
            return {**document, "refused": {"sentence": cause.sentence, "hint": cause.hint, "column": column}}
        return {**document, **span.document(), **lines, "histogram": histogram}

    async def tell_lines(self, request: web.Request) -> web.Response:
        """GET /logs/lines.json"""
        query, span = _query(request.query), read_span(request.query, self._desk.clock)
        return answer({**span.document(), **await self._lines(request.query, query, span)})

    async def tell_histogram(self, request: web.Request) -> web.Response:
        """GET /logs/histogram.json"""
        return answer(await self._histogram(_query(request.query), read_span(request.query, self._desk.clock)))

    async def tell_facets(self, request: web.Request) -> web.Response:
        """GET /logs/facets.json?facet="""
        query, span, facet = _query(request.query), read_span(request.query, self._desk.clock), _facet(request.query)
        limit = asked.number(request.query, "limit", VALUES, 1, VALUES_MAX)
        found = await self._desk.telemetry().facet_values(facet, query, str(span.from_ms), str(span.to_ms), limit=limit)
        values = [
            {
                "value": one.value,
                "count": one.count,
                "state": state_of(query, facet, one.value),
                "toggled": toggle(query, facet, one.value),
                "left_out": toggle(query, facet, one.value, leave_out=True),
            }
            for one in found
        ]
        return answer({"facet": facet, "values": values})

    async def tell_values(self, request: web.Request) -> web.Response:
        """GET /logs/values.json?facet=&prefix="""
        span, facet = read_span(request.query, self._desk.clock), _facet(request.query)
        prefix = request.query.get("prefix", "")[:QUERY_MAX]
        found = await self._desk.telemetry().facet_values(
            facet, "*", str(span.from_ms), str(span.to_ms), prefix, VALUES
        )
        values = [{"value": one.value, "count": one.count, "term": write_term(facet, one.value)} for one in found]
        return answer({"facet": facet, "values": values})

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """GET /logs/tail?query="""
        return await self._followers.stream(request, self._tailed(_query(request.query)))

    async def _tailed(self, query: str) -> AsyncIterator[Event]:
        try:
            async with aclosing(self._desk.telemetry().tail_logs(query)) as tail:
                async for told in tail:
                    yield "lines", _write_tailed(told)
        except OddsockError as cause:
            column = getattr(cause, "column", None)
            yield "refused", {"sentence": cause.sentence, "hint": cause.hint, "column": column}

    async def download(self, request: web.Request) -> web.Response:
        """GET /logs/download?format="""
        query, span = _query(request.query), read_span(request.query, self._desk.clock)
        form = asked.choice(request.query, "format", "csv", ("csv", "json"))
        found = await self._desk.telemetry().search_logs(
            query, str(span.from_ms), str(span.to_ms), DOWNLOAD_MAX, newest_first=True
        )
        rows = await asyncio.to_thread(lambda: [mask_log(log) for log in found.rows])
        if form == "csv":
            made = web.Response(text=await asyncio.to_thread(write_table, rows), content_type="text/csv")
        else:
            made = answer({"query": query, **span.document(), "is_whole": found.is_whole, "logs": rows})
        made.headers.update({**HEADERS, "Content-Disposition": f'attachment; filename="logs.{form}"'})
        return made

    async def _lines(self, given: Mapping[str, str], query: str, span: Span) -> dict[str, Any]:
        limit = asked.number(given, "limit", LINES, 1, LINES_MAX)
        found: LogPage = await self._desk.telemetry().page_logs(
            query, str(span.from_ms), str(span.to_ms), limit, given.get("cursor", "")
        )
        return {
            "lines": [make_line(log) for log in found.rows],
            "cursor": found.cursor,
            "warnings": found.warnings,
            "facets": list_facets(found.rows),
        }

    async def _histogram(self, query: str, span: Span) -> dict[str, Any]:
        step = step_ms(span)
        buckets = await self._desk.telemetry().aggregate_logs(
            query,
            str(span.from_ms),
            str(span.to_ms),
            [{"aggregation": "count", "type": "timeseries", "interval": f"{step // 1000}s"}],
            [{"facet": "status", "limit": 20}],
        )
        return make_histogram(buckets, span, step)


async def move_term(request: web.Request) -> web.Response:
    """GET /logs/term?query=&key=&value=&out=1: on to the page with that term in the query, or out of it again."""
    given = dict(request.query)
    key, value, is_out = given.pop("key", ""), given.pop("value", ""), given.pop("out", "") == "1"
    if not key:
        raise UsageError("key is missing.", "Say which tag or attribute the term is about.")
    query = toggle(_query(given), key, value, leave_out=is_out)
    if "json" in request.headers.get("Accept", ""):
        return answer({"query": query})
    return _move({**given, "query": query})


async def move_around(request: web.Request) -> web.Response:
    """GET /logs/around?at=&query=&within_s=: on to the page from within_s before *at* to as long after it."""
    within_s = asked.number(request.query, "within_s", int(AROUND_S), 1, AROUND_S_MAX)
    try:
        begin, end = around(request.query.get("at", ""), within_s)
    except (ValueError, OverflowError):
        raise UsageError("at is no instant.", "Write it as 2025-10-30T08:24:00Z.") from None
    return _move({"query": _query(request.query), "from": begin, "to": end})


def _move(values: Mapping[str, str]) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": f"/logs?{urlencode(values)}"})


def _query(given: Mapping[str, str]) -> str:
    query = given.get("query", "")
    if len(query) > QUERY_MAX:
        raise UsageError(f"The query has more than {QUERY_MAX} characters.", "Search for less.")
    return query


def _facet(given: Mapping[str, str]) -> str:
    facet = given.get("facet", "").strip()
    if not facet:
        raise UsageError("facet is missing.", "Say which tag or attribute, such as service or @http.status_code.")
    return facet


def _write_tailed(told: Tailed) -> dict[str, Any]:
    return {"lines": [make_line(log) for log in told.rows], "missed": told.missed}
