"""Faults that Kubernetes has no verb for: an object of our own cluster (faults.oddsock.dev), in force while it exists.

prepare   is the resource there, is the target?  what the object will be called, and which case it will name
inject    the object is made
heal      it is deleted, if it still names our case (drill/heal)
"""

import hashlib
import re
from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import Deployment, FaultSpec
from oddsock.drill.faults.fault import EXISTS, Change, Effect, Occasion
from oddsock.drill.plan_fields import Name
from oddsock.kit.errors import CannotRun

LABEL_CHARS_MAX = 63
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

IN_FORCE = frozenset({"Active", "Done"})

Percentage = Annotated[int, msgspec.Meta(ge=1, le=100)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class ObjectFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault that is an object of type *type*."""

    name: ClassVar[str]
    type: ClassVar[str]
    target: str

    def spec(self) -> FaultSpec:
        """What the object says."""
        return FaultSpec(type=self.type, target={"deployment": self.target})

    def describe(self) -> str:
        """What it does, as half a sentence."""
        raise NotImplementedError

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """The object that will be made; CannotRun when the cluster lacks the resource, or the target is not there."""
        if self.type not in await cluster.fault_types():
            raise lacking([self.name], cluster.server)
        deployment = await cluster.deployment(self.target)
        if deployment is None:
            raise CannotRun(f"There is no deployment {self.target} in {cluster.namespace}.", "Check the plan's target.")
        await self.check_target(cluster, deployment)
        case = label_of(occasion.case)
        digest = hashlib.blake2b(occasion.case.encode(), digest_size=3).hexdigest()
        return [
            Change(
                object=f"Fault/{occasion.id}-{digest}",
                path=EXISTS,
                was=None,
                injected=case,
                ready=deployment.ready,
                awaits=self.target,
            )
        ]

    async def check_target(self, cluster: ClusterDoor, deployment: Deployment) -> None:
        """Return when there is something to break; CannotRun otherwise."""

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Make the object."""
        for change in changes:
            await cluster.create_fault(change.name, self.spec(), str(change.injected))

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """Whether the cluster says that the object is in force."""
        found = await cluster.fault(changes[0].name)
        if found is None:
            return Effect(took=False, sentence=f"there is no fault {changes[0].name}")
        message = f": {found.message}" if found.message else ""
        return Effect(
            took=found.state in IN_FORCE,
            sentence=f"fault {found.name} is {found.state or 'not seen yet'}{message}",
        )


class PodFault(ObjectFault, frozen=True, kw_only=True):
    """One that acts on every pod of the target."""

    async def check_target(self, cluster: ClusterDoor, deployment: Deployment) -> None:
        """CannotRun when no pod runs."""
        if not any(pod.deployment == self.target and not pod.deleted_at for pod in await cluster.pods()):
            raise CannotRun(f"Deployment {self.target} has no pod, so {self.name} would break nothing.")


class ServiceFault(ObjectFault, frozen=True, kw_only=True):
    """One that acts on everything that passes through the Service of the target's name."""

    def spec(self) -> FaultSpec:
        """What the object says."""
        return FaultSpec(type=self.type, target={"service": self.target})

    async def check_target(self, cluster: ClusterDoor, deployment: Deployment) -> None:
        """CannotRun when there is no Service of that name."""
        if not any(service.name == self.target for service in await cluster.services()):
            raise CannotRun(f"There is no service {self.target} in {cluster.namespace}, so nothing passes through it.")


class RequestFault(ServiceFault, frozen=True, kw_only=True):
    """One that acts on some requests to the Service of the target's name."""

    percentage: Percentage = 100
    """How many of a hundred requests meet it; which ones, the seed decides."""
    caller: Name | None = None
    """The deployment whose calls it is for; everybody's, the customers' and the drill's own too, when not given."""
    seed: Seed = 0

    def spec(self) -> FaultSpec:
        """What the object says."""
        caller = {"deployment": self.caller} if self.caller else None
        return msgspec.structs.replace(super().spec(), caller=caller, percentage=self.percentage, seed=self.seed)

    @property
    def share(self) -> str:
        """Which requests meet it, as part of a sentence."""
        part = "every request" if self.percentage == 100 else f"{self.percentage} % of the requests"
        return f"{part} {f'from {self.caller} ' if self.caller else ''}to {self.target}"

    async def check_target(self, cluster: ClusterDoor, deployment: Deployment) -> None:
        """CannotRun when there is no Service of that name, or no such caller."""
        await super().check_target(cluster, deployment)
        if self.caller and await cluster.deployment(self.caller) is None:
            raise CannotRun(f"There is no deployment {self.caller} in {cluster.namespace} to be the fault's caller.")


def lacking(names: list[str], server: str) -> CannotRun:
    """The error that the cluster at *server* cannot do the faults *names*."""
    return CannotRun(
        f"The cluster at {server} has no {', '.join(names)}: it lacks the resource faults.oddsock.dev or that type.",
        "Use a cluster of `oddsock up`, or faults of any cluster: delete-pods, scale-to-zero, set-env.",
    )


def label_of(case: str) -> str:
    """The name of *case* as a label's value may be.

    >>> label_of("20251030-082400-payment-hang"), label_of("a case/")
    ('20251030-082400-payment-hang', 'a-case')
    """
    return re.sub(r"[^A-Za-z0-9._-]", "-", case)[:LABEL_CHARS_MAX].strip("-._")
