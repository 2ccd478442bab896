"""The control plane as one process: API server, controllers, kubelet, network; `python -m oddsock.cluster` runs it.

What its first objects need comes first. The API's socket listens from the start, but its modules, half of what there is
to import, and the proxy's process wait until the objects have arrived or somebody calls.

Files under its root: volumes/ (claims; they stay), pods/, logs/, names/ and processes.jsonl (made anew at each start),
cluster.lock (one control plane a root).
"""

import asyncio
import contextlib
import gc
import logging
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from oddsock.cluster import first_objects
from oddsock.cluster.containers import Spawner
from oddsock.cluster.controllers.claims import ClaimController
from oddsock.cluster.controllers.deployments import DeploymentController
from oddsock.cluster.controllers.endpoints import EndpointsController
from oddsock.cluster.controllers.events import EventRecorder
from oddsock.cluster.controllers.faults import FaultController
from oddsock.cluster.controllers.garbage import GarbageController
from oddsock.cluster.controllers.loop import ControllerLoop
from oddsock.cluster.controllers.namespaces import NamespaceController
from oddsock.cluster.controllers.nodes import register_nodes
from oddsock.cluster.controllers.replicasets import ReplicaSetController
from oddsock.cluster.controllers.scheduler import Scheduler
from oddsock.cluster.defaults import fill
from oddsock.cluster.fault_files import FaultFiles
from oddsock.cluster.first_objects import Arrival, Awaited
from oddsock.cluster.forks import Zygote
from oddsock.cluster.images import Images
from oddsock.cluster.kinds import Obj
from oddsock.cluster.kubelet import Kubelet
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.cluster.listeners import BACKLOG
from oddsock.cluster.machine import Machine
from oddsock.cluster.namespace_network_entry import open_api_listener
from oddsock.cluster.network_mode import Ground, make_network
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.settings import ControlPlaneSettings
from oddsock.cluster.store import Store
from oddsock.cluster.volumes import Volumes
from oddsock.kit import processes
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import try_lock

if TYPE_CHECKING:
    from aiohttp import web

STOP_GRACE_S = 2.0
"""Wall seconds the pods may take to end in order when the control plane ends."""

ARRIVAL_S_MAX = 2.0
"""Wall seconds that the first objects have the machine for themselves; then the API answers, arrived or not."""
TOLD_S = 0.05
"""Wall seconds in which whoever waited for them is told so, before the rest wants both cores."""
_log = logging.getLogger(__name__)


class ControlPlane:
    """A control plane that serves: its parts, and where its API is."""

    def __init__(
        self, settings: ControlPlaneSettings, ledger: ProcessLedger, spawner: Spawner, ground: Ground | None = None
    ) -> None:
        root, self.clock = Path(settings.root), SystemClock(settings.speed)
        self.server = ""
        self.store = Store(self.clock)
        self.events = EventRecorder(self.store)
        self.proxy = ProxyClient(ledger)
        self.network = make_network(ground, self.store, root / "names", self.proxy)
        self._runner: web.AppRunner | None = None
        fault_files = FaultFiles(root / "fault-points")
        self.faults = FaultController(self.store, self.network, fault_files)
        self.proxy.on_hits = self.faults.note_hits
        self.loop = ControllerLoop(
            self.store,
            [
                EndpointsController(self.store),
                self.network,
                ReplicaSetController(self.store, self.events),
                Scheduler(self.store, self.events),
                DeploymentController(self.store, self.events),
                ClaimController(self.store),
                GarbageController(self.store),
                NamespaceController(self.store),
                self.faults,
            ],
            self.clock,
        )
        self.kubelet = Kubelet(
            Machine(
                store=self.store,
                events=self.events,
                network=self.network,
                volumes=Volumes(root, self.store),
                images=Images(settings.images),
                spawner=spawner,
                clock=self.clock,
                logs=root / "logs",
                fault_files=fault_files,
            )
        )
        register_nodes(self.store, self.network.machine_address, self.network.mode)
        for name in settings.namespaces:
            namespace: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            fill(namespace, self.store)
            self.store.create(namespace)
        first_objects.create_all(self.store, settings.objects)
        self.arrival: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        Awaited(self.store, settings.objects, self.network.mode, self.arrival.set_result)

    async def serve(self, token: str, listener: socket.socket) -> None:
        """Answer the API's callers at *listener*, who could connect since it listens."""
        # Not before now: importing them takes as long as everything that the first pods need of this process.
        from oddsock.cluster.api.app import build
        from oddsock.kit.http import serve

        app = build(
            self.store,
            token=token,
            pod_logs=self.kubelet,
            resolve_service=self.network.resolve_service,
            clock=self.clock,
            pod_doors=self.kubelet,
        )
        host, port = listener.getsockname()[:2]
        self._runner = await serve(app, host, port, listener=listener)

    async def end_api(self) -> None:
        """Close the API, if it is open."""
        if self._runner is not None:
            await self._runner.cleanup()


