"""Something slow that is read beside the page: one reading at a time, and not again before its time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from oddsock.kit.clock import Clock

T = TypeVar("T")

SHARE = 10.0
"""A reading that took a second is not begun again for so many: it takes a tenth of the time at most."""


class Beside(Generic[T]):
    """Reads by *read*, at most every *poll_s* wall seconds; *value* is what came last, None before the first."""

    def __init__(self, read: Callable[[], Awaitable[T]], poll_s: float, clock: Clock) -> None:
        self._read = read
        self._poll_s = poll_s
        self._clock = clock
        self._reading: asyncio.Task[None] | None = None
        self._due_s = 0.0
        self.value: T | None = None

    def begin(self) -> None:
        """Begin a reading if it is time and none is under way; what a former one failed with is raised here."""
        if self._reading is not None and self._reading.done():
            done, self._reading = self._reading, None
            done.result()
        if self._reading is None and self._clock.monotonic() >= self._due_s:
            self._reading = asyncio.create_task(self._go())

    async def wait(self, wall_s: float) -> None:
        """Return when no reading is under way, or after *wall_s* wall seconds: it goes on then."""
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=wall_s)

    async def close(self) -> None:
        """Give a reading up that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _go(self) -> None:
        began_s = self._clock.monotonic()
        self.value = await self._read()
        now_s = self._clock.monotonic()
        self._due_s = now_s + max(self._poll_s, SHARE * (now_s - began_s))
