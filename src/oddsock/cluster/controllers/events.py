"""What happened, as core/v1 Events: the same thing twice is one event with a count; only so many are kept.

Wire: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ in the spelling of core/v1.
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from oddsock.cluster.kinds import Obj
from oddsock.cluster.status import NotFound
from oddsock.cluster.store import Store, timestamp

EVENTS_MAX = 2000
"""Events the cluster remembers; the one that was longest without news goes first."""

_Likeness = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """Who reports: a component and, for a kubelet, its node."""

    component: str
    host: str = ""


class EventRecorder:
    """Writes the events of the whole cluster; one for all controllers and the kubelet."""

    def __init__(self, store: Store, events_max: int = EVENTS_MAX) -> None:
        self._store = store
        self._events_max = events_max
        self._known: OrderedDict[_Likeness, tuple[str, str]] = OrderedDict()
        self._number = 0

    def record(
        self, source: Source, obj: Obj, reason: str, message: str, *, type_: str = "Normal", field_path: str = ""
    ) -> None:
        """Say that *reason* happened to *obj*; counts up when the same was said before."""
        likeness = (source.component, obj["metadata"]["uid"], type_, reason, field_path + message)
        place = self._known.get(likeness)
        if place is not None and (known := self._store.find("Event", *place)) is not None:
            self._count_up(known)
            self._known.move_to_end(likeness)
            return
        self._known.pop(likeness, None)
        self._known[likeness] = self._create(source, obj, type_, reason, message, field_path)
        while len(self._known) > self._events_max:
            _, oldest = self._known.popitem(last=False)
            with suppress(NotFound):
                self._store.remove("Event", *oldest)

    def _count_up(self, event: Obj) -> None:
        now = self._store.clock.now()
        event["count"] += 1
        event["lastTimestamp"] = timestamp(now)
        # Whole seconds are too coarse for a drill at speed; the series tells the instant.
        event["series"] = {"count": event["count"], "lastObservedTime": _micro(now)}
        self._store.update(event)

    def _create(
        self, source: Source, obj: Obj, type_: str, reason: str, message: str, field_path: str
    ) -> tuple[str, str]:
        meta, now = obj["metadata"], self._store.clock.now()
        self._number += 1
        # client-go's names: the object's name and the nanoseconds in hex; the number keeps them apart on a still clock.
        nanoseconds = int(now.timestamp() * 1_000_000) * 1000 + self._number % 1000
        place = (meta.get("namespace") or "default", f"{meta['name']}.{nanoseconds:x}")
        involved = {
            "kind": obj["kind"],
            **({"namespace": meta["namespace"]} if meta.get("namespace") else {}),
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": obj.get("apiVersion", "v1"),
            "resourceVersion": meta.get("resourceVersion", ""),
            **({"fieldPath": field_path} if field_path else {}),
        }
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": place[0], "name": place[1]},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "source": {"component": source.component, **({"host": source.host} if source.host else {})},
            "firstTimestamp": timestamp(now),
            "lastTimestamp": timestamp(now),
            "count": 1,
            "type": type_,
            "reportingComponent": source.component,
            "reportingInstance": source.host,
        }
        event["eventTime"] = _micro(now)
        self._store.create(event)
        return place


def _micro(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
