"""Who wrote which field last: metadata.managedFields, one entry a manager, operation and subresource.

A field belongs to the manager that last changed its value, as `Update` operations do on a real API server:
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.patches import merge_keys

_NOT_TRACKED = frozenset({"apiVersion", "kind"})
_META_TRACKED = frozenset({"labels", "annotations", "ownerReferences", "finalizers"})


def record(old: Obj, new: Obj, manager: str, at: str, subresource: str = "") -> None:
    """Write into *new* that *manager* made the changes from *old* at *at*; an empty manager leaves all as it is."""
    if not manager:
        return
    changed, removed = changed_fields(_tracked(old), _tracked(new))
    if not changed and not removed:
        return
    entries: list[Obj] = new["metadata"].get("managedFields") or []
    kept = []
    mine: Obj | None = None
    for entry in entries:
        if entry["manager"] == manager and entry.get("subresource", "") == subresource:
            mine = entry
            _without(entry["fieldsV1"], removed)
        else:
            _without(entry["fieldsV1"], changed)
            _without(entry["fieldsV1"], removed)
            if not entry["fieldsV1"]:
                continue
        kept.append(entry)
    if mine is None:
        mine = {
            "manager": manager,
            "operation": "Update",
            "apiVersion": new["apiVersion"],
            "time": at,
            "fieldsType": "FieldsV1",
            "fieldsV1": {},
        }
        if subresource:
            mine["subresource"] = subresource
        kept.append(mine)
    mine["time"] = at
    _union(mine["fieldsV1"], changed)
    new["metadata"]["managedFields"] = kept


def changed_fields(old: Any, new: Any, path: str = "") -> tuple[Obj, Obj]:
    """The field sets (fieldsV1 spelling) that *new* sets differently from *old*, and that *old* alone has."""
    changed: Obj = {}
    removed: Obj = {}
    before, after = _children(old, path), _children(new, path)
    for key, (value, below) in after.items():
        was = before.get(key, (None, below))[0]
        if key in before and was == value:
            continue
        if _children(value, below):
            changed[key], gone = changed_fields(was, value, below)
            if gone:
                removed[key] = gone
        else:
            changed[key] = {}
    for key in before.keys() - after.keys():
        removed[key] = {}
    return changed, removed


def _tracked(obj: Obj) -> Obj:
    kept = {key: value for key, value in obj.items() if key not in _NOT_TRACKED and key != "metadata"}
    meta = {key: value for key, value in (obj.get("metadata") or {}).items() if key in _META_TRACKED}
    return {"metadata": meta, **kept} if meta else kept


def _children(value: Any, path: str) -> dict[str, tuple[Any, str]]:
    # The parts of a value that are owned one by one: members, and elements of lists that have a merge key.
    if isinstance(value, dict):
        return {f"f:{key}": (part, f"{path}.{key}") for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        if not (key := merge_keys(path)):
            return {}
        return {
            "k:" + json.dumps({key: part[key]}, separators=(",", ":")): (part, path) for part in value if key in part
        }
    return {}


def _union(into: Obj, more: Obj) -> None:
    for key, below in more.items():
        _union(into.setdefault(key, {}), below)


def _without(fields: Obj, gone: Obj) -> None:
    for key, below in gone.items():
        if key not in fields:
            continue
        if below:
            _without(fields[key], below)
        if not below or not fields[key]:
            del fields[key]
