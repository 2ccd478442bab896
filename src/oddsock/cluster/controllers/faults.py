"""Faults: applied to what is there now and to what comes later; undone when their object goes.

freeze sends SIGSTOP to every process group of the target's containers, and SIGCONT at its end. kill sends SIGKILL once;
the kubelet starts the containers again in place. fault-point, disk-full and clock-skew are rows of the file that the
target's pods look into. All others are rules of the Service's proxy.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oddsock.cluster.addresses import is_http
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.fault_files import FaultFiles
from oddsock.cluster.faults import ARMED, ON_DEPLOYMENTS, ON_PODS, armed_row, rule_of
from oddsock.cluster.kinds import Obj
from oddsock.cluster.proxy_faults import share
from oddsock.cluster.proxy_wire import Rule
from oddsock.cluster.selectors import object_selector
from oddsock.cluster.store import Store
from oddsock.kit import processes

ACTIVE, DONE, FAILED = "Active", "Done", "Failed"

HITS_POLL_WALL_S = 0.25
"""How often what pods wrote of an armed fault is read."""

Group = tuple[int, float]
"""A process group by its leader: its id and when it started, so that a number given anew is not mistaken for it."""


class ServicePorts(Protocol):
    """Where faults at Services are put: the network."""

    def set_rules(self, key: Key, rules: Sequence[Rule]) -> None:
        """Let *rules* and no others be at Service (namespace, name)."""
        ...


@dataclass(slots=True)
class _Applied:
    uid: str
    spec: Obj
    frozen: set[Group] = field(default_factory=set)


class FaultController:
    """Makes the machine as broken as the Fault objects say."""

    name = "faults"

    def __init__(
        self, store: Store, network: ServicePorts, files: FaultFiles, send: Callable[[Group, int], bool] | None = None
    ) -> None:
        self._store = store
        self._network = network
        self._files = files
        self._send = send or send_signal
        self._applied: dict[Key, _Applied] = {}

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A Fault itself; of a namespace all of them when a pod, a Deployment or a Service of it changes."""
        meta = obj["metadata"]
        if obj["kind"] == "Fault":
            yield meta["namespace"], meta["name"]
        elif obj["kind"] in {"Pod", "Deployment", "Service"}:
            for key in self._applied:
                if key[0] == meta["namespace"]:
                    yield key

    def reconcile(self, key: Key) -> float | None:
        """Bring Fault (namespace, name) about, or to an end when it is gone or changed."""
        fault = self._store.find("Fault", *key)
        before = self._applied.get(key)
        if before and (fault is None or fault["metadata"]["uid"] != before.uid or fault["spec"] != before.spec):
            del self._applied[key]
            self._undo(key, before)
        if fault is None:
            return None
        applied = self._applied.setdefault(key, _Applied(fault["metadata"]["uid"], fault["spec"]))
        if fault["spec"]["type"] in ARMED:
            self._arm(fault)
            return HITS_POLL_WALL_S * self._store.clock.speed
        if fault["spec"]["type"] in ON_PODS:
            self._hit_pods(fault, applied)
        else:
            self._hit_service(fault)
        return None

    def note_hits(self, uid: str, count: int) -> None:
        """Add *count* to the hits of the fault with *uid*, if it is still there."""
        for key, applied in self._applied.items():
            if applied.uid == uid and (fault := self._store.find("Fault", *key)):
                status = fault.get("status") or {}
                self._tell(fault, status.get("state", ACTIVE), status.get("message", ""), count)

    def _hit_pods(self, fault: Obj, applied: _Applied) -> None:
        spec, meta = fault["spec"], fault["metadata"]
        is_kill = spec["type"] == "kill"
        if is_kill and (fault.get("status") or {}).get("state") in (DONE, FAILED):
            return
        name = spec["target"]["deployment"]
        deployment = self._store.find("Deployment", meta["namespace"], name)
        groups = set(_groups(self._pods(deployment), spec)) if deployment else set()
        if is_kill:
            killed = sum(self._send(group, signal.SIGKILL) for group in sorted(groups))
            if killed:
                self._tell(fault, DONE, f"{_counted(killed, 'container')} of Deployment {name} killed", killed)
            else:
                self._tell(fault, FAILED, f"Deployment {name} has no running container", 0)
            return
        stopped = sum(self._send(group, signal.SIGSTOP) for group in sorted(groups - applied.frozen))
        applied.frozen = groups
        message = "" if deployment else f"Deployment {name} is not there"
        self._tell(fault, ACTIVE if deployment else FAILED, message, stopped)

    def _arm(self, fault: Obj) -> None:
        meta, name = fault["metadata"], fault["spec"]["target"]["deployment"]
        self._write_armed(meta["namespace"])
        is_there = self._store.find("Deployment", meta["namespace"], name) is not None
        message = "" if is_there else f"Deployment {name} is not there"
        told = (fault.get("status") or {}).get("hits", 0)
        more = self._files.hits(meta["namespace"], meta["uid"]) - told
        self._tell(fault, ACTIVE if is_there else FAILED, message, more)

    def _write_armed(self, namespace: str) -> None:
        rows = []
        for fault in self._store.list("Fault", namespace):
            if fault["spec"]["type"] in ARMED:
                deployment = self._store.find("Deployment", namespace, fault["spec"]["target"]["deployment"])
                pods = self._pods(deployment) if deployment else []
                rows.append(armed_row(fault, sorted(pod["metadata"]["name"] for pod in pods)))
        self._files.arm(namespace, rows)

    def _hit_service(self, fault: Obj) -> None:
        meta, name = fault["metadata"], fault["spec"]["target"]["service"]
        service = self._store.find("Service", meta["namespace"], name)
        self._set_rules(meta["namespace"], name)
        message = "" if service else f"Service {name} is not there"
        if service and fault["spec"]["type"] == "http-error" and not any(map(is_http, _ports(service))):
            message = f"Service {name} has no port that carries HTTP"
        self._tell(fault, FAILED if message else ACTIVE, message, 0)

    def _set_rules(self, namespace: str, service: str) -> None:
        rules = []
        for fault in self._store.list("Fault", namespace):
            spec = fault["spec"]
            if spec["type"] in ON_DEPLOYMENTS or spec["target"]["service"] != service:
                continue
            callers: tuple[int, ...] | None = None
            if "caller" in spec:
                deployment = self._store.find("Deployment", namespace, spec["caller"]["deployment"])
                pods = self._pods(deployment) if deployment else []
                callers = tuple(sorted(pid for pid, _ in _groups(pods, {})))
            rules.append(rule_of(fault, callers))
        self._network.set_rules((namespace, service), rules)

    def _undo(self, key: Key, applied: _Applied) -> None:
        if applied.spec["type"] in ARMED:
            self._write_armed(key[0])
            self._files.forget(key[0], applied.uid)
        elif applied.spec["type"] not in ON_PODS:
            self._set_rules(key[0], applied.spec["target"]["service"])
        still = {group for other in self._applied.values() for group in other.frozen}
        for group in sorted(applied.frozen - still):
            self._send(group, signal.SIGCONT)

    def _pods(self, deployment: Obj) -> list[Obj]:
        return self._store.list(
            "Pod", deployment["metadata"]["namespace"], object_selector(deployment["spec"]["selector"])
        )

    def _tell(self, fault: Obj, state: str, message: str, more_hits: int) -> None:
        meta, before = fault["metadata"], fault.get("status") or {}
        status = {"state": state, "hits": before.get("hits", 0) + more_hits, "message": message}
        if status != before:
            self._store.update_status("Fault", meta["namespace"], meta["name"], status)


def send_signal(group: Group, number: int) -> bool:
    """Send signal *number* to *group*; False when it is gone."""
    if not processes.is_alive(*group):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group[0], number)
        return True
    return False


def _groups(pods: Iterable[Obj], spec: Obj) -> Iterator[Group]:
    for pod in pods:
        meta = pod["metadata"]
        if share(spec.get("seed", 0), 0, meta["name"]) * 100 >= spec.get("percentage", 100):
            continue
        for row in (pod.get("status") or {}).get("containerStatuses") or ():
            pid = str(row.get("containerID", "")).rpartition("/")[2]
            if "running" in (row.get("state") or {}) and pid.isdigit():
                yield int(pid), processes.started_at(int(pid))


def _ports(service: Obj) -> list[Obj]:
    return list((service.get("spec") or {}).get("ports") or ())


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
