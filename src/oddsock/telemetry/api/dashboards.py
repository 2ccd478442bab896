"""Dashboards on the wire: JSON that is kept and answered as it was given, with what Datadog adds (id, author, ...)."""

import re
import secrets
import string
from typing import Any

from aiohttp import web

from oddsock.clients.datadog.widget_queries import call_of, read_queries
from oddsock.kit.clock import Clock, iso
from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_choice, read_int, read_object, read_text
from oddsock.telemetry.store.documents import Documents

KIND = "dashboard"
DASHBOARDS_MAX, WIDGETS_MAX, DEPTH_MAX, NESTING_MAX = 1000, 500, 4, 30
WIDGET_ID_MAX = 2**53
"""Ids of widgets stay whole in JavaScript."""

_AUTHOR = {"author_handle": "oddsock@localhost", "author_name": "oddsock"}
_OURS = ("id", "url", "author_handle", "author_name", "created_at", "modified_at")
_SUMMARY = (
    "id", "title", "description", "layout_type", "is_read_only", "url", "author_handle", "created_at", "modified_at"
)  # fmt: skip
_EMPTY_GROUP = (
    "group_by must be a list of objects: {} says nothing. Some versions of the official client send it for typed"
    " models; give it a list of plain dicts."
)


def routes(documents: Documents, clock: Clock) -> list[web.RouteDef]:
    """Every path of dashboards, and on a path of ours what the widgets of one ask."""
    dashboards = _Dashboards(documents, clock)
    return [
        web.post("/api/v1/dashboard", dashboards.create),
        web.get("/api/v1/dashboard", dashboards.list),
        web.get("/api/v1/dashboard/{id}", dashboards.get),
        web.put("/api/v1/dashboard/{id}", dashboards.update),
        web.delete("/api/v1/dashboard/{id}", dashboards.delete),
        web.get("/_oddsock/dashboards/{id}/queries", dashboards.tell_queries),
    ]


