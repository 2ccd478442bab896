"""The three patches of the Kubernetes API: JSON Patch, JSON Merge Patch, and Strategic Merge Patch.

RFC 6902, RFC 7386, and for the third
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

import copy
import json
from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest, Invalid

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "podIPs": "ip",
    "hostIPs": "ip",
    "conditions": "type",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
}
_SETS = frozenset({"finalizers"})


def merge_keys(path: str) -> str:
    """What identifies elements of the list at dotted *path* (`.spec.ports`); empty when it is replaced whole."""
    name = path.rsplit(".", 1)[-1]
    if name == "ports":
        # Containers' ports go by containerPort, a Service's by port.
        return "containerPort" if "ontainers." in path else "port" if path == ".spec.ports" else ""
    if name == "addresses":
        return "type" if path == ".status.addresses" else ""
    return _MERGE_KEYS.get(name, "")


def apply_json_patch(obj: Obj, operations: Any) -> Obj:
    """*obj* after RFC 6902 *operations*; BadRequest when they are malformed, Invalid when one cannot be done."""
    if not isinstance(operations, list):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    document: Any = copy.deepcopy(obj)
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError) as cause:
            raise Invalid(
                f"the server rejected our request due to an error in our request: {operation!r} cannot be done"
            ) from cause
    if not isinstance(document, dict):
        raise Invalid("the server rejected our request due to an error in our request: nothing is left of the object")
    return document


def apply_merge_patch(obj: Any, patch: Any) -> Any:
    """*obj* after the RFC 7386 *patch*: members are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged


def apply_strategic_patch(obj: Obj, patch: Obj, path: str = "") -> Obj:
    """*obj* after the strategic merge *patch*: as a merge patch, but lists with a merge key are merged by element."""
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if not key.startswith("$")}
    merged = copy.deepcopy(obj)
    if "$retainKeys" in patch:
        merged = {key: value for key, value in merged.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        below = f"{path}.{key}"
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            was = merged.get(key)
            merged[key] = apply_strategic_patch(was if isinstance(was, dict) else {}, value, below)
        elif isinstance(value, list):
            merged[key] = _merge_list(merged.get(key) or [], value, below)
        else:
            merged[key] = value
    for key, value in patch.items():
        name = key.partition("/")[2]
        if key.startswith("$deleteFromPrimitiveList/"):
            merged[name] = [item for item in merged.get(name) or [] if item not in value]
        elif key.startswith("$setElementOrder/") and isinstance(merged.get(name), list):
            merged[name] = _ordered(merged[name], value, merge_keys(f"{path}.{name}"))
    return merged


def _merge_list(old: list[Any], patch: list[Any], path: str) -> list[Any]:
    name = path.rsplit(".", 1)[-1]
    if name in _SETS:
        return old + [item for item in patch if item not in old]
    key = merge_keys(path)
    if not key:
        return [copy.deepcopy(item) for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if "$patch" not in item]
    merged = list(old)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise BadRequest(f"map: {item!r} does not contain declared merge key: {key}")
        place = next((n for n, there in enumerate(merged) if _is_same(there, item, key)), None)
        if item.get("$patch") == "delete":
            if place is not None:
                del merged[place]
        elif place is None:
            merged.append(apply_strategic_patch({}, item, path))
        else:
            merged[place] = apply_strategic_patch(merged[place], item, path)
    return merged


def _is_same(there: Obj, item: Obj, key: str) -> bool:
    if there.get(key) != item[key]:
        return False
    # One port number may be open for TCP and for UDP.
    if key in {"containerPort", "port"} and "protocol" in item:
        return bool(there.get("protocol", "TCP") == item["protocol"])
    return True


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    # Listed elements take the places that listed elements had, in the listed order; others stay where they are.
    ranks = {json.dumps(entry.get(key) if key else entry): rank for rank, entry in enumerate(order)}

    def rank(item: Any) -> int:
        return ranks.get(json.dumps(item.get(key) if key else item), -1)

    listed = iter(sorted((item for item in items if rank(item) >= 0), key=rank))
    return [next(listed) if rank(item) >= 0 else item for item in items]


def _operate(document: Any, operation: Obj) -> Any:
    verb, path = operation["op"], _pointer(operation["path"])
    if verb == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError("the tested value is another")
    elif verb == "remove":
        _remove(document, path)
    elif verb == "add":
        document = _add(document, path, copy.deepcopy(operation["value"]))
    elif verb == "replace":
        _at(document, path)
        if path:
            _remove(document, path)
        document = _add(document, path, copy.deepcopy(operation["value"]))
    elif verb in {"move", "copy"}:
        source = _pointer(operation["from"])
        value = copy.deepcopy(_at(document, source))
        if verb == "move":
            _remove(document, source)
        document = _add(document, path, value)
    else:
        raise BadRequest(f"error decoding patch: {verb!r} is no JSON patch operation")
    return document


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(part, len(document) - 1)] if isinstance(document, list) else document[part]
    return document


def _index(part: str, highest: int) -> int:
    if not part.isdecimal() or int(part) > highest:
        raise IndexError(part)
    return int(part)


def _remove(document: Any, path: list[str]) -> None:
    parent = _at(document, path[:-1])
    del parent[_index(path[-1], len(parent) - 1) if isinstance(parent, list) else path[-1]]


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _at(document, path[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if path[-1] == "-" else _index(path[-1], len(parent)), value)
    else:
        parent[path[-1]] = value
    return document
