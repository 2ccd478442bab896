"""A service goes away: its Deployment is scaled to zero, so that callers get a real `Connection refused`."""

from typing import ClassVar

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.faults.fault import REPLICAS, Change, Effect, Occasion
from oddsock.kit.errors import CannotRun


class ScaleToZero(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scales a deployment to zero; healed to the replica count that was there, whatever it was."""

    name: ClassVar[str] = "scale-to-zero"
    target: str

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{self.target} scaled to 0 replicas"

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """The replica count as it stands; CannotRun when the deployment is missing or at zero already."""
        replicas = await cluster.replicas(self.target)
        if replicas == 0:
            raise CannotRun(
                f"Deployment {self.target} is at 0 replicas already, so scaling it to zero would break nothing.",
                "Run `oddsock heal`, or scale it up first.",
            )
        deployment = await cluster.deployment(self.target)
        ready = deployment.ready if deployment else None
        return [Change(object=f"Deployment/{self.target}", path=REPLICAS, was=replicas, injected=0, ready=ready)]

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Ask for zero replicas."""
        await cluster.scale(self.target, 0)

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """Whether no pod of it is ready, none is left running and its Service has no endpoint."""
        deployment = await cluster.deployment(self.target)
        asked, ready = (deployment.replicas, deployment.ready) if deployment else (0, 0)
        pods = [pod for pod in await cluster.pods() if pod.deployment == self.target and pod.phase == "Running"]
        addresses = [
            address for row in await cluster.endpoints() if row.name == self.target for address in row.addresses
        ]
        return Effect(
            took=asked == 0 and ready == 0 and not pods and not addresses,
            sentence=f"{self.target} is at {ready}/{asked}, {len(pods)} pods running, {len(addresses)} endpoints",
        )
