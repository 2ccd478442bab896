"""Fault objects: what is refused and why, what is broken, and that it is whole again afterwards."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oddsock.cluster import validation
from oddsock.cluster.controllers.faults import FaultController, Group
from oddsock.cluster.controllers.loop import ControllerLoop
from oddsock.cluster.fault_files import FaultFiles
from oddsock.cluster.faults import target_text
from oddsock.cluster.kinds import BY_NAME, Obj
from oddsock.cluster.proxy_wire import Rule
from oddsock.cluster.status import Invalid
from oddsock.cluster.store import Store
from oddsock.cluster.tables import table
from oddsock.kit.clock import ManualClock

NS = "sock-shop"


def fault(name: str = "f", **spec: Any) -> Obj:
    """A Fault object."""
    return {
        "apiVersion": "oddsock.dev/v1",
        "kind": "Fault",
        "metadata": {"name": name, "namespace": NS},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.type"),
        ({"type": "flood", "target": {"service": "payment"}}, "spec.type"),
        ({"type": "reset"}, "spec.target"),
        ({"type": "reset", "target": {"deployment": "payment"}}, "spec.target.deployment"),
        ({"type": "freeze", "target": {"service": "payment"}}, "spec.target.service"),
        ({"type": "freeze", "target": {"deployment": ""}}, "spec.target.deployment"),
        ({"type": "freeze", "target": {"deployment": "a"}, "caller": {"deployment": "b"}}, "spec.caller"),
        ({"type": "reset", "target": {"service": "a"}, "caller": "orders"}, "spec.caller"),
        ({"type": "reset", "target": {"service": "a"}, "percentage": 0}, "spec.percentage"),
        ({"type": "reset", "target": {"service": "a"}, "percentage": 101}, "spec.percentage"),
        ({"type": "reset", "target": {"service": "a"}, "percentage": "all"}, "spec.percentage"),
        ({"type": "reset", "target": {"service": "a"}, "percentage": True}, "spec.percentage"),
        ({"type": "reset", "target": {"service": "a"}, "latencyMs": 5}, "spec.latencyMs"),
        ({"type": "reset", "target": {"service": "a"}, "latency": 5}, "spec.latency"),
        ({"type": "latency", "target": {"service": "a"}}, "spec.latencyMs"),
        ({"type": "http-error", "target": {"service": "a"}, "status": 200}, "spec.status"),
        ({"type": "bandwidth", "target": {"service": "a"}}, "spec.bytesPerSecond"),
        ({"type": "black-hole", "target": {"service": "a"}, "percentage": 50}, "spec.percentage"),
        ({"type": "fault-point", "target": {"service": "a"}, "point": "p", "action": "crash"}, "spec.target.service"),
        ({"type": "fault-point", "target": {"deployment": "a"}, "action": "crash"}, "spec.point"),
        ({"type": "fault-point", "target": {"deployment": "a"}, "point": "p", "action": "explode"}, "spec.action"),
        ({"type": "fault-point", "target": {"deployment": "a"}, "point": "p", "action": "delay"}, "spec.delayMs"),
        ({"type": "fault-point", "target": {"deployment": "a"}, "point": "p", "action": "crash", "nth": 0}, "spec.nth"),
        ({"type": "reset", "target": {"service": "a"}, "nth": 1}, "spec.nth"),
        ({"type": "disk-full", "target": {"deployment": "a"}, "percentage": 50}, "spec.percentage"),
        ({"type": "clock-skew", "target": {"deployment": "a"}}, "spec.offsetMs"),
        ({"type": "clock-skew", "target": {"deployment": "a"}, "offsetMs": "10m"}, "spec.offsetMs"),
    ],
)
def test_a_wrong_spec_is_refused_with_the_name_of_its_field(spec: Obj, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        validation.check(fault(**spec))
    assert refused.value.details["causes"][0]["field"] == field


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "freeze", "target": {"deployment": "payment"}, "percentage": 50, "seed": -3},
        {"type": "kill", "target": {"deployment": "payment"}},
        {"type": "latency", "target": {"service": "payment"}, "latencyMs": 800, "jitterMs": 100},
        {"type": "http-error", "target": {"service": "payment"}, "caller": {"deployment": "orders"}},
        {"type": "bandwidth", "target": {"service": "payment"}, "bytesPerSecond": 1000},
        {"type": "black-hole", "target": {"service": "payment"}},
        {"type": "disk-full", "target": {"deployment": "payment"}},
        {"type": "clock-skew", "target": {"deployment": "payment"}, "offsetMs": -600_000},
    ],
)
def test_a_right_spec_is_taken(spec: Obj) -> None:
    validation.check(fault(**spec))


class Ports:
    """A network that remembers its rules."""

    def __init__(self) -> None:
        self.rules: dict[tuple[str, ...], tuple[Rule, ...]] = {}

    def set_rules(self, key: tuple[str, ...], rules: Sequence[Rule]) -> None:
        """Remember *rules*."""
        self.rules[key] = tuple(rules)


class Scene:
    """A store with deployment payment, its pods, and a controller whose signals are remembered."""

    def __init__(self, folder: Path = Path("/nonexistent")) -> None:
        self.store = Store(ManualClock())
        self.ports, self.sent = Ports(), list[tuple[int, int]]()
        self.controller = FaultController(self.store, self.ports, FaultFiles(folder), self._send)
        self.loop = ControllerLoop(self.store, [self.controller], self.store.clock)
        self.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "payment", "namespace": NS}})
        selector = {"matchLabels": {"name": "payment"}}
        meta = {"name": "payment", "namespace": NS}
        self.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"selector": selector}})

    def create(self, obj: Obj) -> None:
        """Create and settle."""
        self.store.create(obj)
        self.loop.settle()

    def pod(self, name: str, pid: int) -> None:
        """A pod of payment that runs as process *pid*, or runs as it from now on."""
        rows = [{"state": {"running": {}}, "containerID": f"oddsock://{pid}"}]
        if self.store.find("Pod", NS, name) is None:
            meta = {"name": name, "namespace": NS, "labels": {"name": "payment"}}
            self.store.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}})
        self.store.update_status("Pod", NS, name, {"containerStatuses": rows})
        self.loop.settle()

    def remove(self, name: str = "f") -> None:
        """Delete a fault and settle."""
        self.store.remove("Fault", NS, name)
        self.loop.settle()

    def status(self, name: str = "f") -> Obj:
        """What the fault's status says."""
        found: Obj = self.store.get("Fault", NS, name)["status"]
        return found

    def _send(self, group: Group, number: int) -> bool:
        self.sent.append((group[0], number))
        return True


