"""Monitors on the wire: made, changed, muted, taken away, listed, searched; their history on a path of ours."""

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from oddsock.telemetry.api.bodies import read_json
from oddsock.telemetry.api.errors import ApiError, answer_json
from oddsock.telemetry.api.fields import read_int, read_object, read_text
from oddsock.telemetry.api.monitor_shapes import (
    as_searched,
    group_as_searched,
    show_found,
    show_found_group,
    show_history,
    show_monitor,
)
from oddsock.telemetry.monitors.evaluation import ALL
from oddsock.telemetry.monitors.record import HISTORY_MAX
from oddsock.telemetry.monitors.watch import Watch
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_search import parse_search
from oddsock.telemetry.records import Log

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1000
FOUND_SIZE, HISTORY_SIZE = 30, 100


def routes(watch: Watch, interval_s: float) -> list[web.RouteDef]:
    """Every path of monitors; *interval_s* is the pause between evaluations in plan seconds, which answers tell."""
    monitors = _Monitors(watch, interval_s)
    return [
        web.post("/api/v1/monitor", monitors.create),
        web.get("/api/v1/monitor", monitors.list),
        web.post("/api/v1/monitor/validate", monitors.validate),
        web.get("/api/v1/monitor/search", monitors.search),
        web.get("/api/v1/monitor/groups/search", monitors.search_groups),
        web.get("/api/v1/monitor/can_delete", monitors.tell_deletable),
        web.get("/api/v1/monitor/{id}", monitors.get),
        web.put("/api/v1/monitor/{id}", monitors.update),
        web.delete("/api/v1/monitor/{id}", monitors.delete),
        web.post("/api/v1/monitor/{id}/validate", monitors.validate_existing),
        web.post("/api/v1/monitor/{id}/mute", monitors.mute),
        web.post("/api/v1/monitor/{id}/unmute", monitors.unmute),
        web.get("/_oddsock/monitors/{id}/history", monitors.tell_history),
    ]


class _Monitors:
    """The requests' answers over one watch."""

    def __init__(self, watch: Watch, interval_s: float) -> None:
        self._watch = watch
        self._roster = watch.roster
        self._interval_s = interval_s

    async def create(self, request: web.Request) -> web.Response:
        document = self._roster.create(await _read(request))
        return answer_json(self._show(document, None))

    async def validate(self, request: web.Request) -> web.Response:
        self._roster.check(await _read(request))
        return answer_json({})

    async def validate_existing(self, request: web.Request) -> web.Response:
        document = self._find(request)
        self._roster.check({**document, **await _read(request)})
        return answer_json({})

    async def get(self, request: web.Request) -> web.Response:
        states = request.query.get("group_states")
        return answer_json(self._show(self._find(request), _listed(states) if states else None))

    async def list(self, request: web.Request) -> web.Response:
        given = dict(request.query)
        matches = _filter(given)
        page, size = read_int(given, "page", 0), read_int(given, "page_size", PAGE_SIZE)
        if page < 0 or not 1 <= size <= PAGE_SIZE_MAX:
            raise ApiError(400, f"page must be 0 or more, page_size from 1 to {PAGE_SIZE_MAX}.")
        found = [document for document in self._roster.documents() if matches(document)]
        if "page" in given:
            found = found[page * size : (page + 1) * size]
        elif "id_offset" in given:
            found = [d for d in found if d["id"] > read_int(given, "id_offset", 0)][:size]
        states = _listed(given["group_states"]) if given.get("group_states") else None
        return answer_json([self._show(document, states) for document in found])

    async def search(self, request: web.Request) -> web.Response:
        accepts = _accepting(request)
        found = [
            show_found(document, self._watch)
            for document in self._roster.documents()
            if accepts(as_searched(document, self._watch))
        ]
        counts = {
            "status": _counts([one["status"] for one in found]),
            "type": _counts([one["classification"] for one in found]),
            "tag": _counts([tag for one in found for tag in one["tags"]]),
            "muted": _counts([one["is_muted"] for one in found]),
        }
        return _page(request, "monitors", found, counts)

    async def search_groups(self, request: web.Request) -> web.Response:
        accepts = _accepting(request)
        rows = [
            (document["type"], show_found_group(document, state))
            for document in self._roster.documents()
            for state in self._watch.groups(document["id"]).values()
            if accepts(group_as_searched(document, state, self._watch))
        ]
        counts = {
            "status": _counts([found["status"] for _, found in rows]),
            "type": _counts([kind for kind, _ in rows]),
        }
        return _page(request, "groups", [found for _, found in rows], counts)

    async def update(self, request: web.Request) -> web.Response:
        monitor_id = self._find(request)["id"]
        before = self._roster.definition(monitor_id)
        document = self._roster.update(monitor_id, await _read(request))
        if document is None:
            raise _not_found(str(monitor_id))
        after = self._roster.definition(monitor_id)
        if before is None or after is None or before.query != after.query:
            self._watch.forget(monitor_id)
        return answer_json(self._show(document, None))

    async def delete(self, request: web.Request) -> web.Response:
        monitor_id = self._find(request)["id"]
        users = self._roster.users_of(monitor_id)
        if users and request.query.get("force") != "true":
            raise ApiError(400, f"monitor [{monitor_id}] is referenced in composite monitors: {users}")
        self._roster.delete(monitor_id)
        self._watch.forget(monitor_id)
        return answer_json({"deleted_monitor_id": monitor_id})

    async def tell_deletable(self, request: web.Request) -> web.Response:
        ids = [text for text in request.query.get("monitor_ids", "").split(",") if text]
        if not ids or len(ids) > PAGE_SIZE_MAX:
            raise ApiError(400, f"monitor_ids must name 1 to {PAGE_SIZE_MAX} monitors.")
        free, errors = [], {}
        for text in ids:
            document = self._lookup(text)
            if users := self._roster.users_of(document["id"]):
                errors[text] = [f"monitor [{text}] is referenced in composite monitors: {users}"]
            else:
                free.append(document["id"])
        return answer_json({"data": {"ok": free}, "errors": errors or None}, 409 if errors else 200)

    async def mute(self, request: web.Request) -> web.Response:
        given = await _read_either(request)
        scope, until_s = read_text(given, "scope", 500) or ALL, read_int(given, "end", 0) or None
        return self._silence(request, lambda silenced: silenced.update({scope: until_s}))

    async def unmute(self, request: web.Request) -> web.Response:
        given = await _read_either(request)
        scope = read_text(given, "scope", 500) or ALL
        if str(given.get("all_scopes", "")).lower() == "true":
            return self._silence(request, lambda silenced: silenced.clear())
        return self._silence(request, lambda silenced: silenced.pop(scope, None))

    async def tell_history(self, request: web.Request) -> web.Response:
        given = dict(request.query)
        limit = read_int(given, "limit", HISTORY_SIZE)
        if not 1 <= limit <= HISTORY_MAX:
            raise ApiError(400, f"limit must be from 1 to {HISTORY_MAX}.")
        before = read_int(given, "before", 0) if "before" in given else None
        document = self._find(request)
        rows = [show_history(row) for row in self._watch.record.history(document["id"], limit, before)]
        return answer_json({"monitor_id": document["id"], "name": document["name"], "history": rows})

    def _silence(self, request: web.Request, change: Callable[[dict[str, Any]], object]) -> web.Response:
        document = self._roster.mute(self._find(request)["id"], change)
        if document is None:
            raise _not_found(request.match_info["id"])
        return answer_json(self._show(document, None))

    def _show(self, document: dict[str, Any], states: frozenset[str] | None) -> dict[str, Any]:
        return show_monitor(document, self._watch, self._interval_s, states)

    def _find(self, request: web.Request) -> dict[str, Any]:
        return self._lookup(request.match_info["id"])

    def _lookup(self, text: str) -> dict[str, Any]:
        is_id = text.isascii() and text.isdigit() and len(text) < 19
        document = self._roster.document(int(text)) if is_id else None
        if document is None:
            raise _not_found(text)
        return document