class _Dashboards:
    """The requests' answers over one store of documents."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def create(self, request: web.Request) -> web.Response:
        given = _read(await read_json(request))
        if len(self._documents.list(KIND)) >= DASHBOARDS_MAX:
            raise ApiError(400, f"There are {DASHBOARDS_MAX} dashboards, which are the most: delete one first.")
        letters = string.ascii_lowercase + string.digits
        dashboard_id = "-".join("".join(secrets.choice(letters) for _ in range(3)) for _ in range(3))
        return answer_json(self._keep(dashboard_id, given, iso(self._clock.now())))

    async def list(self, request: web.Request) -> web.Response:
        given = dict(request.query)
        start, count = read_int(given, "start", 0), read_int(given, "count", 100)
        if start < 0 or not 1 <= count <= DASHBOARDS_MAX:
            raise ApiError(400, f"start must be 0 or more, count from 1 to {DASHBOARDS_MAX}.")
        kept = [] if given.get("filter[deleted]") == "true" else self._documents.list(KIND)
        rows = [{name: one.get(name) for name in _SUMMARY} for one in kept[start : start + count]]
        return answer_json({"dashboards": rows, "total": len(kept)})

    async def get(self, request: web.Request) -> web.Response:
        return answer_json(self._find(request))

    async def update(self, request: web.Request) -> web.Response:
        before = self._find(request)
        return answer_json(self._keep(before["id"], _read(await read_json(request)), before["created_at"]))

    async def delete(self, request: web.Request) -> web.Response:
        dashboard_id = self._find(request)["id"]
        self._documents.delete(KIND, dashboard_id)
        return answer_json({"deleted_dashboard_id": dashboard_id})

    async def tell_queries(self, request: web.Request) -> web.Response:
        document = self._find(request)
        now_ms = round(self._clock.now().timestamp() * 1000)
        given = dict(request.query)
        from_ms, to_ms = read_int(given, "from", now_ms - 3_600_000), read_int(given, "to", now_ms)
        if not 0 <= from_ms <= to_ms < 1 << 42:
            raise ApiError(400, "from and to are milliseconds since 1970, from before to.")
        rows = [
            {"question": question, "call": call_of(question, from_ms, to_ms)} for question in read_queries(document)
        ]
        return answer_json({"id": document["id"], "title": document["title"], "queries": rows})

    def _keep(self, dashboard_id: str, given: dict[str, Any], created_at: str) -> dict[str, Any]:
        slug = re.sub(r"[^a-z0-9]+", "-", given["title"].lower()).strip("-")
        document = {
            "description": None,
            "is_read_only": False,
            "template_variables": [],
            "notify_list": [],
            **{name: value for name, value in given.items() if name not in _OURS},
            "widgets": _numbered(given["widgets"], _used(given["widgets"])),
            "id": dashboard_id,
            "url": f"/dashboard/{dashboard_id}/{slug}",
            **_AUTHOR,
            "created_at": created_at,
            "modified_at": iso(self._clock.now()),
        }
        self._documents.put(KIND, dashboard_id, document)
        return document

    def _find(self, request: web.Request) -> dict[str, Any]:
        dashboard_id = request.match_info["id"]
        document = self._documents.get(KIND, dashboard_id)
        if document is None:
            raise ApiError(404, f"Dashboard with ID {dashboard_id[:50]} not found")
        return document


def _read(body: Any) -> dict[str, Any]:
    fields = read_object(body, "dashboard")
    read_text(fields, "title", 1000, wanted=True)
    read_choice(fields, "layout_type", ("ordered", "free"), "")
    if _check_widgets(fields.get("widgets"), "widgets", 1) > WIDGETS_MAX:
        raise ApiError(400, f"A dashboard has {WIDGETS_MAX} widgets at most.")
    return fields


def _check_widgets(widgets: Any, where: str, depth: int) -> int:
    """How many widgets there are, groups' included; 400 names the first that is none."""
    if not isinstance(widgets, list):
        raise ApiError(400, f"{where} must be a list.")
    if depth > DEPTH_MAX:
        raise ApiError(400, f"{where} nests deeper than {DEPTH_MAX} groups.")
    count = 0
    for number, widget in enumerate(widgets):
        place = f"{where}[{number}]"
        definition = read_object(read_object(widget, place).get("definition"), f"{place}.definition")
        read_text(definition, "type", 100, wanted=True)
        if _has_empty_group(definition, 0):
            raise ApiError(400, f"{place}: {_EMPTY_GROUP}")
        count += 1
        if "widgets" in definition:
            count += _check_widgets(definition["widgets"], f"{place}.definition.widgets", depth + 1)
    return count


def _has_empty_group(value: Any, depth: int) -> bool:
    if depth > NESTING_MAX:
        raise ApiError(400, f"A widget nests deeper than {NESTING_MAX} levels.")
    if isinstance(value, list):
        return any(_has_empty_group(one, depth + 1) for one in value)
    if not isinstance(value, dict):
        return False
    inner = [_has_empty_group(one, depth + 1) for name, one in value.items() if name != "widgets"]
    return value.get("group_by") == {} or any(inner)


def _used(widgets: list[dict[str, Any]]) -> set[int]:
    used = {widget["id"] for widget in widgets if isinstance(widget.get("id"), int)}
    for widget in widgets:
        used |= _used(widget["definition"].get("widgets", []))
    return used


def _numbered(widgets: list[dict[str, Any]], used: set[int]) -> list[dict[str, Any]]:
    """The same widgets, each with a numeric id: its own where it has one."""
    numbered = []
    for widget in widgets:
        widget_id = widget.get("id")
        if not isinstance(widget_id, int):
            widget_id = _free_id(used)
            used.add(widget_id)
        definition = widget["definition"]
        if "widgets" in definition:
            definition = {**definition, "widgets": _numbered(definition["widgets"], used)}
        numbered.append({**widget, "definition": definition, "id": widget_id})
    return numbered


def _free_id(used: set[int]) -> int:
    while (found := secrets.randbelow(WIDGET_ID_MAX - 1) + 1) in used:
        pass
    return found
