"""A clock is wrong: a service takes it for earlier or later than it is, until the fault is over."""

from typing import ClassVar

import msgspec

from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.faults.fault_object import PodFault
from oddsock.drill.seconds import Seconds


class ClockSkew(PodFault, frozen=True, kw_only=True):
    """Puts the clock of a service wrong: what it writes down, signs and compares is `behind` or `ahead` of the time."""

    name: ClassVar[str] = "clock-skew"
    type: ClassVar[str] = "clock-skew"
    behind: Seconds | None = None
    """Wall seconds, whatever the speed."""
    ahead: Seconds | None = None
    """Wall seconds, whatever the speed."""

    def __post_init__(self) -> None:
        """Refuse what would be no skew, or two."""
        if bool(self.behind) == bool(self.ahead):
            raise ValueError("either `behind` or `ahead` says how wrong the clock is")

    def spec(self) -> FaultSpec:
        """What the object says."""
        return msgspec.structs.replace(super().spec(), offset_ms=round(self.offset_s * 1000))

    @property
    def offset_s(self) -> float:
        """What is added to the time, in wall seconds."""
        return (self.ahead or 0.0) - (self.behind or 0.0)

    def describe(self) -> str:
        """What it does, as half a sentence."""
        how = f"{self.behind:g} s slow" if self.behind else f"{self.ahead:g} s fast"
        return f"the clock of {self.target} is {how}"
