"""Dashboards: listed, imported as Datadog's JSON, shown with every widget answered, given out again, taken away."""

import re
from typing import Any

import msgspec
from aiohttp import web

from oddsock.console.desk import Desk
from oddsock.console.live import Followers
from oddsock.console.page import HEADERS, PLOT_STYLES, Page, answer, plain, render
from oddsock.console.span import PRESETS, read_span
from oddsock.console.widgets import read_widgets
from oddsock.kit.errors import OddsockError, UsageError

VARIABLE = "tpl_var_"
"""Before the name of a template variable in an address, as at Datadog."""

TEXT_MAX = 200_000
"""So much of a refused import is shown again to be put right."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_STYLES = (*PLOT_STYLES, "search.css", "dashboards.css")


def routes(desk: Desk, followers: Followers) -> list[web.RouteDef]:
    """/dashboards, /dashboards/{id} and their twins; import, export and deletion."""

    async def read_list(request: web.Request) -> dict[str, Any]:
        return await _read_list(desk, request)

    async def read_one(request: web.Request) -> dict[str, Any]:
        span = read_span(request.query, desk.clock, PRESETS[0])
        telemetry = desk.telemetry()
        found = await telemetry.dashboard(request.match_info["id"])
        document = fill_variables(found.document, request.query)
        widgets = await read_widgets(telemetry, document, span.from_ms, span.to_ms)
        return {**_about(found.id, document), **span.document(), "presets": PRESETS, "widgets": widgets}

    async def read_deletion(request: web.Request) -> dict[str, Any]:
        found = await desk.telemetry().dashboard(request.match_info["id"])
        return _about(found.id, found.document)

    async def create(request: web.Request) -> web.Response:
        if request.content_type not in _FORMS:
            made = await desk.telemetry().create_dashboard(read_document(await request.text()))
            return answer({"id": made.id, "title": made.title, "path": f"/dashboards/{made.id}"}, 201)
        text = await _text_of(request)
        try:
            made = await desk.telemetry().create_dashboard(read_document(text))
        except OddsockError as cause:
            column = getattr(cause, "column", None)
            told = {
                **await _read_list(desk, request),
                "pasted": text[:TEXT_MAX],
                "refused": {"sentence": cause.sentence, "hint": cause.hint, "column": column},
            }
            shown = render(request, "dashboards.html", title="Dashboards", page=plain(told), styles=_STYLES)
            return web.Response(text=shown, status=400, content_type="text/html", headers=HEADERS)
        raise web.HTTPSeeOther(f"/dashboards/{made.id}")

    async def delete(request: web.Request) -> web.Response:
        await desk.telemetry().delete_dashboard(request.match_info["id"])
        if request.content_type not in _FORMS:
            return answer({"deleted": request.match_info["id"]})
        raise web.HTTPSeeOther("/dashboards")

    async def export(request: web.Request) -> web.Response:
        found = await desk.telemetry().dashboard(request.match_info["id"])
        name = re.sub(r"[^a-z0-9]+", "-", found.title.lower()).strip("-") or "dashboard"
        body = msgspec.json.format(msgspec.json.encode(found.document), indent=2)
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.json"'}
        return web.Response(body=body, content_type="application/json", headers=headers)

    deletion = Page("/dashboards/{id}/delete", "Delete a dashboard", "dashboard_delete.html", read_deletion)
    return [
        web.post("/dashboards", create),
        web.post("/dashboards/{id}/delete", delete),
        web.get("/dashboards/{id}/export", export),
        *deletion.routes(),
        *Page("/dashboards", "Dashboards", "dashboards.html", read_list, styles=_STYLES).routes(),
        *Page("/dashboards/{id}", "Dashboard", "dashboard.html", read_one, ("dashboard.js",), _STYLES).routes(),
    ]


async def _read_list(desk: Desk, request: web.Request) -> dict[str, Any]:
    """Every dashboard; those whose title holds `query`, when it is given."""
    wanted = request.query.get("query", "").strip().casefold()
    rows = [
        {
            "id": one.id,
            "title": one.title,
            "description": str(one.document.get("description") or ""),
            "modified_at": str(one.document.get("modified_at") or ""),
            "author": str(one.document.get("author_handle") or ""),
        }
        for one in await desk.telemetry().dashboards()
        if wanted in one.title.casefold()
    ]
    span = {name: request.query[name] for name in ("from", "to") if request.query.get(name)}
    return {
        "query": request.query.get("query", ""),
        "span": span,
        "dashboards": sorted(rows, key=lambda row: row["title"].casefold()),
        "refused": None,
        "pasted": "",
    }


async def _text_of(request: web.Request) -> str:
    """What a form brings: its file where one was chosen, else what was pasted."""
    form = await request.post()
    file = form.get("file")
    if isinstance(file, web.FileField):
        content = file.file.read()
        if content.strip():
            return content.decode("utf-8", "replace")
    return str(form.get("document") or "")


def read_document(text: str) -> dict[str, Any]:
    """Datadog's JSON of one dashboard in *text*; UsageError when it is none."""
    if not text.strip():
        raise UsageError("There is nothing to import.", "Paste the JSON of a dashboard, or choose its file.")
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as cause:
        raise UsageError(f"This is not JSON: {cause}.", "Datadog gives it by Export dashboard JSON.") from cause
    if not isinstance(found, dict):
        raise UsageError("A dashboard is a JSON object with title, layout_type and widgets.")
    return found


def fill_variables(document: dict[str, Any], query: Any) -> dict[str, Any]:
    """*document* with the values that *query* gives for template variables, as `tpl_var_NAME=VALUE`."""
    variables = [one for one in document.get("template_variables") or [] if isinstance(one, dict)]
    chosen = [
        {**one, "defaults": [query[key]]} if query.get(key := f"{VARIABLE}{one.get('name')}") else one
        for one in variables
    ]
    return {**document, "template_variables": chosen}


def _about(dashboard_id: str, document: dict[str, Any]) -> dict[str, Any]:
    variables = [
        {
            "name": str(one.get("name")),
            "key": f"{VARIABLE}{one.get('name')}",
            "value": str((one.get("defaults") or [one.get("default") or "*"])[0]),
        }
        for one in document.get("template_variables") or []
    ]
    return {
        "id": dashboard_id,
        "title": str(document.get("title") or ""),
        "description": str(document.get("description") or ""),
        "variables": variables,
    }
