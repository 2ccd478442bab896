"""Objects over the wire: get, list, create, update, patch, delete, of a whole object or of its status."""

import base64
import binascii
import json

from aiohttp import web

from oddsock.cluster.api.admission import admit_changed, admit_new
from oddsock.cluster.api.context import Context, context_of
from oddsock.cluster.api.event_view import shown, stored, stored_fields
from oddsock.cluster.api.media import (
    OBJECTS,
    answer,
    drop_unknown,
    field_manager,
    is_dry_run,
    number,
    read_body,
    read_object,
    wanted,
    with_warnings,
)
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.patches import apply_json_patch, apply_merge_patch, apply_strategic_patch
from oddsock.cluster.status import BadRequest, Conflict, NotFound, success
from oddsock.cluster.store import Store
from oddsock.cluster.tables import partial_metadata, table

FORMS = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_PATCHES = frozenset({JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH})
# Deletion waits for the garbage collector only where somebody else cleans up, so "Orphan" is done here and now.
_ORPHAN = "Orphan"


async def get(request: web.Request, target: Target) -> web.Response:
    """One object, as itself, as a Table of one row, or as its metadata."""
    context = context_of(request)
    form = wanted(request, FORMS).form
    obj = context.store.get(target.kind.name, target.namespace, target.name)
    return answer(_formed(context, target, obj, form, request.query.get("includeObject", "Metadata")))


async def list_objects(request: web.Request, target: Target) -> web.Response:
    """The selected objects of a collection, a page of `limit` at a time."""
    context = context_of(request)
    form = wanted(request, FORMS).form
    objects = context.store.list(target.kind.name, target.namespace or None, *selectors(request, target))
    objects, meta = _page(request, objects)
    meta["resourceVersion"] = str(context.store.version)
    if form == "Table":
        include = request.query.get("includeObject", "Metadata")
        rows = table(target.kind, objects, context.clock.now(), include)
        if include == "Object":
            for row in rows["rows"]:
                row["object"] = shown(target.kind, row["object"])
        return answer({**rows, "metadata": meta})
    if form:
        items = [partial_metadata(obj) for obj in objects]
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        return answer({**head, "metadata": meta, "items": items})
    items = [shown(target.kind, obj) for obj in objects]
    head = {"kind": f"{target.kind.name}List", "apiVersion": target.kind.api_version}
    return answer({**head, "metadata": meta, "items": items})


async def create(request: web.Request, target: Target) -> web.Response:
    """A new object; 201 with what was kept."""
    return create_from(request, target, await read_object(request))


def create_from(request: web.Request, target: Target, obj: Obj) -> web.Response:
    """The answer to *request* after *obj* was created."""
    context = context_of(request)
    _name_kind(target, obj)
    warnings = drop_unknown(request, obj)
    admitted = admit_new(context.store, target, obj)
    kept = _writable(request, context).create(admitted, manager=field_manager(request))
    return with_warnings(answer(_formed(context, target, kept, wanted(request, FORMS).form), 201), warnings)


async def update(request: web.Request, target: Target) -> web.Response:
    """An object, or its status, replaced; Conflict when its resourceVersion is not the latest."""
    body = await read_object(request)
    old = context_of(request).store.get(target.kind.name, target.namespace, target.name)
    return replace_with(request, target, old, body)


async def patch(request: web.Request, target: Target) -> web.Response:
    """An object, or its status, changed by one of the three patches."""
    change = await read_body(request, _PATCHES)
    old = context_of(request).store.get(target.kind.name, target.namespace, target.name)
    return replace_with(request, target, old, patched(request.content_type, shown(target.kind, old), change))


def replace_with(request: web.Request, target: Target, old: Obj, new: Obj) -> web.Response:
    """The answer to *request* after *new* took the place of *old*, or its status that of *old*'s."""
    context = context_of(request)
    _name_kind(target, new)
    warnings = drop_unknown(request, new)
    kept = _replace(request, target, old, new)
    return with_warnings(answer(_formed(context, target, kept, wanted(request, FORMS).form)), warnings)


def patched(media: str, obj: Obj, change: object) -> Obj:
    """*obj* after the patch *change* of media type *media*; BadRequest when it is none."""
    if media == JSON_PATCH:
        return apply_json_patch(obj, change)
    if not isinstance(change, dict):
        raise BadRequest("error decoding patch: it is not an object")
    result: Obj = apply_merge_patch(obj, change) if media == MERGE_PATCH else apply_strategic_patch(obj, change)
    return result


async def delete(request: web.Request, target: Target) -> web.Response:
    """One object deleted: the object while it is still stopping, else a Status of success."""
    context = context_of(request)
    options = await _delete_options(request)
    old = context.store.get(target.kind.name, target.namespace, target.name)
    left = delete_with(request, target, old, options)
    if left is None:
        return answer(success(target.kind, target.name, old["metadata"]["uid"]))
    return answer(shown(target.kind, left))


def delete_with(request: web.Request, target: Target, old: Obj, options: Obj) -> Obj | None:
    """What is left of *old*, deleted as meta/v1 DeleteOptions *options* say; None when it is gone."""
    context = context_of(request)
    return _delete(context, _writable(request, context, options), target, old, options)


