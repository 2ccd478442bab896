"""One pod: its addresses, its volumes, its containers, its status; from its binding to its end."""

import asyncio
import contextlib
from pathlib import Path

from oddsock.cluster.addresses import POD_PORTS, ports_text
from oddsock.cluster.container_worker import ContainerWorker, Place
from oddsock.cluster.controllers.pods import is_terminating
from oddsock.cluster.kinds import Obj
from oddsock.cluster.machine import Machine
from oddsock.cluster.pod_status import pod_status
from oddsock.cluster.status import NotFound
from oddsock.cluster.store import timestamp
from oddsock.cluster.volumes import VolumeNotReady

MOUNT_RETRY_S = 2.0
"""Plan seconds before volumes that are not there yet are looked for again."""


class PodWorker:
    """Runs one pod; `run` returns when the pod was asked to stop and all of its processes are gone."""

    def __init__(self, pod: Obj, machine: Machine) -> None:
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self._machine = machine
        self._started_at = timestamp(machine.clock.now())
        self._addresses: dict[str, str] = {}
        self._containers = [ContainerWorker(pod, row, machine, self._publish) for row in pod["spec"]["containers"]]
        self._stop = asyncio.Event()
        self._kill = asyncio.Event()
        self._is_silent = False

    async def run(self) -> None:
        """Run the pod until it is asked to stop."""
        body = asyncio.create_task(self._run_containers())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({body, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if body.done():
                # Every container ended for good: the pod stays as Succeeded or Failed until it is deleted.
                body.result()
                await stopping
            else:
                await asyncio.gather(*(container.stop(self._kill) for container in self._containers))
        finally:
            for task in (body, stopping):
                task.cancel()
            await asyncio.wait({body, stopping})
            self._kill.set()
            await asyncio.gather(*(container.stop(self._kill) for container in self._containers))
            self._machine.network.detach(self.uid)

    def request_stop(self, grace_wall_s: float, silent: bool = False) -> None:
        """Ask the pod to stop, with SIGKILL after *grace_wall_s*; asked again, the shorter grace counts.

        A *silent* stop (the control plane ends) writes no status any more.
        """
        self._is_silent = self._is_silent or silent
        if grace_wall_s <= 0:
            self._kill.set()
        else:
            asyncio.get_running_loop().call_later(grace_wall_s, self._kill.set)
        self._stop.set()

    def log_path(self, container: str, previous: bool) -> Path | None:
        """The log file of *container*'s current or previous run, or None."""
        for worker in self._containers:
            if worker.state.name == container:
                return worker.log_path(previous)
        return None

    def container(self, name: str) -> ContainerWorker | None:
        """The worker of container *name*, or None."""
        return next((worker for worker in self._containers if worker.state.name == name), None)

    async def _run_containers(self) -> None:
        place = await self._settle_in()
        self._publish()
        await asyncio.gather(*(container.run(place) for container in self._containers))

    async def _settle_in(self) -> Place:
        machine, meta = self._machine, self.pod["metadata"]
        pod_ip, ports = machine.network.attach(self.pod)
        if ports:
            with contextlib.suppress(NotFound):
                pod = machine.store.get("Pod", meta["namespace"], meta["name"])
                own = pod["metadata"].get("annotations") or {}
                pod["metadata"]["annotations"] = {**own, POD_PORTS: ports_text(ports)}
                machine.store.update(pod)
        self._addresses = {"podIP": pod_ip, "hostIP": machine.network.machine_address}
        while True:
            try:
                folders = machine.volumes.mount(self.pod)
            except VolumeNotReady as cause:
                machine.tell(self.pod, "FailedMount", cause.sentence, warn=True)
                self._publish()
                await machine.clock.sleep(MOUNT_RETRY_S)
            else:
                return Place(pod_ip, ports, folders, machine.volumes.pod_folder(self.uid))

    def _publish(self) -> None:
        if self._is_silent:
            return
        store, meta = self._machine.store, self.pod["metadata"]
        pod = store.find("Pod", meta["namespace"], meta["name"])
        if pod is None or pod["metadata"]["uid"] != self.uid:
            return
        states = [worker.state for worker in self._containers]
        status = pod_status(pod, states, self._addresses, self._started_at, self._machine.clock.now())
        store.update_status("Pod", meta["namespace"], meta["name"], status)


def grace_s(pod: Obj) -> float:
    """The plan seconds between SIGTERM and SIGKILL that *pod*, which is being deleted, is given."""
    if is_terminating(pod):
        return float(pod["metadata"].get("deletionGracePeriodSeconds", 0))
    return float(pod["spec"].get("terminationGracePeriodSeconds", 30))