def test_freeze_stops_the_pods_there_are_and_those_that_come_and_lets_all_go_on() -> None:
    scene = Scene()
    scene.pod("a", 100)
    scene.create(fault(type="freeze", target={"deployment": "payment"}))
    scene.pod("b", 101)
    # The container of a was started again in place.
    scene.pod("a", 102)
    assert scene.sent == [(100, signal.SIGSTOP), (101, signal.SIGSTOP), (102, signal.SIGSTOP)]
    assert scene.status() == {"state": "Active", "hits": 3, "message": ""}
    scene.remove()
    assert scene.sent[3:] == [(101, signal.SIGCONT), (102, signal.SIGCONT)]


def test_two_freezes_of_one_pod_end_with_the_second() -> None:
    scene = Scene()
    scene.pod("a", 100)
    scene.create(fault("f", type="freeze", target={"deployment": "payment"}))
    scene.create(fault("g", type="freeze", target={"deployment": "payment"}))
    scene.remove("f")
    assert (100, signal.SIGCONT) not in scene.sent
    scene.remove("g")
    assert scene.sent[-1] == (100, signal.SIGCONT)


def test_kill_happens_once() -> None:
    scene = Scene()
    scene.pod("a", 100)
    scene.pod("b", 101)
    scene.create(fault(type="kill", target={"deployment": "payment"}))
    scene.pod("a", 102)
    assert scene.sent == [(100, signal.SIGKILL), (101, signal.SIGKILL)]
    assert scene.status() == {"state": "Done", "hits": 2, "message": "2 containers of Deployment payment killed"}


