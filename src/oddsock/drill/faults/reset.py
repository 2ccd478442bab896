"""Connections break: the caller gets a reset before anything of the request arrives."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import RequestFault


class Reset(RequestFault, frozen=True, kw_only=True):
    """Resets connections to a service before the request is handed on: nothing happened behind it."""

    name: ClassVar[str] = "reset"
    type: ClassVar[str] = "reset"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{self.share} reset"
