"""Replies are lost: the request is handed on and done, and its reply never reaches the caller."""

from typing import ClassVar

from oddsock.drill.faults.fault_object import RequestFault


class DropReply(RequestFault, frozen=True, kw_only=True):
    """Drops the replies of a service: what was asked for is done there, and the caller does not know."""

    name: ClassVar[str] = "drop-reply"
    type: ClassVar[str] = "drop-reply"

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"the reply lost to {self.share}"