def test_kill_without_a_pod_has_failed_and_kills_nobody_later() -> None:
    scene = Scene()
    scene.create(fault(type="kill", target={"deployment": "payment"}))
    scene.pod("a", 100)
    assert (scene.sent, scene.status()["state"]) == ([], "Failed")


def test_faults_of_a_service_are_its_rules_while_they_are_there() -> None:
    scene = Scene()
    scene.create(fault("slow", type="latency", target={"service": "payment"}, latencyMs=50, percentage=10, seed=3))
    scene.create(fault("cut", type="drop-reply", target={"service": "payment"}, caller={"deployment": "payment"}))
    # A live process: when it started is asked of the machine.
    scene.pod("a", os.getpid())
    cut, slow = sorted(scene.ports.rules[NS, "payment"], key=lambda rule: rule.type)
    assert (slow.latency_ms, slow.percentage, slow.seed, slow.callers) == (50, 10, 3, None)
    assert (cut.type, cut.callers) == ("drop-reply", (os.getpid(),))
    scene.controller.note_hits(slow.fault, 4)
    scene.controller.note_hits("of a fault that is gone", 4)
    assert (scene.status("slow")["hits"], scene.status("cut")["hits"]) == (4, 0)
    scene.remove("cut")
    scene.remove("slow")
    assert scene.ports.rules[NS, "payment"] == ()


def test_a_fault_point_is_a_row_for_the_pods_of_its_target_until_it_is_deleted(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.pod("a", 100)
    scene.create(fault(type="fault-point", target={"deployment": "payment"}, point="p", action="crash", nth=2))
    file, uid = tmp_path / NS, scene.store.get("Fault", NS, "f")["metadata"]["uid"]
    own = {"point": "p", "action": "crash", "nth": 2}
    assert json.loads(file.read_text()) == {"id": uid, "type": "fault-point", "pods": ["a"], **own}
    scene.pod("b", 101)
    assert json.loads(file.read_text())["pods"] == ["a", "b"]
    (tmp_path / f"{NS}.{uid}.hits").write_text("x")
    scene.pod("b", 102)
    assert scene.status() == {"state": "Active", "hits": 1, "message": ""}
    scene.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_not_there_is_said_until_it_comes() -> None:
    scene = Scene()
    scene.create(fault(type="reset", target={"service": "carts"}))
    assert scene.status() == {"state": "Failed", "hits": 0, "message": "Service carts is not there"}
    scene.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "carts", "namespace": NS}})
    assert scene.status()["state"] == "Active"


def test_a_status_at_a_service_without_http_has_failed() -> None:
    scene = Scene()
    ports = [{"name": "smtp", "port": 25}]
    meta = {"name": "mailbox", "namespace": NS}
    scene.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})
    scene.create(fault(type="http-error", target={"service": "mailbox"}))
    assert scene.status()["message"] == "Service mailbox has no port that carries HTTP"
    assert scene.status()["state"] == "Failed"


def test_the_table_shows_what_is_broken() -> None:
    scene = Scene()
    scene.create(fault(type="reset", target={"service": "payment"}, percentage=30))
    shown = table(BY_NAME["Fault"], scene.store.list("Fault", NS), scene.store.clock.now())
    names = [column["name"] for column in shown["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Type", "Target", "Percent", "State", "Hits", "Age"]
    assert shown["rows"][0]["cells"][:6] == ["f", "reset", "service/payment", 30, "Active", 0]


def test_a_wrong_clock_is_shown_with_how_wrong_it_is() -> None:
    skew = fault(type="clock-skew", target={"deployment": "payment"}, offsetMs=-600_000)
    assert target_text(skew["spec"]) == "deployment/payment -600 s"
