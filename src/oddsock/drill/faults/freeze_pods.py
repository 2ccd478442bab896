"""A service hangs: its processes are stopped (SIGSTOP), so that callers connect and never get an answer."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import PodFault


class FreezePods(PodFault, frozen=True, kw_only=True):
    """Freezes the pods of a deployment: connections are taken, answers come when it is healed."""

    name: ClassVar[str] = "freeze-pods"
    type: ClassVar[str] = "freeze"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"the pods of {self.target} frozen"
