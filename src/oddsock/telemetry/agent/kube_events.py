"""Kubernetes events as Datadog events: unbundled titles, both spellings of every tag, each one once.

Source of titles and tags: the Agent's kubernetes_apiserver check with `unbundle_events`; its default filter would leave
scalings and most pod events out, ours sends all. An event is noted before it is sent and after: one that was under way
when the agent was killed is looked for in the store before it is sent again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from oddsock.clients.datadog.records import Event
from oddsock.kit.clock import Clock, instant
from oddsock.kit.errors import Forbidden, OddsockError
from oddsock.telemetry.agent.api_server import ApiServer, Obj, backoff_s, pause
from oddsock.telemetry.agent.memory import EVENTS_KEPT, Memory
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.tags import deployment_of, deployment_tags, named_after

PATH = "/api/v1/events"
_log = logging.getLogger(__name__)


class EventStore(Protocol):
    """Where events go, and whether one is there."""

    async def send_event(self, event: object) -> None:
        """Send one event in the v1 shape."""
        ...

    async def list_events(self, start_s: int, end_s: int, *, sources: str = "") -> list[Event]:
        """The events of *sources* between two instants in seconds since 1970."""
        ...


@dataclass
class KubeEvents:
    """Sends the events of *namespaces* (all when it is empty) to *store*."""

    store: EventStore
    memory: Memory
    pods: Pods
    clock: Clock
    cluster_name: str
    extra: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = self.memory.events()

    async def follow(self, server: ApiServer) -> None:
        """Keep up with *server* until cancelled; what happened while one of them was away is sent afterwards."""
        failures = 0
        while True:
            try:
                events, version = await server.listed(PATH)
                await self.send(events)
                failures = 0
                async for kind, event in server.changes(PATH, version):
                    if kind != "DELETED":
                        await self.send([event])
            except OddsockError as cause:
                failures += 1
                if failures == 1:
                    _log.warning("events are late: %s", cause)
            await pause(self.clock, backoff_s(max(failures, 1)))

    async def send(self, events: Sequence[Obj]) -> None:
        """Send those of *events* that were not sent yet, oldest first."""
        fresh = [one for one in events if self._is_ours(one) and not self._known.get(key_of(one))]
        doubtful = {key_of(one) for one in fresh} & self._known.keys()
        self._note([key_of(one) for one in fresh], is_sent=False)
        sent: list[str] = []
        try:
            for event in sorted(fresh, key=seconds_of):
                body = self.body(event)
                if key_of(event) not in doubtful or not await self._is_there(body):
                    await self.store.send_event(body)
                sent.append(key_of(event))
        finally:
            self._note(sent, is_sent=True)

    def _note(self, keys: list[str], is_sent: bool) -> None:
        if keys:
            self.memory.keep_events(keys, is_sent)
            self._known |= dict.fromkeys(keys, is_sent)
            for key in list(self._known)[: max(0, len(self._known) - EVENTS_KEPT)]:
                del self._known[key]

    def body(self, event: Obj) -> dict[str, Any]:
        """*event* as POST /api/v1/events takes it."""
        about, namespace = event.get("involvedObject") or {}, (event.get("involvedObject") or {}).get("namespace", "")
        place = f"{namespace}/{about.get('name', '')}" if namespace else about.get("name", "")
        return {
            "title": f"{about.get('kind', '')} {place}: {event.get('reason', '')}",
            "text": event.get("message") or event.get("reason") or "",
            "date_happened": int(seconds_of(event)),
            "priority": "normal",
            "alert_type": "warning" if event.get("type") == "Warning" else "info",
            "source_type_name": "kubernetes",
            "aggregation_key": f"kubernetes_apiserver:{about.get('uid', '')}",
            "host": (event.get("source") or {}).get("host") or self._node(about),
            "tags": [*self._tags(event, about), f"kube_cluster_name:{self.cluster_name}", *self.extra],
        }

    def _tags(self, event: Obj, about: Obj) -> list[str]:
        kind, name, namespace = about.get("kind", ""), about.get("name", ""), about.get("namespace", "")
        tags = [f"kube_kind:{kind}", f"kube_name:{name}", f"kubernetes_kind:{kind}", f"name:{name}"]
        if namespace:
            tags += [f"kube_namespace:{namespace}", f"namespace:{namespace}"]
        if deployment := {"Deployment": name, "ReplicaSet": deployment_of(name), "Pod": named_after(name)}.get(kind):
            tags += deployment_tags(deployment)
        if kind == "Pod":
            tags.append(f"pod_name:{name}")
        component = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        return [*tags, f"source_component:{component}", f"event_reason:{event.get('reason', '')}"]

    def _node(self, about: Obj) -> str:
        pod = self.pods.find(about.get("uid", ""))
        return str(pod["spec"].get("nodeName", "")) if pod is not None else ""

    def _is_ours(self, event: Obj) -> bool:
        return not self.namespaces or event["metadata"].get("namespace") in self.namespaces

    async def _is_there(self, body: dict[str, Any]) -> bool:
        at = body["date_happened"]
        try:
            found = await self.store.list_events(at - 1, at + 1, sources="kubernetes")
        except Forbidden:
            # Who may send need not be allowed to read.
            return False
        return any((one.title, one.text) == (body["title"], body["text"]) for one in found)


def key_of(event: Obj) -> str:
    """What tells one happening from another: the event and how often it has happened by now."""
    meta = event["metadata"]
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    return f"{meta.get('uid') or meta.get('name')}#{count}"


def seconds_of(event: Obj) -> float:
    """When *event* happened last, in seconds since 1970."""
    series = event.get("series") or {}
    count = event.get("count") or 1
    # lastTimestamp has whole seconds; the finer instants tell the first happening and the last of a series.
    told = series.get("lastObservedTime") or (event.get("eventTime") if count == 1 else None)
    told = told or event.get("lastTimestamp") or event.get("firstTimestamp")
    told = told or (event.get("metadata") or {}).get("creationTimestamp") or "1970-01-01T00:00:00Z"
    return instant(str(told)).timestamp()
