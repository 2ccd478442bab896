"""Patches of an object, and among them server-side apply: what a manager says now, in place of what it said before.

https://kubernetes.io/docs/reference/using-api/server-side-apply/ without conflicts: who applies last is right, as if
every apply were forced. Lists merge as strategic merge patches do.
"""

import copy
import json
from typing import Any

from aiohttp import web

from oddsock.cluster import managed_fields
from oddsock.cluster.api import resources
from oddsock.cluster.api.context import context_of
from oddsock.cluster.api.event_view import shown
from oddsock.cluster.api.media import read_body
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.patches import apply_strategic_patch
from oddsock.cluster.status import BadRequest

APPLY_PATCH = "application/apply-patch+yaml"


async def patch(request: web.Request, target: Target) -> web.Response:
    """An object changed by one of the three patches, or applied; 201 when the apply created it."""
    if request.content_type != APPLY_PATCH:
        return await resources.patch(request, target)
    applied = await read_body(request, frozenset({APPLY_PATCH}))
    manager = request.query.get("fieldManager", "")
    if not manager:
        raise BadRequest(
            "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
        )
    if not isinstance(applied, dict) or not isinstance(applied.get("metadata") or {}, dict):
        raise BadRequest("error decoding patch: it is not an object")
    if (applied.get("metadata") or {}).get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    old = context_of(request).store.find(target.kind.name, target.namespace, target.name)
    if old is None:
        meta = {**(applied.get("metadata") or {}), "name": target.name}
        return resources.create_from(request, target, {**applied, "metadata": meta})
    left = without_dropped(copy.deepcopy(shown(target.kind, old)), applied, manager)
    return resources.replace_with(request, target, old, apply_strategic_patch(left, applied))


def without_dropped(obj: Obj, applied: Obj, manager: str) -> Obj:
    """*obj*, changed in place, without the fields that *manager* set before and does not have in *applied* any more."""
    for entry in obj["metadata"].get("managedFields") or ():
        if entry["manager"] == manager and not entry.get("subresource"):
            _drop(obj, entry["fieldsV1"], managed_fields.changed_fields({}, applied)[0])
    return obj


def _drop(value: Any, owned: Obj, kept: Obj) -> None:
    for key, below in owned.items():
        if key not in kept and not below:
            _remove(value, key)
        elif below and (part := _part(value, key)) is not None:
            identity = dict(json.loads(key[2:])) if key.startswith("k:") else {}
            _drop(part, below, kept.get(key, {}))
            if key not in kept and not part:
                _remove(value, key, part)
            elif identity:
                part.update(identity)


def _part(value: Any, key: str) -> Any:
    if key.startswith("k:") and isinstance(value, list):
        identity = json.loads(key[2:])
        return next((item for item in value if identity.items() <= item.items()), None)
    return value.get(key[2:]) if isinstance(value, dict) else None


def _remove(value: Any, key: str, part: Any = None) -> None:
    if isinstance(value, dict):
        value.pop(key[2:], None)
    elif isinstance(value, list) and (part := part if part is not None else _part(value, key)) is not None:
        value[:] = [item for item in value if item is not part]
