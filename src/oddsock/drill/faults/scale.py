"""A service gets another number of replicas than it had: too few, or more than its book allows."""

from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.faults.fault import REPLICAS, Change, Effect, Occasion
from oddsock.kit.errors import CannotRun

REPLICAS_MAX = 20
"""One machine runs a process for each."""


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scales a deployment to a number of replicas; healed to the count that was there."""

    name: ClassVar[str] = "scale"
    target: str
    replicas: Annotated[int, msgspec.Meta(ge=0, le=REPLICAS_MAX)]

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{self.target} scaled to {self.replicas} replica{'' if self.replicas == 1 else 's'}"

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """The replica count as it stands; CannotRun when the deployment is missing or has that count already."""
        replicas = await cluster.replicas(self.target)
        if replicas == self.replicas:
            raise CannotRun(f"Deployment {self.target} is at {replicas} already.", "Choose another number of replicas.")
        deployment = await cluster.deployment(self.target)
        ready = deployment.ready if deployment else None
        return [
            Change(object=f"Deployment/{self.target}", path=REPLICAS, was=replicas, injected=self.replicas, ready=ready)
        ]

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Ask for that many replicas."""
        await cluster.scale(self.target, self.replicas)

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """Whether so many are asked for and so many pods are there, ready or not: two that share a book never are."""
        deployment = await cluster.deployment(self.target)
        asked, ready = (deployment.replicas, deployment.ready) if deployment else (0, 0)
        pods = [pod for pod in await cluster.pods() if pod.deployment == self.target and not pod.deleted_at]
        return Effect(
            took=asked == self.replicas and len(pods) == self.replicas,
            sentence=f"{self.target} is at {ready}/{asked}, {len(pods)} pods",
        )
