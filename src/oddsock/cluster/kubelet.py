"""The kubelet of both nodes: a worker for every pod that has a node, from its binding to its removal."""

import asyncio
import logging
import shutil
from collections import deque
from pathlib import Path

from oddsock.cluster.container_worker import ContainerWorker
from oddsock.cluster.controllers.pods import is_finished, is_terminating
from oddsock.cluster.kinds import Obj
from oddsock.cluster.machine import Machine
from oddsock.cluster.pod_worker import PodWorker, grace_s
from oddsock.cluster.status import NotFound
from oddsock.cluster.traffic import Traffic

GONE_LOGS_MAX = 50
"""Pods that are gone whose log folders stay on the disk."""

CRASH_S = 1.0
"""Wall seconds a pod whose worker failed is kept, so that its successors do not come in a rush."""

_log = logging.getLogger(__name__)


class Kubelet:
    """Starts and stops pods as the store says, and knows where their logs are."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._gone_logs: deque[Path] = deque()
        self._is_closing = False
        self._unsubscribe = machine.store.subscribe("Pod", self._on_change)

    def log_path(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The CRI log file of the current or the previous run of a container, or None."""
        worker = self._workers.get(self._names.get((namespace, pod), ""))
        return worker.log_path(container, previous) if worker else None

    def container(self, namespace: str, pod: str, container: str) -> ContainerWorker | None:
        """The worker of a container: where commands are run beside it and where one attaches; None when it is gone."""
        worker = self._workers.get(self._names.get((namespace, pod), ""))
        return worker.container(container) if worker else None

    def traffic(self, uid: str) -> Traffic:
        """What went to and from pod *uid* through Services."""
        return self._machine.network.traffic(uid)

    async def close(self, grace_wall_s: float) -> None:
        """Stop every pod, with SIGKILL after *grace_wall_s*; the objects stay as they are."""
        self._is_closing = True
        self._unsubscribe()
        for worker in self._workers.values():
            worker.request_stop(grace_wall_s, silent=True)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _on_change(self, type_: str, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if type_ == "DELETED":
            # Taken out from under its worker: nothing is left to be graceful for.
            if worker is not None:
                worker.request_stop(0.0)
        elif worker is None and pod["spec"].get("nodeName"):
            if is_terminating(pod):
                self._remove(pod)
            elif not is_finished(pod):
                self._start(pod)
        elif worker is not None and is_terminating(pod):
            worker.request_stop(self._machine.grace_wall_s(grace_s(pod)))

    def _start(self, pod: Obj) -> None:
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        worker = self._workers[uid] = PodWorker(pod, self._machine)
        self._names[meta["namespace"], meta["name"]] = uid
        self._tasks[uid] = asyncio.get_running_loop().create_task(self._supervise(worker), name=f"pod {meta['name']}")

    async def _supervise(self, worker: PodWorker) -> None:
        meta = worker.pod["metadata"]
        try:
            await worker.run()
        except Exception:  # noqa: BLE001 - a supervisor: the fault of one pod may not stop the kubelet
            _log.exception("pod %s/%s: its worker ended", meta["namespace"], meta["name"])
            await self._machine.clock.sleep(CRASH_S * self._machine.clock.speed)
        finally:
            self._forget(worker)
        if not self._is_closing:
            self._remove(worker.pod)

    def _forget(self, worker: PodWorker) -> None:
        meta = worker.pod["metadata"]
        self._workers.pop(worker.uid, None)
        self._tasks.pop(worker.uid, None)
        if self._names.get((meta["namespace"], meta["name"])) == worker.uid:
            del self._names[meta["namespace"], meta["name"]]
        self._machine.volumes.forget(worker.uid)
        self._gone_logs.append(self._machine.logs / f"{meta['namespace']}_{meta['name']}_{worker.uid}")
        while len(self._gone_logs) > GONE_LOGS_MAX:
            shutil.rmtree(self._gone_logs.popleft(), ignore_errors=True)

    def _remove(self, pod: Obj) -> None:
        store, meta = self._machine.store, pod["metadata"]
        try:
            if store.get("Pod", meta["namespace"], meta["name"])["metadata"]["uid"] == meta["uid"]:
                store.remove("Pod", meta["namespace"], meta["name"])
        except NotFound:
            return
