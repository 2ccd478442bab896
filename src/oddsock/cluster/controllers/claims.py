"""Persistent volume claims: every claim is bound, to a folder of its own that outlives the pods."""

from collections.abc import Iterable

from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store


class ClaimController:
    """Binds claims; the folder itself is made by the kubelet when a pod first mounts it."""

    name = "claim"

    def __init__(self, store: Store) -> None:
        self._store = store

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A claim itself."""
        if obj["kind"] == "PersistentVolumeClaim" and type_ != "DELETED":
            yield obj["metadata"]["namespace"], obj["metadata"]["name"]

    def reconcile(self, key: Key) -> float | None:
        """Bind claim (namespace, name) if it is not bound."""
        namespace, name = key
        claim = self._store.find("PersistentVolumeClaim", namespace, name)
        if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
            return None
        spec = claim["spec"]
        spec.setdefault("volumeName", f"pvc-{claim['metadata']['uid']}")
        self._store.update(claim)
        asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
        status = {"phase": "Bound", "accessModes": spec.get("accessModes") or [], "capacity": {"storage": asked}}
        self._store.update_status("PersistentVolumeClaim", namespace, name, status)
        return None
