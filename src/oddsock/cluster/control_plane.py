"""The control plane as one process: API server, controllers, kubelet, network; `python -m oddsock.cluster.control_plane
SETTINGS.json` runs it until SIGTERM, SIGINT or the end of its lifeline.

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
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web

from oddsock.cluster.api.app import build
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
from oddsock.cluster.forks import Zygote
from oddsock.cluster.images import Images, Program, preload_of
from oddsock.cluster.kinds import Obj
from oddsock.cluster.kubelet import Kubelet
from oddsock.cluster.leftovers import ProcessLedger
from oddsock.cluster.machine import Machine
from oddsock.cluster.network_mode import Ground, Wanted, make_network, settle
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.store import Store
from oddsock.cluster.volumes import Volumes
from oddsock.kit import log, processes
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_OK, CannotRun, OddsockError, UsageError
from oddsock.kit.files import try_lock
from oddsock.kit.http import serve

STOP_GRACE_S = 2.0
"""Wall seconds the pods may take to end in order when the control plane ends."""

_log = logging.getLogger(__name__)


class ControlPlaneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a control plane is told; *images* as `images.Images` reads it, *speed* in plan seconds a wall second."""

    root: str
    token: str
    images: dict[str, list[str] | Program]
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one, which `on_ready` and *ready_fd* tell."""
    speed: float = 1.0
    forks: bool = True
    """Whether pods of images that may be are forked from a warm process; without, every pod is executed."""
    network: Wanted = "ports"
    """`ns` and `auto` enter a network namespace, which only `main` can do: a process does it before it has a loop."""
    namespaces: tuple[str, ...] = ("default", "kube-system")
    ready_fd: int | None = None
    """An inherited file descriptor that gets one line, the server's URL, when the API answers, and is closed."""


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
        self._ground = ground
        self.faults = FaultController(self.store, self.network)
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
            )
        )
        register_nodes(self.store, self.network.machine_address, self.network.mode)
        for name in settings.namespaces:
            namespace: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            fill(namespace, self.store)
            self.store.create(namespace)

    async def serve(self, settings: ControlPlaneSettings) -> web.AppRunner:
        """Open the API; CannotRun when its port is taken."""
        app = build(
            self.store,
            token=settings.token,
            pod_logs=self.kubelet,
            resolve_service=self.network.resolve_service,
            clock=self.clock,
            pod_doors=self.kubelet,
        )
        runner = await serve(app, settings.host, settings.port, listener=self._ground.api if self._ground else None)
        host, port = runner.addresses[0][:2]
        self.server = f"http://{host}:{port}"
        return runner


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
    async with running(settings, zygote, ground) as plane:
        _log.info("serving at %s", plane.server)
        if on_ready is not None:
            on_ready(plane)
        if settings.ready_fd is not None:
            os.write(settings.ready_fd, f"{plane.server}\n".encode())
            os.close(settings.ready_fd)
        await stop.wait()
        _log.info("stopping")


@asynccontextmanager
async def running(
    settings: ControlPlaneSettings, zygote: Zygote | None = None, ground: Ground | None = None
) -> AsyncIterator[ControlPlane]:
    """A control plane that serves inside the `async with` block; at its end every pod is stopped and gone.

    Pods are forked from *zygote* where they may be, which is this control plane's from now on. *ground* is the network
    namespace that this process has entered; mode `ports` without.
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
        plane = ControlPlane(settings, ledger, spawner, ground)
        runner = await plane.serve(settings)
        closing.push_async_callback(runner.cleanup)
        closing.push_async_callback(plane.kubelet.close, STOP_GRACE_S)
        # Callers are refused before the pods they would reach are told to end.
        closing.callback(plane.network.close)
        plane.proxy.start()
        controllers = asyncio.create_task(plane.loop.run(), name="controllers")
        closing.push_async_callback(_cancel, controllers)
        yield plane


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def collect_rarely() -> None:
    """Let this process collect garbage rarely: a full collection walks every object kept, and a list waits for it.

    Measured with 100 pods and 120 watches: p99 of a list 41 ms with Python's own thresholds, 5 ms with these.
    """
    gc.set_threshold(50_000, 50, 100)


def main(arguments: list[str]) -> int:
    """Run the control plane that the JSON file named on the command line describes; the exit code of what happened."""
    log.configure()
    try:
        if len(arguments) != 1:
            raise UsageError("One argument is wanted: the file of the control plane's settings.")
        text = Path(arguments[0]).read_bytes()
        settings = msgspec.json.decode(text, type=ControlPlaneSettings)
        ground = settle(settings.network, Path(settings.root), settings.host, settings.port)
    except (msgspec.MsgspecError, FileNotFoundError) as cause:
        _log.error("The settings of the control plane cannot be read: %s.", cause)
        return UsageError.exit_code
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    # Outside of every `try`, for in a pod this call ends with whatever the pod's module raises.
    zygote = Zygote.start(preload_of(settings.images)) if settings.forks else None
    collect_rarely()
    try:
        asyncio.run(run(settings, zygote=zygote, ground=ground))
    except OddsockError as cause:
        _log.error("%s", cause)
        return cause.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
