"""A running agent: which loop runs how often, and how all of them end.

At its end it ships what is there still, within a deadline; what it cannot is told after the next start.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from oddsock.clients.datadog.datadog import Datadog
from oddsock.kit import processes
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import OddsockError
from oddsock.telemetry.agent.api_server import ApiServer, end, pause
from oddsock.telemetry.agent.cluster_state import ClusterState
from oddsock.telemetry.agent.connectivity import Connectivity
from oddsock.telemetry.agent.heartbeat import Heartbeat
from oddsock.telemetry.agent.installs import PIPELINES, install
from oddsock.telemetry.agent.kube_events import KubeEvents
from oddsock.telemetry.agent.kubelet import Kubelet
from oddsock.telemetry.agent.log_files import LogFiles
from oddsock.telemetry.agent.log_shipping import LogShipping, Tagger
from oddsock.telemetry.agent.machine import Machine
from oddsock.telemetry.agent.memory import Memory
from oddsock.telemetry.agent.pod_logs import PodLogs
from oddsock.telemetry.agent.pods import Pods
from oddsock.telemetry.agent.reporting import Collector, Outbox, repeat
from oddsock.telemetry.agent.settings import COUNT_INTERVAL_S_MIN, AgentSettings
from oddsock.telemetry.agent.shop import Shop

DRAIN_S_MAX = 1.0
"""Wall seconds that an agent which ends may still ship."""

FIRST_S = 1.0
"""Wall seconds before the first reading of metrics: a cluster that boots has better to do."""

API_POLL_S = 1.0
"""Wall seconds between two questions to the pod-log API."""

_log = logging.getLogger(__name__)


def open_store(settings: AgentSettings, clock: Clock) -> Datadog:
    """Where the agent ships to; UsageError when the real Datadog is wanted and its site or key is not set."""
    if not settings.to_datadog:
        return Datadog(settings.address, settings.api_key, settings.app_key, clock=clock)
    # Shipping needs no application key; without one an event that was under way in a kill may come twice.
    environment = {**os.environ, "DD_APP_KEY": os.environ.get("DD_APP_KEY") or "none"}
    return Datadog.from_environment(environment, read_only=False, clock=clock)


class Agent:
    """The parts of one agent that is connected to its cluster."""

    def __init__(
        self, settings: AgentSettings, server: ApiServer, store: Datadog, memory: Memory, clock: Clock
    ) -> None:
        self._settings = settings
        self._server = server
        self._clock = clock
        self._pods = Pods(settings.namespaces)
        tagger = Tagger(self._pods, settings.cluster_name, settings.tags, masks_all=settings.to_datadog)
        self._logs: LogShipping | PodLogs
        if settings.logs:
            files = LogFiles(Path(settings.logs), memory.positions())
            self._logs = LogShipping(
                files, tagger, store.send_logs, memory, clock, settings.log_poll_s, settings.namespaces
            )
        else:
            self._logs = PodLogs(server, tagger, store.send_logs, memory, clock, API_POLL_S)
        self._events = KubeEvents(
            store, memory, self._pods, clock, settings.cluster_name, settings.tags, settings.namespaces
        )
        self._memory = memory
        self._store = store
        self._outbox = Outbox(store.send_series, store.send_checks, clock)
        self._collectors = self._make_collectors(memory)

    def _make_collectors(self, memory: Memory) -> list[tuple[Collector, float]]:
        settings, server, pods = self._settings, self._server, self._pods
        tags = (f"kube_cluster_name:{settings.cluster_name}", *settings.tags)
        wall_s = settings.wall_s(settings.interval_s)
        found: list[tuple[Collector, float]] = [
            (Heartbeat(server, tags), wall_s),
            (Kubelet(server, pods, self._clock, tags, settings.zero_when_scaled_down), wall_s),
            (ClusterState(server, pods, settings.namespaces, tags), wall_s),
            (Machine(server, tags), wall_s),
            *((Connectivity(server, probe, "", tags), wall_s) for probe in settings.probes),
        ]
        if settings.shop_service:
            counts_s = settings.wall_s(settings.interval_s, COUNT_INTERVAL_S_MIN)
            found.append((Shop(server, pods, memory, settings.shop_service, tags), counts_s))
        return found

    async def run(self) -> None:
        """Run every loop until cancelled; one that fails by a fault of ours ends all, and is told."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._pods.follow(self._server, self._clock))
            loops.create_task(self._ship_logs())
            loops.create_task(self._events.follow(self._server))
            loops.create_task(self._outbox.run())
            loops.create_task(self._install([one for one in self._settings.installs if one != PIPELINES]))
            await pause(self._clock, FIRST_S)
            for collector, interval_s in self._collectors:
                loops.create_task(repeat(collector, self._outbox, interval_s, self._clock))

    async def _ship_logs(self) -> None:
        # First, for a line that came before its pipeline goes through none.
        await self._install([one for one in self._settings.installs if one == PIPELINES])
        await self._logs.run()

    async def _install(self, folders: list[str]) -> None:
        try:
            await install(folders, self._store, self._memory, self._clock)
        except OddsockError as cause:
            _log.error("%s", cause)

    async def drain(self) -> None:
        """Ship what is there, within the deadline of an end."""
        await _within(DRAIN_S_MAX, self._logs.drain())
        await _within(DRAIN_S_MAX, self._outbox.flush())


async def _within(deadline_s: float, work: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(deadline_s):
            await work
    except (TimeoutError, OddsockError) as cause:
        _log.info("not everything was shipped before the end: %s", cause or "no time was left")


@asynccontextmanager
async def connected(settings: AgentSettings) -> AsyncIterator[Agent]:
    """An agent that knows its cluster, inside the `async with` block; CannotRun when the cluster does not come up."""
    clock = SystemClock(settings.speed)
    async with AsyncExitStack() as closing:
        store = open_store(settings, clock)
        closing.push_async_callback(store.close)
        memory = Memory.open(Path(settings.root))
        closing.callback(memory.close)
        kubeconfig = Path(settings.kubeconfig)
        server = await ApiServer.connect(kubeconfig, settings.context, settings.kubeconfig_s_max, clock)
        closing.push_async_callback(server.close)
        _log.info("reading %s, shipping to %s", server.server, store.address)
        yield Agent(settings, server, store, memory, clock)


async def run(settings: AgentSettings) -> None:
    """Run an agent until SIGTERM, SIGINT or the end of its lifeline; call it in the main thread."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    is_orphan = False

    def on_lifeline_end() -> None:
        # Whoever kept the store has gone, too: there is nobody to tell the rest to.
        nonlocal is_orphan
        is_orphan = True
        loop.call_soon_threadsafe(stop.set)

    processes.follow_lifeline(on_lifeline_end)

    async def work() -> None:
        async with connected(settings) as agent:
            try:
                await agent.run()
            finally:
                if not is_orphan:
                    await agent.drain()

    working, stopping = asyncio.create_task(work(), name="agent"), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        await end(stopping)
        # Whatever ended it is told by the caller.
        working.result()
    await end(working)
