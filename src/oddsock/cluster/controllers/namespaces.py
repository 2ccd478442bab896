"""Namespaces: a new one becomes Active, a deleted one is emptied and then gone."""

from collections.abc import Iterable

from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.kinds import BY_NAME, Obj
from oddsock.cluster.store import Store


class NamespaceController:
    """Tells a namespace's phase and empties it when it is deleted."""

    name = "namespace"

    def __init__(self, store: Store) -> None:
        self._store = store

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A namespace itself; for an object that is gone, the namespace that may be empty now."""
        if obj["kind"] == "Namespace" and type_ != "DELETED":
            yield (obj["metadata"]["name"],)
        elif type_ == "DELETED" and obj["metadata"].get("namespace"):
            yield (obj["metadata"]["namespace"],)

    def reconcile(self, key: Key) -> float | None:
        """Make namespace (name,) Active, or delete what is left in it."""
        (name,) = key
        namespace = self._store.find("Namespace", "", name)
        if namespace is None:
            return None
        if "deletionTimestamp" not in namespace["metadata"]:
            if (namespace.get("status") or {}).get("phase") != "Active":
                self._store.update_status("Namespace", "", name, {"phase": "Active"})
            return None
        # Owners first, so that nothing is made again for what goes.
        left = [obj for kind in _kinds_owners_first() for obj in self._store.list(kind, name)]
        for obj in left:
            if "deletionTimestamp" not in obj["metadata"]:
                self._store.delete(obj["kind"], name, obj["metadata"]["name"])
        if not any(self._store.list(kind, name) for kind in _kinds_owners_first()):
            self._store.remove("Namespace", "", name)
        return None


def _kinds_owners_first() -> list[str]:
    owners = ["Deployment", "ReplicaSet", "Service"]
    rest = [kind.name for kind in BY_NAME.values() if kind.namespaced and kind.name not in owners]
    return owners + rest
