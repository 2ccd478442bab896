"""What a fault is: it says beforehand what it will change, so that the undo is on disk before it acts.

    prepare ──▶ changes ──▶ undo journal (fsync) ──▶ inject ──▶ took_effect ──▶ ... window ... ──▶ heal (drill/heal)

A fault is one file: a frozen Struct whose fields are its settings in a plan. It has no heal of its own: healing puts
back the changes that still hold the injected value, and needs the journal only, so that it works after a kill -9.
What Kubernetes has no verb for is an object of our cluster (`fault_object`), whose undo is to delete it.
"""

from typing import ClassVar, Protocol

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor

REPLICAS = "spec.replicas"
"""The path of a Deployment's replica count."""

PODS = "pods"
"""The path that stands for a Deployment's running pods: nothing to put back, only to wait for."""

ENV = "env."
"""The beginning of env.<container>.<NAME>; `was` or `injected` is None where the variable is absent."""

EXISTS = "exists"
"""The path of a whole object of ours (Fault/payment-hang-1f2e3d); `injected` is the case it is labelled with."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """In which *case* and under which *id* of its plan a fault acts, for the faults that leave an object behind."""

    case: str
    id: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field of *object* (Deployment/payment) at *path* that held *was* and will hold *injected*.

    *ready* is how many replicas were ready then: healing waits for as many, None for all. *awaits* names the Deployment
    that healing waits for where *object* is none.
    """

    object: str
    path: str
    was: int | str | None
    injected: int | str | None
    ready: int | None = None
    awaits: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def name(self) -> str:
        """The name of the object that is changed."""
        return self.object.partition("/")[2]

    @property
    def deployment(self) -> str:
        """The name of the Deployment that is changed, or broken by the object that is made."""
        return self.awaits or self.name

    @property
    def label(self) -> str:
        """What a history calls it: replicas, env.payment.LIMIT, Fault/payment-hang-1f2e3d."""
        return {REPLICAS: "replicas", EXISTS: self.object}.get(self.path, self.path)

    @property
    def variable(self) -> str:
        """The variable's name when *path* is env.<container>.<NAME>, else empty."""
        return self.path.split(".", 2)[2] if self.path.startswith(ENV) else ""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a fault took effect, and the *sentence* of what was seen in the cluster."""

    took: bool
    sentence: str


class Fault(Protocol):
    """One thing that a plan can break."""

    name: ClassVar[str]

    @property
    def target(self) -> str:
        """The Deployment it acts on."""
        ...

    def describe(self) -> str:
        """What it does, as half a sentence for a timeline."""
        ...

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """What it would change now, with what stands there; CannotRun when it cannot act. Changes nothing."""
        ...

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Do what `prepare` said."""
        ...

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """What the cluster shows now; asked repeatedly until it took or a deadline passed."""
        ...
