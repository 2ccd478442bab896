"""A circuit breaker: after some failures in a row a dependency is left alone, then exactly one call probes it.

    closed ──failures──> open ──cool──> half-open ──the probe succeeds──> closed
                          ▲                  │
                          └──the probe fails─┘

Of the libraries that can be awaited, each lets every waiting call through when half-open (docs/checkout.md).
"""

from collections.abc import Callable
from typing import Literal

from oddsock.kit.clock import Clock
from oddsock.shop.calls import OPEN, NoAnswer

State = Literal["closed", "open", "half-open"]

FAILURES_MAX = 5
COOL_S = 5.0
"""How long it stays open before a probe, in plan seconds."""

Told = Callable[[str, State, State], None]


class Breaker:
    """The breaker of one dependency; *told* hears of every change with the name, the state before and after."""

    def __init__(
        self, name: str, clock: Clock, told: Told, failures_max: int = FAILURES_MAX, cool_s: float = COOL_S
    ) -> None:
        self.name = name
        self.state: State = "closed"
        self._clock = clock
        self._told = told
        self._failures_max = failures_max
        self._cool_wall_s = cool_s / clock.speed
        self._failures = 0
        self._opened_at_s = 0.0

    @property
    def cooling_s(self) -> float:
        """Plan seconds until a probe may go, 0 when one may go or calls are let through."""
        if self.state != "open":
            return 0.0
        rest_s = self._opened_at_s + self._cool_wall_s - self._clock.monotonic()
        return max(0.0, rest_s * self._clock.speed)

    def admit(self) -> bool:
        """Whether the call that may now be made is the probe; NoAnswer when none may be made."""
        if self.state == "closed":
            return False
        if self.state == "half-open" or self.cooling_s > 0:
            wait_s = max(self.cooling_s, 0.1)
            raise NoAnswer(OPEN, f"the circuit breaker of {self.name} is {self.state}", retry_after_s=wait_s)
        self._become("half-open")
        return True

    def succeed(self, was_probe: bool) -> None:
        """A call was answered; late answers to calls from before an opening close nothing."""
        if was_probe or self.state == "closed":
            self._failures = 0
            self._become("closed")

    def fail(self, was_probe: bool) -> None:
        """A call got no answer, or was given up."""
        if self.state == "closed":
            self._failures += 1
        if was_probe or (self.state == "closed" and self._failures >= self._failures_max):
            self._failures = 0
            self._opened_at_s = self._clock.monotonic()
            self._become("open")

    def _become(self, state: State) -> None:
        before, self.state = self.state, state
        if before != state:
            self._told(self.name, before, state)
