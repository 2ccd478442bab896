"""What happens to an object between the wire and the store: checked against its path, completed, validated."""

import uuid

from oddsock.cluster import defaults, validation
from oddsock.cluster.api.event_view import stored
from oddsock.cluster.api.paths import Target
from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import BadRequest, Conflict, NotFound, Refused
from oddsock.cluster.store import Store


def admit_new(store: Store, target: Target, obj: Obj) -> Obj:
    """*obj* as it may be created at *target*: in its namespace, with defaults; ApiError when it may not."""
    obj = _checked(target, obj)
    meta = obj["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = f"{meta['generateName']}{uuid.uuid4().hex[:5]}"
    for ours in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "managedFields"):
        meta.pop(ours, None)
    if target.kind.namespaced:
        space = store.find("Namespace", "", meta["namespace"])
        if space is None:
            raise NotFound.of("Namespace", meta["namespace"])
        if "deletionTimestamp" in space["metadata"]:
            name, place = meta.get("name", ""), meta["namespace"]
            raise Refused(
                f'{target.kind.qualified} "{name}" is forbidden: unable to create new content in namespace {place} '
                "because it is being terminated"
            )
    # A status belongs to the cluster, never to the one who creates; but a node registers itself with its own.
    if target.kind.has_status and target.kind.name != "Node":
        obj.pop("status", None)
    validation.check(obj)
    defaults.fill(obj, store)
    return obj


def admit_changed(store: Store, target: Target, old: Obj, obj: Obj) -> Obj:
    """*obj* as it may replace *old*; ApiError when it may not."""
    obj = _checked(target, obj)
    meta = obj["metadata"]
    if meta.get("name") != target.name:
        raise BadRequest(
            f"the name of the object ({meta.get('name')}) does not match the name on the URL ({target.name})"
        )
    if meta.get("uid") not in (None, "", old["metadata"]["uid"]):
        raise Conflict.of(
            target.kind.name,
            target.name,
            f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {old['metadata']['uid']}",
        )
    validation.check(obj)
    # Between the two: an update may leave out what the cluster filled in, as the cluster IP.
    defaults.fill(obj, store)
    validation.check_change(obj, old)
    return obj


def _checked(target: Target, obj: Obj) -> Obj:
    kind = target.kind
    given = (obj.get("apiVersion"), obj.get("kind"))
    if not given[1] or not given[0]:
        missing = "Kind" if not given[1] else "apiVersion"
        raise BadRequest(f"Object '{missing}' is missing in the body of the request")
    if given != (kind.api_version, kind.name):
        raise BadRequest(
            f"the body holds a {given[0]}, Kind={given[1]} where the URL wants a {kind.api_version}, Kind={kind.name}"
        )
    validation.check_shape(obj)
    obj = stored(kind, dict(obj))
    meta = obj["metadata"] = dict(obj.get("metadata") or {})
    if kind.namespaced:
        if meta.get("namespace") not in (None, "", target.namespace):
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        meta["namespace"] = target.namespace
    else:
        meta.pop("namespace", None)
    return obj
