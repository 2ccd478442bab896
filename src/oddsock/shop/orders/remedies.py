"""Which of the report's recommendations this process has: one frozen set of switches, read once at the start."""

from dataclasses import dataclass

from oddsock.shop.calls import CALL_WALL_S_MIN
from oddsock.shop.flags import Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """The switches of orders; all off is the shop of the report. *queue_deadline_s* in plan seconds,
    *call_wall_s_min* what a call to another service gets at the least, in wall seconds.
    """

    retry: bool = False
    breaker: bool = False
    payment_queue: bool = False
    release_limiter: bool = False
    resume: bool = False
    idempotency: bool = False
    saga: bool = False
    event_sourcing: bool = False
    notices: bool = False
    queue_deadline_s: float = 14_400.0
    call_wall_s_min: float = CALL_WALL_S_MIN

    @classmethod
    def read(cls, flags: Flags) -> "Remedies":
        """As the environment of the deployment sets them; UsageError for a value that is none."""
        return cls(
            retry=flags.is_on("RETRY"),
            breaker=flags.is_on("BREAKER"),
            payment_queue=flags.is_on("PAYMENT_QUEUE"),
            release_limiter=flags.is_on("RELEASE_LIMITER"),
            resume=flags.is_on("RESUME"),
            idempotency=flags.is_on("IDEMPOTENCY"),
            saga=flags.is_on("SAGA"),
            event_sourcing=flags.is_on("EVENT_SOURCING"),
            notices=flags.is_on("NOTICES"),
            queue_deadline_s=flags.seconds("QUEUE_DEADLINE_S"),
            call_wall_s_min=flags.seconds("CALL_WALL_S_MIN"),
        )

    @property
    def has_errands(self) -> bool:
        """Whether somebody in this process carries on what nobody works on."""
        return self.payment_queue or self.resume or self.saga
