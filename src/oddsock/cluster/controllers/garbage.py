"""What belonged to an owner that is gone goes too (background deletion)."""

from collections.abc import Iterable

from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.kinds import BY_NAME, Obj
from oddsock.cluster.store import Store

DEPENDENTS = ("ReplicaSet", "Pod", "Endpoints", "EndpointSlice")
"""Kinds that this cluster's controllers give owners."""


class GarbageController:
    """Deletes objects none of whose owners exist any more."""

    name = "garbage"

    def __init__(self, store: Store) -> None:
        self._store = store

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """An object with owners; for a deleted object, everything that names it as its owner."""
        meta = obj["metadata"]
        if type_ == "DELETED":
            for kind in DEPENDENTS:
                for other in self._store.list(kind, meta.get("namespace")):
                    if any(r.get("uid") == meta["uid"] for r in other["metadata"].get("ownerReferences") or ()):
                        yield kind, other["metadata"]["namespace"], other["metadata"]["name"]
        elif type_ == "ADDED" and obj["kind"] in DEPENDENTS and meta.get("ownerReferences"):
            yield obj["kind"], meta["namespace"], meta["name"]

    def reconcile(self, key: Key) -> float | None:
        """Delete object (kind, namespace, name) when every owner it names is gone."""
        kind, namespace, name = key
        obj = self._store.find(kind, namespace, name)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return None
        references = obj["metadata"].get("ownerReferences") or []
        if references and not any(self._exists(reference, namespace) for reference in references):
            self._store.delete(kind, namespace, name)
        return None

    def _exists(self, reference: Obj, namespace: str) -> bool:
        if reference["kind"] not in BY_NAME:
            # A kind that is not served here may well exist for whoever wrote this.
            return True
        owner = self._store.find(reference["kind"], namespace, reference["name"])
        return owner is not None and owner["metadata"]["uid"] == reference["uid"]