async def delete_collection(request: web.Request, target: Target) -> web.Response:
    """Every selected object deleted; answers the list of them."""
    context = context_of(request)
    options = await _delete_options(request)
    objects = context.store.list(target.kind.name, target.namespace or None, *selectors(request, target))
    store = _writable(request, context, options)
    for obj in objects:
        _delete(context, store, target, obj, options)
    head = {"kind": f"{target.kind.name}List", "apiVersion": target.kind.api_version}
    meta = {"resourceVersion": str(store.version)}
    return answer({**head, "metadata": meta, "items": [shown(target.kind, obj) for obj in objects]})


def selectors(request: web.Request, target: Target) -> tuple[str, str]:
    """The label and the field selector of a request, the latter in the stored spelling."""
    fields = stored_fields(target.kind, request.query.get("fieldSelector", ""))
    if target.name:
        fields = ",".join(term for term in (f"metadata.name={target.name}", fields) if term)
    return request.query.get("labelSelector", ""), fields


def _name_kind(target: Target, obj: Obj) -> None:
    # Some clients leave out what the path tells anyhow; a real API server takes it from there too.
    for key, value in (("apiVersion", target.kind.api_version), ("kind", target.kind.name)):
        if obj.get(key) in (None, ""):
            obj[key] = value


def _formed(context: Context, target: Target, obj: Obj, form: str, include: str = "Metadata") -> Obj:
    if form == "Table":
        rows = table(target.kind, [obj], context.clock.now(), include)
        return {**rows, "metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}}
    return partial_metadata(obj) if form else shown(target.kind, obj)


def _writable(request: web.Request, context: Context, options: Obj | None = None) -> Store:
    is_rehearsal = is_dry_run(request) or "All" in ((options or {}).get("dryRun") or ())
    return context.store.rehearsal() if is_rehearsal else context.store


def _replace(request: web.Request, target: Target, old: Obj, new: Obj) -> Obj:
    context = context_of(request)
    store, manager = _writable(request, context), field_manager(request)
    version = (new.get("metadata") or {}).get("resourceVersion")
    if target.subresource == "status":
        if not target.kind.has_status:
            raise NotFound.resource()
        status = stored(target.kind, new).get("status") or {}
        place = (target.kind.name, target.namespace, target.name)
        return store.update_status(*place, status, expect_version=version, manager=manager)
    admitted = admit_changed(context.store, target, old, new)
    return store.update(admitted, expect_version=version, manager=manager)


async def _delete_options(request: web.Request) -> Obj:
    options = await read_body(request, OBJECTS)
    options = dict(options) if isinstance(options, dict) else {}
    if (grace := number(request, "gracePeriodSeconds")) is not None:
        options["gracePeriodSeconds"] = grace
    if policy := request.query.get("propagationPolicy"):
        options["propagationPolicy"] = policy
    return options


def _delete(context: Context, store: Store, target: Target, old: Obj, options: Obj) -> Obj | None:
    # Returns what is left of the object, None when it is gone.
    name, namespace, meta = old["metadata"]["name"], old["metadata"].get("namespace", ""), old["metadata"]
    for key, path in (("uid", "uid"), ("resourceVersion", "resourceVersion")):
        asked = (options.get("preconditions") or {}).get(key)
        if asked and asked != meta[path]:
            why = f"Precondition failed: {key} in precondition: {asked}, {key} in object meta: {meta[path]}"
            raise Conflict.of(target.kind.name, name, why)
    if options.get("propagationPolicy") == _ORPHAN or options.get("orphanDependents"):
        _orphan(store, meta["uid"])
    last = store.delete(target.kind.name, namespace, name, options.get("gracePeriodSeconds"))
    return last if store.find(target.kind.name, namespace, name) is not None else None


def _orphan(store: Store, owner: str) -> None:
    for kind in ("ReplicaSet", "Pod", "Endpoints", "EndpointSlice"):
        for obj in store.list(kind):
            references = obj["metadata"].get("ownerReferences") or []
            kept = [reference for reference in references if reference.get("uid") != owner]
            if len(kept) != len(references):
                obj["metadata"].pop("ownerReferences")
                obj["metadata"].update({"ownerReferences": kept} if kept else {})
                store.update(obj)


def _page(request: web.Request, objects: list[Obj]) -> tuple[list[Obj], Obj]:
    limit, after = number(request, "limit"), request.query.get("continue", "")
    if after:
        try:
            last = tuple(json.loads(base64.urlsafe_b64decode(after.encode())))
        except (ValueError, binascii.Error) as cause:
            raise BadRequest("continue key is not valid: it was not made by this server") from cause
        objects = [obj for obj in objects if _place(obj) > last]
    if not limit or len(objects) <= limit:
        return objects, {}
    page = objects[:limit]
    token = base64.urlsafe_b64encode(json.dumps(_place(page[-1])).encode()).decode()
    return page, {"continue": token, "remainingItemCount": len(objects) - limit}


def _place(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
