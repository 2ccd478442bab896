"""The cluster's objects: one dictionary, one counter of versions, one bounded log of changes.

Everything happens in one event loop and no mutation awaits, so every call is atomic. Objects are copied on their way in
and out. Controllers `subscribe`; the API `watch`es.
"""

import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime

from oddsock.cluster import managed_fields
from oddsock.cluster.copies import copied
from oddsock.cluster.kinds import BY_NAME, Obj
from oddsock.cluster.selectors import FieldSelector, LabelSelector, field_selector, label_selector
from oddsock.cluster.status import AlreadyExists, Conflict, Expired, NotFound
from oddsock.cluster.watch import Change, Watch
from oddsock.kit.clock import Clock

__all__ = ["AlreadyExists", "Change", "Conflict", "Expired", "NotFound", "Store", "Subscriber", "Watch", "timestamp"]

CHANGES_MAX = 8192
"""Changes the log remembers; a watch that begins before the oldest is Expired."""

POD_GRACE_S = 30
"""Grace of a deleted pod that names none, in plan seconds."""

Subscriber = Callable[[str, Obj], None]
"""Called with ADDED, MODIFIED or DELETED and a copy of the object, right after the change."""

Labels = str | Mapping[str, str] | LabelSelector | None
Fields = str | Mapping[str, str] | FieldSelector | None