async def _read(request: web.Request) -> dict[str, Any]:
    return read_object(await read_json(request), "monitor")


async def _read_either(request: web.Request) -> dict[str, Any]:
    """The fields of a body, of the address where there is none."""
    body = await _read(request) if request.can_read_body else {}
    return {**dict(request.query), **body}


def _not_found(text: str) -> ApiError:
    return ApiError(404, "Monitor not found", f"There is no monitor {text[:50]}.")


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


def _filter(given: dict[str, str]) -> Callable[[dict[str, Any]], bool]:
    name = given.get("name", "").lower()
    own_tags = {tag for tag in given.get("monitor_tags", "").split(",") if tag}
    scope = [tag for tag in given.get("tags", "").split(",") if tag]

    def matches(document: dict[str, Any]) -> bool:
        return (
            name in document["name"].lower()
            and own_tags <= set(document["tags"])
            and all(tag in document["query"] for tag in scope)
        )

    return matches


def _accepting(request: web.Request) -> Callable[[Log], bool]:
    return predicate(parse_search(read_text(dict(request.query), "query", 10_000)))


def _page(request: web.Request, name: str, found: list[dict[str, Any]], counts: dict[str, Any]) -> web.Response:
    """The asked page of a search's *found* rows, sorted as it asks."""
    given = dict(request.query)
    page, size = read_int(given, "page", 0), read_int(given, "per_page", FOUND_SIZE)
    if page < 0 or not 1 <= size <= PAGE_SIZE_MAX:
        raise ApiError(400, f"page must be 0 or more, per_page from 1 to {PAGE_SIZE_MAX}.")
    _sort(found, read_text(given, "sort", 100))
    metadata = {"page": page, "per_page": size, "page_count": -(-len(found) // size), "total_count": len(found)}
    return answer_json({name: found[page * size : (page + 1) * size], "metadata": metadata, "counts": counts})


def _sort(found: list[dict[str, Any]], by: str) -> None:
    field, _, order = by.partition(",")
    if found and field in {"name", "status", "id"} & set(found[0]):
        found.sort(key=lambda one: one[field], reverse=order == "desc")


def _counts(values: Sequence[str | bool]) -> list[dict[str, Any]]:
    return [{"name": value, "count": values.count(value)} for value in sorted(set(values))]
