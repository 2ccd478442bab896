"""A service crashes: its processes are killed (SIGKILL) where they stand, and the same pods start again."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import PodFault


class KillPods(PodFault, frozen=True, kw_only=True):
    """Kills the processes in the pods of a deployment; the same pods start them again."""

    name: ClassVar[str] = "kill-pods"
    type: ClassVar[str] = "kill"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"the processes of {self.target} killed"
