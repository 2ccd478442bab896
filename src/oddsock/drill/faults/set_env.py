"""A service is configured wrongly: variables of its first container are set, and it restarts with them."""

from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.faults.fault import Change, Effect, Occasion
from oddsock.kit.errors import CannotRun
from oddsock.kit.mask import is_secret

VariableName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SetEnv(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets or removes environment variables of a deployment; healed to each value that was there, or to none."""

    name: ClassVar[str] = "set-env"
    target: str
    env: Annotated[dict[VariableName, str | None], msgspec.Meta(min_length=1)]
    """Variables to set; null takes one away."""

    def __post_init__(self) -> None:
        """ValueError for a secret: its undo would have to write what it was into the case."""
        for name in filter(is_secret, sorted(self.env)):
            raise ValueError(f"{name} is a secret by its name, and a case keeps none, not even to put it back")

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{', '.join(sorted(self.env))} of {self.target} set"

    async def prepare(self, cluster: ClusterDoor, occasion: Occasion) -> list[Change]:
        """Each variable as it stands; CannotRun when all have the wanted value already."""
        deployment = await cluster.deployment(self.target)
        if deployment is None:
            raise CannotRun(f"There is no deployment {self.target} in {cluster.namespace}.", "Check the plan's target.")
        now = await cluster.env(self.target)
        changes = [
            Change(
                object=f"Deployment/{self.target}",
                path=f"env.{deployment.container}.{name}",
                was=now.get(name),
                injected=value,
                ready=deployment.ready,
            )
            for name, value in sorted(self.env.items())
            if now.get(name) != value
        ]
        if not changes:
            raise CannotRun(f"{self.target} has these variables already, so setting them would break nothing.")
        return changes

    async def inject(self, cluster: ClusterDoor, changes: list[Change]) -> None:
        """Set the variables."""
        await cluster.set_env(self.target, {change.variable: _text(change.injected) for change in changes})

    async def took_effect(self, cluster: ClusterDoor, changes: list[Change]) -> Effect:
        """Whether the spec has the variables and every pod of it runs with them."""
        deployment = await cluster.deployment(self.target)
        now = await cluster.env(self.target)
        wrong = [change.variable for change in changes if now.get(change.variable) != change.injected]
        rolled = deployment is not None and deployment.is_observed and deployment.updated == deployment.replicas
        state = "every pod is" if rolled else "not every pod is"
        return Effect(
            took=not wrong and rolled,
            sentence=f"{len(changes) - len(wrong)} of {len(changes)} variables of {self.target} are set, {state} new",
        )


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)
