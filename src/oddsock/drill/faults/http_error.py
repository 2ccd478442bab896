"""A service errs: requests are answered with an HTTP error without reaching it."""

from typing import Annotated, ClassVar

import msgspec

from oddsock.clients.kubernetes.objects import FaultSpec
from oddsock.drill.faults.fault_object import RequestFault


class HttpError(RequestFault, frozen=True, kw_only=True):
    """Answers requests to a service with an HTTP error; the service never sees them."""

    name: ClassVar[str] = "http-error"
    type: ClassVar[str] = "http-error"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    """The HTTP status of the answer."""

    def spec(self) -> FaultSpec:
        """What the object says."""
        return msgspec.structs.replace(super().spec(), status=self.status)

    def describe(self) -> str:
        """What it does, as half a sentence."""
        return f"{self.share} answered with HTTP {self.status}"