def timestamp(at: datetime) -> str:
    """An instant as Kubernetes writes metav1.Time: whole seconds, Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """All objects of the cluster by kind (the `kind` an object carries), namespace ("" when it has none) and name."""

    def __init__(self, clock: Clock, changes_max: int = CHANGES_MAX) -> None:
        self.clock = clock
        self._version = 0
        self._objects: dict[str, dict[tuple[str, str], Obj]] = {name: {} for name in BY_NAME}
        self._changes: deque[Change] = deque(maxlen=changes_max)
        self._forgotten = 0
        self._subscribers: dict[str | None, list[Subscriber]] = defaultdict(list)
        self._undelivered: deque[Change] = deque()
        self._is_delivering = False
        self._watches: set[Watch] = set()

    @property
    def version(self) -> int:
        """The resourceVersion of the latest change."""
        return self._version

    def create(self, obj: Obj, *, manager: str = "") -> Obj:
        """Keep a new object, with uid, version, time and generation set; AlreadyExists when its name is taken."""
        kind = BY_NAME[obj["kind"]]
        obj = copied(obj)
        meta = obj.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName']}{uuid.uuid4().hex[:5]}"
        key = _key(obj)
        if key in self._objects[kind.name]:
            raise AlreadyExists.of(kind, key[1])
        obj["apiVersion"] = kind.api_version
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", self._now())
        if kind.counts_generation:
            meta["generation"] = 1
        managed_fields.record({}, obj, manager, self._now())
        self._put("ADDED", None, obj)
        return copied(obj)

    def get(self, kind: str, namespace: str, name: str) -> Obj:
        """A copy of one object; NotFound when it is not there."""
        return copied(self._find(kind, namespace, name))

    def find(self, kind: str, namespace: str, name: str) -> Obj | None:
        """A copy of one object, or None."""
        found = self._objects[kind].get((namespace, name))
        return copied(found) if found is not None else None

    def list(self, kind: str, namespace: str | None = None, labels: Labels = None, fields: Fields = None) -> list[Obj]:
        """Copies of the selected objects, by namespace and name; every namespace when *namespace* is None or ""."""
        by_label, by_field = label_selector(labels), field_selector(fields)
        return [
            copied(obj)
            for (space, _), obj in sorted(self._objects[kind].items(), key=lambda item: item[0])
            if (not namespace or space == namespace)
            and by_label.matches(obj["metadata"].get("labels"))
            and by_field.matches(obj)
        ]

    def update(
        self, obj: Obj, *, expect_version: str | int | None = None, manager: str = "", subresource: str = ""
    ) -> Obj:
        """Replace an object but for its status subresource, if any; Conflict unless at *expect_version* (if given).

        An update that changes nothing makes no new version. uid, creationTimestamp and deletionTimestamp stay.
        """
        kind = BY_NAME[obj["kind"]]
        namespace, name = _key(obj)
        old = self._find(kind.name, namespace, name)
        self._expect(old, expect_version)
        new = copied(obj)
        if kind.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = copied(old["status"])
        return self._replace(old, new, manager, subresource)

    def update_status(
        self,
        kind: str,
        namespace: str,
        name: str,
        status: Obj,
        *,
        expect_version: str | int | None = None,
        manager: str = "",
    ) -> Obj:
        """Replace the whole status of an object and nothing else of it."""
        old = self._find(kind, namespace, name)
        self._expect(old, expect_version)
        return self._replace(old, {**copied(old), "status": copied(status)}, manager, "status")

    def delete(self, kind: str, namespace: str, name: str, grace_s: int | None = None) -> Obj:
        """Delete an object and return its last state.

        A pod that is bound to a node is only marked (deletionTimestamp, deletionGracePeriodSeconds; grace 0 too): its
        kubelet stops the process and calls `remove`. A namespace is only marked Terminating: its controller empties it
        and calls `remove`. Everything else is gone at once.
        """
        old = self._find(kind, namespace, name)
        if kind == "Namespace":
            return self._mark(old, 0, {**(old.get("status") or {}), "phase": "Terminating"})
        if kind == "Pod" and (old.get("spec") or {}).get("nodeName"):
            own = old["spec"].get("terminationGracePeriodSeconds")
            grace = grace_s if grace_s is not None else POD_GRACE_S if own is None else own
            return self._mark(old, int(grace), None)
        return self.remove(kind, namespace, name)

    def remove(self, kind: str, namespace: str, name: str) -> Obj:
        """Take an object out at once, whatever its kind; NotFound when it is not there."""
        old = self._find(kind, namespace, name)
        last = copied(old)
        self._put("DELETED", old, last)
        return copied(last)

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        since_version: int | None = None,
        labels: Labels = None,
        fields: Fields = None,
    ) -> Watch:
        """An async iterator of (type, object) for changes after *since_version*; close it when done.

        With None it begins with ADDED for every object there is. Expired when the log no longer reaches back so far.
        """
        by_label, by_field = label_selector(labels), field_selector(fields)
        watch = Watch(kind, namespace, by_label, by_field, self._watches.discard)
        if since_version is None:
            for obj in self.list(kind, namespace, by_label, by_field):
                watch.offer(Change(self._version, "ADDED", obj, None))
        else:
            if since_version < self._forgotten:
                raise Expired(f"too old resource version: {since_version} ({self._forgotten})")
            for change in self._changes:
                if change.version > since_version:
                    watch.offer(change)
        self._watches.add(watch)
        return watch

    def subscribe(self, kind: str | None, callback: Subscriber) -> Callable[[], None]:
        """Call *callback*(type, object) after every change of *kind* (None: of any kind); returns what ends it.

        Changes made inside a callback are delivered after the current one, in order.
        """
        self._subscribers[kind].append(callback)
        return lambda: self._subscribers[kind].remove(callback)

    def rehearsal(self) -> "Store":
        """A store with the same objects and version and nobody listening, for dry runs."""
        other = Store(self.clock)
        other._version = self._version
        # Stored objects are replaced, never changed in place, so two stores may hold the same ones.
        other._objects = {kind: dict(objects) for kind, objects in self._objects.items()}
        return other

    def _now(self) -> str:
        return timestamp(self.clock.now())

    def _find(self, kind: str, namespace: str, name: str) -> Obj:
        try:
            return self._objects[kind][namespace if BY_NAME[kind].namespaced else "", name]
        except KeyError:
            raise NotFound.of(kind, name) from None

    def _expect(self, old: Obj, version: str | int | None) -> None:
        if version not in (None, "") and str(version) != old["metadata"]["resourceVersion"]:
            raise Conflict.of(old["kind"], old["metadata"]["name"])

    def _replace(self, old: Obj, new: Obj, manager: str, subresource: str) -> Obj:
        meta = new["metadata"]
        new["apiVersion"] = old["apiVersion"]
        for stays in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            meta.pop(stays, None)
            if stays in old["metadata"]:
                meta[stays] = copied(old["metadata"][stays])
        meta["resourceVersion"] = old["metadata"]["resourceVersion"]
        if "generation" in old["metadata"]:
            meta["generation"] = old["metadata"]["generation"]
        if new == old:
            return copied(old)
        if BY_NAME[old["kind"]].counts_generation and new.get("spec") != old.get("spec"):
            meta["generation"] = old["metadata"].get("generation", 0) + 1
        managed_fields.record(old, new, manager, self._now(), subresource)
        self._put("MODIFIED", old, new)
        return copied(new)

    def _mark(self, old: Obj, grace_s: int, status: Obj | None) -> Obj:
        meta = old["metadata"]
        # A second delete may shorten the grace, never lengthen it.
        if "deletionTimestamp" in meta and grace_s >= meta.get("deletionGracePeriodSeconds", 0):
            return copied(old)
        new = copied(old)
        new["metadata"]["deletionTimestamp"] = self._now()
        new["metadata"]["deletionGracePeriodSeconds"] = grace_s
        if status is not None:
            new["status"] = status
        self._put("MODIFIED", old, new)
        return copied(new)

    def _put(self, type_: str, old: Obj | None, new: Obj) -> None:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        objects = self._objects[new["kind"]]
        if type_ == "DELETED":
            del objects[_key(new)]
        else:
            objects[_key(new)] = new
        change = Change(self._version, type_, new, old)
        if len(self._changes) == self._changes.maxlen:
            self._forgotten = self._changes[0].version
        self._changes.append(change)
        for watch in list(self._watches):
            watch.offer(change)
        self._undelivered.append(change)
        self._deliver()

    def _deliver(self) -> None:
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._undelivered:
                change = self._undelivered.popleft()
                for callback in self._subscribers[change.obj["kind"]] + self._subscribers[None]:
                    callback(change.type, copied(change.obj))
        finally:
            self._is_delivering = False


def _key(obj: Obj) -> tuple[str, str]:
    meta = obj["metadata"]
    return (meta.get("namespace") or "" if BY_NAME[obj["kind"]].namespaced else "", meta["name"])
