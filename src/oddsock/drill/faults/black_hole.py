"""A service cannot be reached: packets to it vanish, so that callers time out before they are connected."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import ServiceFault


class BlackHole(ServiceFault, frozen=True, kw_only=True):
    """Lets nothing pass to or from a service, of anybody's; new connections time out, open ones stand still."""

    name: ClassVar[str] = "black-hole"
    type: ClassVar[str] = "black-hole"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"nothing passes to {self.target}"
