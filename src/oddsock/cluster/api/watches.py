"""Watches: changes as JSON lines for as long as the client listens, as objects or as rows of a Table.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import contextlib
import json
from typing import Any

from aiohttp import web

from oddsock.cluster.api.context import Context, context_of
from oddsock.cluster.api.event_view import shown
from oddsock.cluster.api.media import JSON, flag, number, wanted
from oddsock.cluster.api.paths import Target
from oddsock.cluster.api.resources import FORMS, selectors
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import ApiError, BadRequest, Expired
from oddsock.cluster.tables import partial_metadata, table
from oddsock.cluster.watch import Watch

WATCH_S_MAX = 1800
"""Wall seconds after which a watch ends unless the client asked for less; clients watch again."""

BOOKMARK_S = 10.0
"""Wall seconds without a change after which a client that allows bookmarks gets one."""

INITIAL_END = "k8s.io/initial-events-end"


async def watch(request: web.Request, target: Target) -> web.StreamResponse:
    """Stream the changes of a collection (or of one object) from `resourceVersion` on."""
    context = context_of(request)
    form = wanted(request, FORMS).form
    since, sends_initial = _since(request), flag(request, "sendInitialEvents")
    labels, fields = selectors(request, target)
    changes: Watch | None = None
    refusal: ApiError | None = None
    try:
        place = (target.kind.name, target.namespace or None, None if sends_initial else since)
        changes = context.store.watch(*place, labels, fields)
    except Expired as too_old:
        refusal = too_old
    response = web.StreamResponse(headers={"Content-Type": JSON})
    response.enable_chunked_encoding()
    await response.prepare(request)
    lines = _Lines(response, context, target, form, request.query.get("includeObject", "Metadata"))
    if changes is None:
        await lines.send("ERROR", (refusal or Expired("too old resource version")).as_status())
        return response
    context.watches.add(changes)
    try:
        # The client may go away between two lines: the ordinary end of a watch.
        with contextlib.suppress(ConnectionResetError):
            await _follow(request, context, changes, lines, sends_initial)
    finally:
        context.watches.discard(changes)
        changes.close()
    return response


class _Lines:
    """One watch answer being written; a Table says its columns once."""

    def __init__(self, response: web.StreamResponse, context: Context, target: Target, form: str, include: str) -> None:
        self._response = response
        self._context = context
        self._target = target
        self._form = form
        self._include = include
        self._is_first = True

    async def send(self, type_: str, obj: Obj) -> None:
        """Write one change, or an ERROR whose object is a Status."""
        if type_ != "ERROR":
            obj = self._formed(obj)
        line: dict[str, Any] = {"type": type_, "object": obj}
        await self._response.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")

    async def bookmark(self, is_initial_end: bool = False) -> None:
        """Write that everything up to the store's version has been sent."""
        meta: Obj = {"resourceVersion": str(self._context.store.version), "creationTimestamp": None}
        if is_initial_end:
            meta["annotations"] = {INITIAL_END: "true"}
        kind = self._target.kind
        obj: Obj = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta}
        if self._form == "Table":
            obj = {**table(kind, [], self._context.clock.now(), with_columns=self._is_first), "metadata": meta}
            self._is_first = False
        elif self._form:
            obj = partial_metadata(obj)
        line = {"type": "BOOKMARK", "object": obj}
        await self._response.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _formed(self, obj: Obj) -> Obj:
        kind = self._target.kind
        if self._form == "Table":
            rows = table(kind, [obj], self._context.clock.now(), self._include, self._is_first)
            self._is_first = False
            return {**rows, "metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}}
        return partial_metadata(obj) if self._form else shown(kind, obj)


async def _follow(request: web.Request, context: Context, changes: Watch, lines: _Lines, sends_initial: bool) -> None:
    wants_bookmarks = flag(request, "allowWatchBookmarks")
    asked = number(request, "timeoutSeconds") or WATCH_S_MAX
    end = context.clock.monotonic() + min(asked, WATCH_S_MAX)
    if sends_initial:
        while (change := changes.take()) is not None:
            await lines.send(*change)
        if wants_bookmarks:
            await lines.bookmark(is_initial_end=True)
    while not context.is_closing and (left := end - context.clock.monotonic()) > 0:
        try:
            change = await changes.next(min(left, BOOKMARK_S))
        except Expired as cut:
            await lines.send("ERROR", cut.as_status())
            return
        if change is not None:
            await lines.send(*change)
        elif wants_bookmarks and not changes.is_over:
            await lines.bookmark()
        if changes.is_over:
            return


def _since(request: web.Request) -> int | None:
    text = request.query.get("resourceVersion", "")
    if text in ("", "0"):
        return None
    if not text.isdecimal():
        raise BadRequest(f'Invalid value: "{text}": resourceVersion is no whole number')
    return int(text)
