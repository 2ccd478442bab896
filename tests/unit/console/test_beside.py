"""Readings beside a page: one at a time, not before their time, and never more than a tenth of it."""

import asyncio

import pytest

from oddsock.console.beside import SHARE, Beside
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun


async def test_a_reading_is_not_begun_again_before_its_time() -> None:
    clock, began = ManualClock(), 0

    async def read() -> int:
        nonlocal began
        began += 1
        clock.advance(0.1)
        return began

    beside = Beside(read, 5.0, clock)
    for wall_s, expected in ((0.0, 1), (4.0, 1), (1.5, 2)):
        clock.advance(wall_s)
        beside.begin()
        await beside.wait(1.0)
        assert beside.value == expected


async def test_a_slow_reading_waits_the_longer_for_the_next() -> None:
    clock, began = ManualClock(), 0

    async def read() -> int:
        nonlocal began
        began += 1
        clock.advance(3.0)
        return began

    beside = Beside(read, 1.0, clock)
    beside.begin()
    await beside.wait(1.0)
    clock.advance(3.0 * SHARE - 1)
    beside.begin()
    await beside.wait(1.0)
    assert began == 1
    clock.advance(2.0)
    beside.begin()
    await beside.wait(1.0)
    assert began == 2


async def test_there_is_one_reading_at_a_time_and_nobody_waits_for_it_too_long() -> None:
    gate, began = asyncio.Event(), 0

    async def read() -> int:
        nonlocal began
        began += 1
        await gate.wait()
        return began

    beside = Beside(read, 0.0, ManualClock())
    beside.begin()
    await beside.wait(0.01)
    beside.begin()
    assert (beside.value, began) == (None, 1)
    gate.set()
    await beside.wait(5.0)
    assert beside.value == 1
    await beside.close()


async def test_what_a_reading_failed_with_is_raised_at_the_next_beginning() -> None:
    async def read() -> int:
        raise CannotRun("no")

    beside = Beside(read, 0.0, ManualClock())
    beside.begin()
    await beside.wait(1.0)
    with pytest.raises(CannotRun):
        beside.begin()
