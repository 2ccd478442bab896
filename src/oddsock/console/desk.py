"""What every page works with: the doors to cluster, shop and telemetry, opened when first needed."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path

from oddsock.clients.datadog.datadog import Datadog
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.doors import ClusterDoors
from oddsock.console.settings import Settings
from oddsock.drill.case import ClusterMeta
from oddsock.drill.standing import StandingFaults
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun

HEAL_WALL_S_MAX = 5.0
"""How long a console that ends may take to heal what it let stand."""


class Desk:
    """The doors of one console; a door that cannot be opened raises on each use until it can."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.home = Path(settings.home)
        self.clock = clock or SystemClock()
        self.plan_clock = SystemClock(settings.speed)
        self._cluster: ClusterDoor | None = None
        self._shop: ClusterDoors | None = None
        self._telemetry: Datadog | None = None
        self._faults: StandingFaults | None = None
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._opening = asyncio.Lock()

    @property
    def has_cluster(self) -> bool:
        """Whether this console was told of a cluster."""
        return bool(self.settings.kubeconfig or self.settings.context)

    async def cluster(self) -> ClusterDoor:
        """The cluster; CannotRun when this console has none, Unreachable when it does not answer."""
        told = self.settings
        if not self.has_cluster:
            raise CannotRun(
                "This console has no cluster.", "Start one with `oddsock up --detach`, then `oddsock console`."
            )
        async with self._opening:
            if self._cluster is None:
                kubeconfig = Path(told.kubeconfig) if told.kubeconfig else None
                self._cluster = await Cluster.connect(kubeconfig, told.context or None, told.namespace)
            return self._cluster

    async def shop(self) -> ClusterDoors:
        """Where the services of the shop answer, by what the cluster says."""
        cluster = await self.cluster()
        if self._shop is None:
            self._shop = ClusterDoors(cluster)
        return self._shop

    def telemetry(self) -> Datadog:
        """The telemetry, which may be changed (dashboards); CannotRun when this console has none."""
        if self._telemetry is None:
            told = self.settings
            if told.to_datadog:
                self._telemetry = Datadog.from_environment(read_only=True)
            elif told.telemetry:
                self._telemetry = Datadog(told.telemetry, told.api_key, told.app_key)
            else:
                raise CannotRun(
                    "This stack runs without telemetry.", "Start it without --no-telemetry to see logs and metrics."
                )
        return self._telemetry

    async def faults(self) -> StandingFaults:
        """The faults that this console lets stand."""
        cluster = await self.cluster()
        if self._faults is None:
            meta = ClusterMeta(server=cluster.server, stack=self.settings.stack)
            self._faults = StandingFaults(self.home, cluster, self.plan_clock, meta, getpass.getuser())
        return self._faults

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have *close* awaited when the console ends, before its doors are closed."""
        self._closers.append(close)

    async def close(self) -> None:
        """Heal what stands, and let every connection go."""
        for close in self._closers:
            await close()
        if self._faults is not None:
            await self._faults.close(HEAL_WALL_S_MAX)
        if self._telemetry is not None:
            await self._telemetry.close()
        if self._cluster is not None:
            await self._cluster.close()
