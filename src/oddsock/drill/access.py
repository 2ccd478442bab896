"""How a drill reaches the shop of a cluster and its telemetry: an operator's calls, browsers, questions."""

from dataclasses import dataclass

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.doors import ClusterDoors
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.customers import people
from oddsock.drill.plan_fields import PlanFields
from oddsock.drill.shopper import Sessions
from oddsock.kit.clock import Clock


@dataclass(frozen=True)
class Access:
    """The shop, the browsers of the plan's customers, and telemetry where there is any."""

    shop: Shop
    sessions: Sessions
    telemetry: TelemetryDoor | None = None

    async def close(self) -> None:
        """Let every connection go."""
        await self.sessions.close()
        await self.shop.close()
        if self.telemetry is not None:
            await self.telemetry.close()


def open_access(plan: PlanFields, cluster: ClusterDoor, clock: Clock, telemetry: TelemetryDoor | None = None) -> Access:
    """The way to the shop in *cluster*, with every customer of *plan*, and to *telemetry*; nothing is connected yet."""
    doors = ClusterDoors(cluster)
    return Access(Shop(doors), Sessions(people(plan), doors, clock), telemetry)
