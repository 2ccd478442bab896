"""A service restarts: its pods are deleted, and Kubernetes makes new ones."""

from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.faults.fault import PODS, Change, Effect, Occasion
from oddsock.kit.errors import CannotRun


class DeletePods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deletes the pods of a deployment; Kubernetes makes new ones, and healing waits until they are ready."""

    name: ClassVar[str] = "delete-pods"
    target: str
    grace_s: Annotated[int, msgspec.Meta(ge=0, le=600)] | None = None
    """Wall seconds a pod gets to end by itself; the pod's own setting when it is not given, 0 kills at once."""

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"the pods of {self.target} deleted"

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """The pods as they are, by name; CannotRun when there is none to delete."""
        pods = await self._pods(cluster)
        if not pods:
            raise CannotRun(f"Deployment {self.target} has no pod to delete.", "Scale it up first.")
        deployment = await cluster.deployment(self.target)
        ready = deployment.ready if deployment else None
        return [Change(object=f"Deployment/{self.target}", path=PODS, was=" ".join(pods), injected=None, ready=ready)]

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Delete the pods that stood there."""
        for pod in _names(changes):
            await cluster.delete_pod(pod, self.grace_s)

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """Whether every pod that stood there is gone or going."""
        names = _names(changes)
        left = [pod for pod in await self._pods(cluster) if pod in names]
        return Effect(
            took=not left, sentence=f"{len(names) - len(left)} of {len(names)} pods of {self.target} are gone"
        )

    async def _pods(self, cluster: ClusterDoor) -> list[str]:
        return [pod.name for pod in await cluster.pods() if pod.deployment == self.target and not pod.deleted_at]


def _names(changes: list[Change]) -> list[str]:
    return [name for change in changes for name in str(change.was).split()]
