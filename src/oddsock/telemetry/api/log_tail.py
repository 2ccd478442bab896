"""Logs as they come in, as server-sent events: `GET /_oddsock/tail?query=`.

Events are `log` (Datadog's log object), `missed` ({"count": n}: the follower was too slow) and comments that keep the
connection alive. Datadog has no public call for this; the console and `--follow` use it.
"""

import msgspec
from aiohttp import web

from oddsock.telemetry.api.log_answers import write_log
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.tails import Tails

PATH = "/_oddsock/tail"

HEARTBEAT_S = 10.0
"""Wall seconds of silence after which a comment is sent."""


def routes(tails: Tails) -> list[web.RouteDef]:
    """The tail's path."""

    async def follow(request: web.Request) -> web.StreamResponse:
        tail = tails.open(parse_search(request.query.get("query", "*")))
        try:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
            await response.prepare(request)
            await response.write(b": following\n\n")
            while not tail.is_over:
                logs, missed = await tail.take(HEARTBEAT_S)
                events = [_event("missed", {"count": missed})] if missed else []
                events += [_event("log", write_log(log)) for log in logs]
                await response.write(b"".join(events) or b": still here\n\n")
            return response
        finally:
            tails.close(tail)

    return [web.get(PATH, follow)]


def _event(name: str, body: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(body))
