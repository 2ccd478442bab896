"""Time: the only place in the house that sleeps or asks for the hour.

A drill lives in plan time, which is wall time multiplied by its speed. `Clock` keeps both apart: every instant is UTC
wall time, every wait is given in plan seconds and divided by the speed.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from oddsock.kit.armed import CLOCK_SKEW, armed, tell_hit_once

T = TypeVar("T")

POLL_S_MIN = 0.01
"""The shortest wall pause between two polls of one condition."""


class Clock(Protocol):
    """Where time comes from: `SystemClock` in the product, `ManualClock` in unit tests."""

    speed: float

    def now(self) -> datetime:
        """The instant, in UTC."""
        ...

    def monotonic(self) -> float:
        """Wall seconds since an arbitrary start, never going back."""
        ...

    async def sleep(self, plan_s: float) -> None:
        """Return after *plan_s* plan seconds."""
        ...


class SystemClock:
    """The machine's clock, with plan time running *speed* times as fast; wrong by what a drill armed here."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now(self) -> datetime:
        """The instant, in UTC."""
        now = datetime.now(UTC)
        for row in armed(CLOCK_SKEW):
            tell_hit_once(row["id"])
            now += timedelta(milliseconds=row["offsetMs"])
        return now

    def monotonic(self) -> float:
        """Wall seconds since an arbitrary start."""
        return time.monotonic()

    async def sleep(self, plan_s: float) -> None:
        """Return after *plan_s* / speed wall seconds."""
        # Whoever only asks for the hour (the command line) has no loop and need not import one.
        import asyncio

        await asyncio.sleep(max(0.0, plan_s) / self.speed)


class ManualClock:
    """A clock that stands still until somebody sleeps on it; sleeping moves it on at once."""

    def __init__(self, start: datetime = datetime(2025, 10, 30, 8, 24, tzinfo=UTC), speed: float = 1.0) -> None:
        self.speed = speed
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The instant the clock was moved to."""
        return self._now

    def monotonic(self) -> float:
        """Wall seconds slept so far."""
        return self._monotonic

    def advance(self, wall_s: float) -> None:
        """Move the clock on by *wall_s* wall seconds."""
        self._now += timedelta(seconds=wall_s)
        self._monotonic += wall_s

    async def sleep(self, plan_s: float) -> None:
        """Move the clock on and let other tasks run once."""
        import asyncio

        self.advance(max(0.0, plan_s) / self.speed)
        await asyncio.sleep(0)


async def wait_for(
    condition: Callable[[], Awaitable[T | None]], clock: Clock, deadline_s: float, poll_s: float = 0.5
) -> T | None:
    """Return the first truthy answer of *condition*, or None when *deadline_s* plan seconds have passed."""
    end = clock.monotonic() + deadline_s / clock.speed
    while True:
        answer = await condition()
        if answer:
            return answer
        if clock.monotonic() >= end:
            return None
        await clock.sleep(max(poll_s, POLL_S_MIN * clock.speed))


def iso(at: datetime) -> str:
    """An instant as the house writes it: ISO 8601, milliseconds, Z.

    >>> iso(datetime(2025, 10, 30, 8, 24, 46, 328000, tzinfo=UTC))
    '2025-10-30T08:24:46.328Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """The instant that *text* names: ISO 8601 with Z, +00:00 or Java's +0000; ValueError when it is none.

    >>> instant("2025-10-30T08:24:46.328+0000") == instant("2025-10-30T08:24:46.328Z")
    True
    """
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def sleep_blocking(wall_s: float) -> None:
    """Pause a thread that has no event loop (the command line waiting for a child process)."""
    time.sleep(wall_s)
