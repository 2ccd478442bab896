"""The clock: plan time, deadlines, and how an instant is written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from oddsock.kit.clock import ManualClock, SystemClock, instant, iso, sleep_blocking, wait_for


async def test_a_plan_second_takes_its_share_of_a_wall_second() -> None:
    clock = ManualClock(speed=30)
    await clock.sleep(60)
    assert clock.monotonic() == pytest.approx(2.0)
    assert clock.now() == datetime(2025, 10, 30, 8, 24, 2, tzinfo=UTC)


async def test_a_negative_sleep_returns_at_once() -> None:
    clock = ManualClock()
    await clock.sleep(-5)
    assert clock.monotonic() == 0


async def test_the_machines_clock_sleeps_no_longer_than_its_speed_says() -> None:
    clock = SystemClock(speed=1000)
    before = clock.monotonic()
    await clock.sleep(10)
    assert 0.009 < clock.monotonic() - before < 1
    assert clock.now().tzinfo is UTC


async def test_a_wait_ends_with_the_first_true_answer() -> None:
    clock = ManualClock()
    answers = iter([None, "", "ready"])

    async def ask() -> str | None:
        return next(answers)

    assert await wait_for(ask, clock, deadline_s=10, poll_s=1) == "ready"
    assert clock.monotonic() == 2


async def test_a_wait_gives_up_at_its_deadline_in_plan_seconds() -> None:
    clock = ManualClock(speed=10)

    async def never() -> bool:
        return False

    assert not await wait_for(never, clock, deadline_s=30, poll_s=1)
    assert clock.monotonic() == pytest.approx(3.0, abs=0.11)


async def test_a_fast_plan_does_not_poll_faster_than_the_floor() -> None:
    clock = ManualClock(speed=1000)
    asked = 0

    async def never() -> None:
        nonlocal asked
        asked += 1

    await wait_for(never, clock, deadline_s=100, poll_s=1)
    assert asked == pytest.approx(11, abs=1)


def test_an_instant_is_written_in_utc_with_milliseconds_and_z() -> None:
    at = datetime(2025, 10, 30, 10, 24, 46, 328999, tzinfo=timezone(timedelta(hours=2)))
    assert iso(at) == "2025-10-30T08:24:46.328Z"


def test_an_instant_without_a_zone_counts_as_utc() -> None:
    assert instant("2025-10-30T08:24:46") == datetime(2025, 10, 30, 8, 24, 46, tzinfo=UTC)


def test_what_is_no_instant_is_refused() -> None:
    with pytest.raises(ValueError):
        instant("yesterday")


def test_a_thread_without_a_loop_can_pause() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    sleep_blocking(0.01)
    assert clock.monotonic() - before >= 0.01
