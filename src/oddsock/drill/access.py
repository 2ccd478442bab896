"""How a drill reaches the shop of a cluster: an operator's calls and the customers' browsers, closed as one."""

from dataclasses import dataclass

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.sockshop.doors import ClusterDoors
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.customers import people
from oddsock.drill.plan_fields import PlanFields
from oddsock.drill.shopper import Sessions
from oddsock.kit.clock import Clock


@dataclass(frozen=True)
class Access:
    """The shop, and the browsers of the plan's customers."""

    shop: Shop
    sessions: Sessions

    async def close(self) -> None:
        """Let every connection go."""
        await self.sessions.close()
        await self.shop.close()


def open_access(plan: PlanFields, cluster: ClusterDoor, clock: Clock) -> Access:
    """The way to the shop in *cluster*, with every customer of *plan*; nothing is connected yet."""
    doors = ClusterDoors(cluster)
    return Access(Shop(doors), Sessions(people(plan), doors, clock))