async def run(
    settings: ControlPlaneSettings,
    on_ready: Callable[[ControlPlane], None] | None = None,
    zygote: Zygote | None = None,
    ground: Ground | None = None,
) -> None:
    """Run a control plane until SIGTERM, SIGINT or the end of its lifeline, then stop every pod.

    Call it in the main thread. CannotRun when the root is in use or the port is taken; nothing is left running then.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def on_lifeline_end() -> None:
        loop.call_soon_threadsafe(stop.set)

    processes.follow_lifeline(on_lifeline_end)
    async with running(settings, zygote, ground, stop) as plane:
        _log.info("serving at %s", plane.server)
        if on_ready is not None:
            on_ready(plane)
        await stop.wait()
        _log.info("stopping")


def _tell_arrival(ready_fd: int, arrival: "asyncio.Future[Arrival]") -> None:
    if not arrival.cancelled():
        _tell(ready_fd, msgspec.json.encode(arrival.result()))
    os.close(ready_fd)


def _tell(ready_fd: int, line: bytes) -> None:
    # Whoever waited may be gone, and that is his affair.
    with contextlib.suppress(BrokenPipeError):
        os.write(ready_fd, line + b"\n")


@asynccontextmanager
async def running(
    settings: ControlPlaneSettings,
    zygote: Zygote | None = None,
    ground: Ground | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[ControlPlane]:
    """A control plane that serves inside the `async with` block; at its end every pod is stopped and gone.

    Pods are forked from *zygote* where they may be, which is this control plane's from now on. *ground* is the network
    namespace that this process has entered; mode `ports` without. *stop* may be set before it serves.
    """
    root = Path(settings.root)
    root.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as closing:
        if ground is not None:
            closing.callback(ground.close)
        if (lock := try_lock(root / "cluster.lock")) is None:
            raise CannotRun(f"Another control plane keeps its files in {root}.", "Stop it, or choose another folder.")
        closing.enter_context(lock)
        ledger = ProcessLedger(root / "processes.jsonl")
        for row in ledger.sweep():
            _log.warning("ended process %d of %s, left over by an earlier run", row.pid, row.owner)
        for folder in ("pods", "logs", "names"):
            shutil.rmtree(root / folder, ignore_errors=True)
        ledger.start_watchman()
        closing.callback(ledger.close)
        spawner = Spawner(ledger, zygote)
        closing.callback(spawner.close)
        listener = ground.api if ground is not None else open_api_listener(settings.host, settings.port)
        closing.callback(listener.close)
        plane = ControlPlane(settings, ledger, spawner, ground)
        closing.push_async_callback(plane.end_api)
        closing.push_async_callback(plane.kubelet.close, STOP_GRACE_S)
        # Callers are refused before the pods they would reach are told to end.
        closing.callback(plane.network.close)
        controllers = asyncio.create_task(plane.loop.run(), name="controllers")
        closing.push_async_callback(_cancel, controllers)
        listener.listen(BACKLOG)
        plane.server = "http://{}:{}".format(*listener.getsockname()[:2])
        if settings.objects:
            if settings.ready_fd is not None:
                _tell(settings.ready_fd, plane.server.encode())
                plane.arrival.add_done_callback(partial(_tell_arrival, settings.ready_fd))
            await _wait_for_arrival(plane, listener, stop or asyncio.Event())
        plane.proxy.start()
        await plane.serve(settings.token, listener)
        if settings.ready_fd is not None and not settings.objects:
            _tell(settings.ready_fd, plane.server.encode())
            os.close(settings.ready_fd)
        yield plane


async def _wait_for_arrival(plane: ControlPlane, listener: socket.socket, stop: asyncio.Event) -> None:
    """Return when the first objects have arrived; sooner when somebody calls the API, or it takes too long."""
    loop = asyncio.get_running_loop()
    called, stopping = asyncio.Event(), asyncio.create_task(stop.wait())
    calling = asyncio.create_task(called.wait())
    loop.add_reader(listener, called.set)
    try:
        waited: set[asyncio.Future[Any]] = {plane.arrival, stopping, calling}
        done, _ = await asyncio.wait(waited, timeout=ARRIVAL_S_MAX, return_when=asyncio.FIRST_COMPLETED)
        if done == {plane.arrival}:
            await asyncio.wait(waited - done, timeout=TOLD_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(listener)
        stopping.cancel()
        calling.cancel()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def collect_rarely() -> None:
    """Let this process collect garbage rarely: a full collection walks every object kept, and a list waits for it.

    Measured with 100 pods and 120 watches: p99 of a list 41 ms with Python's own thresholds, 5 ms with these.
    """
    gc.set_threshold(50_000, 50, 100)
