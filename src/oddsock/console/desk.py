"""What every page works with: the doors to cluster, shop and telemetry, opened when first needed."""

import asyncio
from pathlib import Path

from oddsock.clients.datadog.datadog import Datadog
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.doors import ClusterDoors
from oddsock.console.settings import Settings
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun


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
        self._opening = asyncio.Lock()

    async def cluster(self) -> ClusterDoor:
        """The cluster; CannotRun when this console has none, Unreachable when it does not answer."""
        told = self.settings
        if not told.kubeconfig and not told.context:
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

    async def close(self) -> None:
        """Let every connection go."""
        if self._telemetry is not None:
            await self._telemetry.close()
        if self._cluster is not None:
            await self._cluster.close()
