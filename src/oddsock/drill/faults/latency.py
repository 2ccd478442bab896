"""A service is slow: requests are held back before they are handed on."""

from typing import ClassVar

import msgspec

from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.faults.fault_object import RequestFault
from oddsock.drill.seconds import Seconds


class Latency(RequestFault, frozen=True, kw_only=True):
    """Delays requests to a service by a latency, give or take a jitter, in wall time."""

    name: ClassVar[str] = "latency"
    type: ClassVar[str] = "latency"
    latency: Seconds
    """Wall seconds, whatever the speed: the callers' own time-outs never fall below one wall second either."""
    jitter: Seconds = msgspec.field(default_factory=lambda: Seconds(0))
    """At most so many wall seconds more or less, evenly spread by the seed."""

    def spec(self) -> FaultSpec:
        """What the object says."""
        return msgspec.structs.replace(
            super().spec(), latency_ms=round(self.latency * 1000), jitter_ms=round(self.jitter * 1000)
        )

    def describe(self) -> str:
        """What it does, as half a sentence."""
        jitter = f" ± {self.jitter:g} s" if self.jitter else ""
        return f"{self.share} delayed by {self.latency:g} s{jitter}"
