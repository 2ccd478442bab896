"""Events: what Kubernetes, monitors and people told, searched like logs; each leads to the logs around it."""

from typing import Any

from aiohttp import web

from oddsock.clients.datadog.records import Event
from oddsock.console import asked
from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import Page
from oddsock.console.span import PRESETS, read_span
from oddsock.console.terms import write_term
from oddsock.kit.errors import UsageError

ROWS = 200
ROWS_MAX = 1000
AROUND_S = 300
"""The logs that an event leads to: from so many seconds before it to as many after."""

TEXT_MAX = 4000
COLOURS = {"error": "bad", "warning": "wait", "success": "good", "ok": "good", "info": "note", "user_update": "note"}
_SUBJECTS = ("pod_name", "kube_deployment", "deployment", "service")
"""Tags by which the logs of what an event is about can be found, the most exact first."""


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """/events and its twin."""

    async def read(request: web.Request) -> dict[str, Any]:
        query = request.query.get("query", "")
        limit = asked.number(request.query, "limit", ROWS, 1, ROWS_MAX)
        document: dict[str, Any] = {
            "query": query,
            "from": request.query.get("from", "").strip() or PRESETS[1],
            "to": request.query.get("to", "").strip() or "now",
            "presets": PRESETS,
            "refused": None,
            "warnings": [],
            "events": [],
            "is_whole": True,
            "around_s": AROUND_S,
        }
        try:
            span = read_span(request.query, desk.clock, PRESETS[1])
            found = await desk.telemetry().search_events(
                query, str(span.from_ms), str(span.to_ms), limit + 1, newest_first=True
            )
        except UsageError as cause:
            if request.path.endswith(".json"):
                raise
            column = getattr(cause, "column", None)
            return {**document, "refused": {"sentence": cause.sentence, "hint": cause.hint, "column": column}}
        rows = [make_row(event) for event in found[:limit]]
        return {**document, **span.document(), "events": rows, "is_whole": len(found) <= limit}

    return Page("/events", "Events", "events.html", read, styles=("search.css",)).routes()


def make_row(event: Event) -> dict[str, Any]:
    """*event* as the page tells it; *logs* is the search that finds the lines of what it is about."""
    tags = dict(tag.split(":", 1) for tag in event.tags if ":" in tag)
    subject = next((key for key in _SUBJECTS if tags.get(key)), "")
    return {
        "id": event.id,
        "at": event.at,
        "title": event.title,
        "text": event.text[:TEXT_MAX],
        "type": event.alert_type,
        "colour": COLOURS.get(event.alert_type, "off"),
        "source": event.source,
        "host": event.host,
        "tags": event.tags,
        "logs": write_term(subject, tags[subject]) if subject else "",
    }
