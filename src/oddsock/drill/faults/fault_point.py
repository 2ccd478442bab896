"""A fault between two steps: a named place in a service's code where it dies, hangs, is late, falls silent or fails."""

from importlib import resources
from typing import Annotated, ClassVar, Literal

import msgspec

from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.faults.fault_object import ObjectFault, Percentage, Seed
from oddsock.drill.plan_fields import Name
from oddsock.drill.seconds import Seconds

WHAT = {"crash": "crashes", "hang": "hangs", "delay": "is delayed", "drop": "falls silent", "error": "fails"}


def shop_points() -> list[str]:
    """The names of the points inside our services, as data/fault-points.txt has them."""
    return (resources.files("oddsock") / "data" / "fault-points.txt").read_text().split()


class FaultPoint(ObjectFault, frozen=True, kw_only=True):
    """Crashes, hangs, delays, drops or fails what reaches a named point inside a service."""

    name: ClassVar[str] = "fault-point"
    type: ClassVar[str] = "fault-point"
    point: Name
    action: Literal["crash", "hang", "delay", "drop", "error"]
    nth: Annotated[int, msgspec.Meta(ge=1, le=10**9)] | None = None
    """Only this time, counted from the fault's beginning over restarts; every time when not given."""
    percentage: Percentage = 100
    seed: Seed = 0
    delay: Seconds | None = None
    """Wall seconds, whatever the speed; of the action delay only."""

    def __post_init__(self) -> None:
        """Refuse what the cluster would refuse."""
        if (self.action == "delay") != bool(self.delay):
            raise ValueError("`delay` belongs to `action: delay`, and to no other")
        if self.nth is not None and self.percentage != 100:
            raise ValueError("`nth` and `percentage` cannot both choose; leave one out")

    def spec(self) -> FaultSpec:
        """What the object says."""
        return msgspec.structs.replace(
            super().spec(),
            point=self.point,
            action=self.action,
            nth=self.nth or 0,
            percentage=self.percentage,
            seed=self.seed,
            delay_ms=round((self.delay or 0) * 1000),
        )

    def describe(self) -> str:
        """What it does, as half a sentence."""
        delay = f" by {self.delay:g} s" if self.delay else ""
        if self.nth is not None:
            when = f"time {self.nth} it gets there"
        else:
            when = "every time" if self.percentage == 100 else f"{self.percentage} % of the times"
        return f"{self.target} {WHAT[self.action]}{delay} at {self.point}, {when}"
