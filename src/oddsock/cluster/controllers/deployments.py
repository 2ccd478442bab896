"""Deployments: a replica set for every pod template, the newest wanted, the older ones kept at zero.

Follows kube-controller-manager's deployment controller; the texts of its events are the original's.
"""

from collections.abc import Iterable, Sequence

from oddsock.cluster.controllers.deployment_status import deployment_status, progress_deadline_in_s
from oddsock.cluster.controllers.events import EventRecorder, Source
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.controllers.pods import (
    controller_of,
    is_finished,
    is_owned_by,
    owner_reference,
    template_hash,
)
from oddsock.cluster.controllers.rollout import Count, Scale, limits, next_steps, recreate_steps
from oddsock.cluster.copies import copied
from oddsock.cluster.kinds import Obj
from oddsock.cluster.selectors import object_selector
from oddsock.cluster.store import Store

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
LIMIT = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"
SOURCE = Source("deployment-controller")
MANAGER = "kube-controller-manager"
_NOT_COPIED = frozenset({"kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, LIMIT})


class DeploymentController:
    """Rolls deployments out, scales their replica sets and tells how far they are."""

    name = "deployment"

    def __init__(self, store: Store, events: EventRecorder) -> None:
        self._store = store
        self._events = events

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A deployment itself; a replica set's deployment; for a pod that is gone, its deployment (Recreate waits)."""
        meta = obj["metadata"]
        if obj["kind"] == "Deployment" and type_ != "DELETED":
            yield meta["namespace"], meta["name"]
        elif obj["kind"] == "ReplicaSet":
            yield from self._owner(obj)
        elif obj["kind"] == "Pod" and (type_ == "DELETED" or is_finished(obj)):
            owner = controller_of(obj)
            replica_set = owner and self._store.find("ReplicaSet", meta["namespace"], owner["name"])
            if replica_set:
                yield from self._owner(replica_set)

    def reconcile(self, key: Key) -> float | None:
        """Do the next step of deployment (namespace, name) and write its status."""
        namespace, name = key
        deployment = self._store.find("Deployment", namespace, name)
        if deployment is None or "deletionTimestamp" in deployment["metadata"]:
            return None
        replica_sets = self._replica_sets(deployment)
        wanted_hash = template_hash(deployment["spec"]["template"])
        new = next((each for each in replica_sets if each["metadata"]["labels"].get(HASH) == wanted_hash), None)
        old = [each for each in replica_sets if new is None or each["metadata"]["uid"] != new["metadata"]["uid"]]
        is_paused, is_fresh = bool(deployment["spec"].get("paused")), False
        if new is None and not is_paused:
            new, is_fresh = self._create_replica_set(deployment, wanted_hash, old), True
        if new is not None and not is_paused:
            new = self._number(deployment, new, old)
        self._scale(deployment, new, old)
        self._forget_old(deployment, old)
        return self._write_status(deployment, new, is_fresh)

    def _owner(self, replica_set: Obj) -> Iterable[Key]:
        owner = controller_of(replica_set)
        if owner is not None and owner["kind"] == "Deployment":
            yield replica_set["metadata"]["namespace"], owner["name"]

    def _replica_sets(self, deployment: Obj) -> list[Obj]:
        # Oldest revision first.
        meta, found = deployment["metadata"], []
        for each in self._store.list("ReplicaSet", meta["namespace"], object_selector(deployment["spec"]["selector"])):
            if controller_of(each) is None:
                each["metadata"]["ownerReferences"] = [owner_reference(deployment)]
                each = self._store.update(each, manager=MANAGER)
            if is_owned_by(each, deployment):
                found.append(each)
        return sorted(found, key=revision)

    def _create_replica_set(self, deployment: Obj, hash_: str, old: Sequence[Obj]) -> Obj:
        spec, meta = deployment["spec"], deployment["metadata"]
        template = copied(spec["template"])
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels[HASH] = hash_
        selector = copied(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH] = hash_
        replica_set: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{hash_}",
                "namespace": meta["namespace"],
                "labels": dict(labels),
                "annotations": _annotations(deployment, _next_revision(old)),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        }
        if spec.get("minReadySeconds"):
            replica_set["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        return self._store.create(replica_set, manager=MANAGER)

    def _number(self, deployment: Obj, new: Obj, old: Sequence[Obj]) -> Obj:
        # A template that is wanted again gets a new revision, above all others.
        number = max(revision(new), _next_revision(old))
        annotations = _annotations(deployment, number)
        new["metadata"]["annotations"] = {**(new["metadata"].get("annotations") or {}), **annotations}
        new = self._store.update(new, manager=MANAGER)
        own = deployment["metadata"].setdefault("annotations", {}) or {}
        if own.get(REVISION) != str(number):
            deployment["metadata"]["annotations"] = {**own, REVISION: str(number)}
            self._store.update(deployment, manager=MANAGER)
        return new

    def _scale(self, deployment: Obj, new: Obj | None, old: Sequence[Obj]) -> None:
        spec = deployment["spec"]
        wanted = spec.get("replicas", 1)
        is_recreate = (spec.get("strategy") or {}).get("type") == "Recreate"
        active = [each for each in (*old, *([new] if new else [])) if each["spec"].get("replicas", 0)]
        if new is None or spec.get("paused"):
            # Paused: no rollout, but the one replica set that runs still follows the scale.
            target = active[0] if len(active) == 1 else new
            steps = [Scale(target["metadata"]["name"], wanted)] if target else []
        elif is_recreate:
            steps = recreate_steps(wanted, _count(new), [_count(each) for each in old], self._has_pods(old))
        else:
            steps = next_steps(wanted, _count(new), [_count(each) for each in old], limits(spec))
        for step in steps:
            self._scale_one(deployment, step)

    def _scale_one(self, deployment: Obj, step: Scale) -> None:
        replica_set = self._store.get("ReplicaSet", deployment["metadata"]["namespace"], step.name)
        was = replica_set["spec"].get("replicas", 0)
        if was == step.replicas:
            return
        replica_set["spec"]["replicas"] = step.replicas
        self._store.update(replica_set, manager=MANAGER)
        way = "up" if step.replicas > was else "down"
        message = f"Scaled {way} replica set {step.name} from {was} to {step.replicas}"
        self._events.record(SOURCE, deployment, "ScalingReplicaSet", message)

    def _has_pods(self, old: Sequence[Obj]) -> bool:
        # Terminating pods count: Recreate starts nothing before the last old process is gone.
        return any(
            is_owned_by(pod, replica_set) and not is_finished(pod)
            for replica_set in old
            for pod in self._store.list("Pod", replica_set["metadata"]["namespace"])
        )

    def _forget_old(self, deployment: Obj, old: Sequence[Obj]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        idle = [
            each
            for each in old
            if not each["spec"].get("replicas") and not (each.get("status") or {}).get("replicas", 0)
        ]
        for each in idle[: max(0, len(old) - limit)]:
            self._store.delete("ReplicaSet", each["metadata"]["namespace"], each["metadata"]["name"])

    def _write_status(self, deployment: Obj, new: Obj | None, is_fresh: bool) -> float | None:
        clock, meta = self._store.clock, deployment["metadata"]
        deployment = self._store.get("Deployment", meta["namespace"], meta["name"])
        replica_sets = self._replica_sets(deployment)
        if new is not None:
            new = next((each for each in replica_sets if each["metadata"]["uid"] == new["metadata"]["uid"]), new)
        status = deployment_status(deployment, new, replica_sets, clock.now(), clock.speed, is_fresh)
        place = ("Deployment", meta["namespace"], meta["name"])
        deployment = self._store.update_status(*place, status, manager=MANAGER)
        if deployment["spec"].get("paused"):
            return None
        return progress_deadline_in_s(deployment, clock.now(), clock.speed)


def revision(replica_set: Obj) -> int:
    """The number of the rollout a replica set belongs to; 0 when it says none."""
    text = (replica_set["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def _next_revision(old: Sequence[Obj]) -> int:
    return max((revision(each) for each in old), default=0) + 1


def _annotations(deployment: Obj, number: int) -> dict[str, str]:
    own = deployment["metadata"].get("annotations") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return {
        **{name: text for name, text in own.items() if name not in _NOT_COPIED},
        REVISION: str(number),
        DESIRED: str(wanted),
        LIMIT: str(wanted + limits(deployment["spec"]).surge),
    }


def _count(replica_set: Obj) -> Count:
    return Count(
        replica_set["metadata"]["name"],
        replica_set["spec"].get("replicas", 0),
        (replica_set.get("status") or {}).get("availableReplicas", 0),
    )
