"""How many calls may be under way at once: a limit that adapts, shared by parked orders and fresh ones.

Additive increase, multiplicative decrease (Chiu and Jain 1989): up by a half for each answer until the first overload,
then by one a round; down by three tenths at a 429, a 503 or a time-out, once for all that were under way together.
It only grows while it is used and while answers come about as fast as the fastest: calls that queue on the other side
are no throughput. A refused connection is no overload: nobody is there to be spared.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from oddsock.kit.clock import Clock
from oddsock.shop.calls import OPEN, TIMED_OUT, NoAnswer

LIMIT_FIRST = 8.0
LIMIT_MIN = 1.0
LIMIT_MAX = 512.0
DECREASE = 0.7
SLOW = 2.5
"""How many times the fastest answer one may take while the limit still grows."""

WAITING_MAX = 1000
"""How many calls may wait for room."""

WAIT_WALL_S = 2.0
"""How long a call waits for room, in wall seconds."""


@dataclass(slots=True)
class Pass:
    """Leave to make one call, given at *began_at_s*."""

    began_at_s: float


class Limiter:
    """The calls under way to one dependency, and how many there may be."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.limit = LIMIT_FIRST
        self.under_way = 0
        self._name = name
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_steady = False
        self._decreased_at_s = -1.0
        self._fastest_s = float("inf")

    @property
    def room(self) -> int:
        """How many more calls may be made at once, those that wait for room counted."""
        return max(0, int(self.limit) - self.under_way - len(self._waiting))

    async def enter(self) -> Pass:
        """Leave to make a call, when there is room; NoAnswer when there is none in time."""
        if self.under_way >= int(self.limit) or self._waiting:
            await self._wait()
        else:
            self.under_way += 1
        return Pass(self._clock.monotonic())

    def leave(self, given: Pass, cause: NoAnswer | None = None) -> None:
        """The call has ended, without an answer because of *cause*."""
        took_s = self._clock.monotonic() - given.began_at_s
        if cause is None:
            self._answered(took_s)
        elif cause.kind == TIMED_OUT or cause.status in (429, 503):
            self._overloaded(given)
        self.under_way -= 1
        self._let_in()

    async def _wait(self) -> None:
        if len(self._waiting) >= WAITING_MAX:
            raise NoAnswer(OPEN, f"too many orders wait for {self._name}", retry_after_s=1.0)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(WAIT_WALL_S):
                await turn
        except (TimeoutError, asyncio.CancelledError) as cause:
            if turn.done() and not turn.cancelled():
                self.under_way -= 1
            elif turn in self._waiting:
                self._waiting.remove(turn)
            self._let_in()
            if isinstance(cause, asyncio.CancelledError):
                raise
            raise NoAnswer(OPEN, f"no room for a call to {self._name} in time", retry_after_s=1.0) from cause

    def _let_in(self) -> None:
        while self._waiting and self.under_way < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)

    def _answered(self, took_s: float) -> None:
        # The fastest answer is forgotten slowly, so that a service that has become slower is not held to its past.
        self._fastest_s = min(self._fastest_s * 1.002, max(took_s, 0.001))
        if self.under_way >= 0.8 * self.limit and took_s <= SLOW * self._fastest_s:
            self.limit = min(LIMIT_MAX, self.limit + (1.0 / self.limit if self._is_steady else 0.5))

    def _overloaded(self, given: Pass) -> None:
        if given.began_at_s < self._decreased_at_s:
            return
        self._decreased_at_s = self._clock.monotonic()
        self._is_steady = True
        self.limit = max(LIMIT_MIN, self.limit * DECREASE)
