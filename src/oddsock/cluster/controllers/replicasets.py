"""Replica sets: as many pods as asked; what is superfluous goes, the least useful first.

Follows kube-controller-manager's replicaset controller; the texts of its events are the original's.
"""

from collections.abc import Iterable

from oddsock.cluster.controllers.events import EventRecorder, Source
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.controllers.pods import (
    available_in_s,
    controller_of,
    is_active,
    is_owned_by,
    is_ready,
    owner_reference,
    safe_suffix,
)
from oddsock.cluster.defaults import fill
from oddsock.cluster.kinds import Obj
from oddsock.cluster.selectors import object_selector
from oddsock.cluster.store import Store

SOURCE = Source("replicaset-controller")


class ReplicaSetController:
    """Creates, adopts and deletes the pods of replica sets, and counts them."""

    name = "replicaset"

    def __init__(self, store: Store, events: EventRecorder) -> None:
        self._store = store
        self._events = events

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A replica set itself; for a pod, its controller, or every replica set of its namespace when it has none."""
        meta = obj["metadata"]
        if obj["kind"] == "ReplicaSet" and type_ != "DELETED":
            yield meta["namespace"], meta["name"]
        elif obj["kind"] == "Pod":
            owner = controller_of(obj)
            if owner is None:
                for orphan_of in self._store.list("ReplicaSet", meta["namespace"]):
                    yield meta["namespace"], orphan_of["metadata"]["name"]
            elif owner["kind"] == "ReplicaSet":
                yield meta["namespace"], owner["name"]

    def reconcile(self, key: Key) -> float | None:
        """Make the pods of replica set (namespace, name) as many as it asks for and write its status."""
        namespace, name = key
        replica_set = self._store.find("ReplicaSet", namespace, name)
        if replica_set is None:
            return None
        if "deletionTimestamp" not in replica_set["metadata"]:
            active = [pod for pod in self._pods(replica_set) if is_active(pod)]
            wanted = replica_set["spec"].get("replicas", 1)
            for _ in range(wanted - len(active)):
                self._create_pod(replica_set)
            for pod in sorted(active, key=usefulness)[: max(0, len(active) - wanted)]:
                self._delete_pod(replica_set, pod)
        return self._write_status(key)

    def _pods(self, replica_set: Obj) -> list[Obj]:
        selector = object_selector(replica_set["spec"]["selector"])
        owned = []
        for pod in self._store.list("Pod", replica_set["metadata"]["namespace"], selector):
            if controller_of(pod) is None and is_active(pod):
                references = pod["metadata"].get("ownerReferences") or []
                pod["metadata"]["ownerReferences"] = [*references, owner_reference(replica_set)]
                pod = self._store.update(pod)
            if is_owned_by(pod, replica_set):
                owned.append(pod)
        return owned

    def _create_pod(self, replica_set: Obj) -> None:
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        wanted = template.get("metadata") or {}
        pod: Obj = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{meta['name']}-",
                "name": f"{meta['name']}-{safe_suffix()}",
                "namespace": meta["namespace"],
                "labels": dict(wanted.get("labels") or {}),
                **({"annotations": dict(wanted["annotations"])} if wanted.get("annotations") else {}),
                "ownerReferences": [owner_reference(replica_set)],
            },
            "spec": template["spec"],
        }
        # The store copies what it keeps; the template is not shared.
        fill(pod, self._store)
        created = self._store.create(pod)
        name = created["metadata"]["name"]
        self._events.record(SOURCE, replica_set, "SuccessfulCreate", f"Created pod: {name}")

    def _delete_pod(self, replica_set: Obj, pod: Obj) -> None:
        meta = pod["metadata"]
        self._store.delete("Pod", meta["namespace"], meta["name"])
        self._events.record(SOURCE, replica_set, "SuccessfulDelete", f"Deleted pod: {meta['name']}")

    def _write_status(self, key: Key) -> float | None:
        namespace, name = key
        replica_set = self._store.find("ReplicaSet", namespace, name)
        if replica_set is None:
            return None
        clock, min_ready_s = self._store.clock, replica_set["spec"].get("minReadySeconds", 0)
        active = [pod for pod in self._pods(replica_set) if is_active(pod)]
        until = [available_in_s(pod, min_ready_s, clock.now(), clock.speed) for pod in active]
        labels = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
        counts = {
            "replicas": len(active),
            "fullyLabeledReplicas": sum(
                labels.items() <= (pod["metadata"].get("labels") or {}).items() for pod in active
            ),
            "readyReplicas": sum(is_ready(pod) for pod in active),
            "availableReplicas": sum(wait_s == 0.0 for wait_s in until),
        }
        status = {part: count for part, count in counts.items() if count or part == "replicas"}
        status["observedGeneration"] = replica_set["metadata"].get("generation", 1)
        self._store.update_status("ReplicaSet", namespace, name, status)
        return min((wait_s for wait_s in until if wait_s), default=None)


def usefulness(pod: Obj) -> tuple[bool, int, bool, int, int, str]:
    """How much a pod would be missed, least first: unscheduled, not running, not ready, restarting, new ones go."""
    status = pod.get("status") or {}
    phase = {"Pending": 0, "Unknown": 1}.get(status.get("phase", "Pending"), 2)
    restarts = sum(row.get("restartCount", 0) for row in status.get("containerStatuses") or ())
    age = -int(pod["metadata"].get("resourceVersion", 0)) if not is_ready(pod) else 0
    return (
        bool(pod["spec"].get("nodeName")),
        phase,
        is_ready(pod),
        -restarts,
        age,
        _newest_first(pod["metadata"]["creationTimestamp"]),
    )


def _newest_first(instant: str) -> str:
    # Later instants sort first: the digits' complements.
    return instant.translate(str.maketrans("0123456789", "9876543210"))
