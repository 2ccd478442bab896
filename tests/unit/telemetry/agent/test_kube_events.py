"""Kubernetes events as Datadog events: titles, tags, and each one once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oddsock.clients.datadog.records import Event
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import Unreachable
from oddsock.telemetry.agent.kube_events import KubeEvents
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pods import Pods

SCALED = "Scaled down replica set payment-7d9c8b6f5d from 1 to 0"


def _event(name: str, kind: str, about: str, reason: str, message: str, count: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "sock-shop", "uid": f"uid-{name}"},
        "involvedObject": {"kind": kind, "namespace": "sock-shop", "name": about, "uid": f"of-{about}"},
        "reason": reason,
        "message": message,
        "source": {"component": "deployment-controller"},
        "type": "Warning" if reason == "BackOff" else "Normal",
        "count": count,
        "eventTime": "2025-10-30T08:24:00.250000Z",
        "lastTimestamp": "2025-10-30T08:24:00Z",
    }


class Store:
    """Takes events, unless it is away."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.is_away = False
        self.loses_answer = False

    async def send_event(self, event: Any) -> None:
        """Take one."""
        if self.is_away:
            raise Unreachable("Telemetry", "http://127.0.0.1:1", "no answer")
        self.events.append(event)
        if self.loses_answer:
            raise Unreachable("Telemetry", "http://127.0.0.1:1", "cut")

    async def list_events(self, start_s: int, end_s: int, *, sources: str = "") -> list[Event]:
        """Those that were taken."""
        rows = [one for one in self.events if start_s <= one["date_happened"] <= end_s]
        return [Event(id="1", at="", title=one["title"], text=one["text"]) for one in rows]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """An agent's memory."""
    made = Memory.open(tmp_path)
    yield made
    made.close()


def _sender(store: Store, memory: Memory) -> KubeEvents:
    return KubeEvents(store, memory, Pods(), ManualClock(), "sockshop-kind", ("env:test",))


async def test_a_scaling_is_unbundled_and_found_by_both_spellings_of_its_tags(memory: Memory) -> None:
    store = Store()
    await _sender(store, memory).send([_event("e1", "Deployment", "payment", "ScalingReplicaSet", SCALED)])
    event = store.events[0]
    assert (event["title"], event["text"]) == ("Deployment sock-shop/payment: ScalingReplicaSet", SCALED)
    assert (event["source_type_name"], event["alert_type"], event["date_happened"]) == (
        "kubernetes",
        "info",
        1761812640,
    )
    assert {
        "kube_kind:Deployment",
        "kubernetes_kind:Deployment",
        "kube_name:payment",
        "name:payment",
        "kube_namespace:sock-shop",
        "namespace:sock-shop",
        "kube_deployment:payment",
        "deployment:payment",
        "source_component:deployment-controller",
        "event_reason:ScalingReplicaSet",
        "kube_cluster_name:sockshop-kind",
        "env:test",
    } == set(event["tags"])


async def test_what_happens_to_a_pod_is_found_by_its_deployment(memory: Memory) -> None:
    store = Store()
    await _sender(store, memory).send([_event("e1", "Pod", "payment-7d9c8b6f5d-x2v4k", "BackOff", "again")])
    assert {"deployment:payment", "pod_name:payment-7d9c8b6f5d-x2v4k"} <= set(store.events[0]["tags"])
    assert store.events[0]["alert_type"] == "warning"


async def test_each_event_is_sent_once_in_a_watch_and_over_a_restart(memory: Memory) -> None:
    store, event = Store(), _event("e1", "Deployment", "payment", "ScalingReplicaSet", SCALED)
    sender = _sender(store, memory)
    await sender.send([event])
    await sender.send([event])
    await _sender(store, memory).send([event])
    assert len(store.events) == 1
    await _sender(store, memory).send([_event("e1", "Deployment", "payment", "ScalingReplicaSet", SCALED, count=2)])
    assert len(store.events) == 2


async def test_what_happened_while_the_store_was_away_is_sent_afterwards(memory: Memory) -> None:
    store, event = Store(), _event("e1", "Deployment", "payment", "ScalingReplicaSet", SCALED)
    store.is_away = True
    sender = _sender(store, memory)
    with pytest.raises(Unreachable):
        await sender.send([event])
    store.is_away = False
    await sender.send([event])
    assert len(store.events) == 1


async def test_an_event_whose_answer_was_lost_is_looked_for_and_not_sent_again(memory: Memory) -> None:
    store, event = Store(), _event("e1", "Deployment", "payment", "ScalingReplicaSet", SCALED)
    store.loses_answer = True
    with pytest.raises(Unreachable):
        await _sender(store, memory).send([event])
    store.loses_answer = False
    await _sender(store, memory).send([event])
    assert len(store.events) == 1
