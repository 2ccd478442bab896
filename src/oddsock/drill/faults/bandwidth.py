"""A service is far away: bytes to and from it trickle."""

from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.faults.fault_object import RequestFault


class Bandwidth(RequestFault, frozen=True, kw_only=True):
    """Bounds how many bytes a second a connection to a service carries, in each direction."""

    name: ClassVar[str] = "bandwidth"
    type: ClassVar[str] = "bandwidth"
    bytes_per_second: Annotated[int, msgspec.Meta(ge=1)]
    """Bytes in one wall second, per connection and direction."""

    def spec(self) -> FaultSpec:
        """What the object says."""
        return msgspec.structs.replace(super().spec(), bytes_per_second=self.bytes_per_second)

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{self.share} carried at {self.bytes_per_second} bytes a second"
