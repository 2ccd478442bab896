"""A disk is full: a service can read its book and write nothing into it."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import PodFault


class DiskFull(PodFault, frozen=True, kw_only=True):
    """Leaves a service no room on its disk: whatever it would write into its book is refused, what it reads is not."""

    name: ClassVar[str] = "disk-full"
    type: ClassVar[str] = "disk-full"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"the disk of {self.target} full"
