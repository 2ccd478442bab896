"""Backoff, breaker and limiter alone, on a clock that stands still."""

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddsock.kit.clock import ManualClock
from oddsock.shop.calls import OPEN, REFUSED, TIMED_OUT, NoAnswer
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.breaker import Breaker
from oddsock.shop.orders.guard import Guard
from oddsock.shop.orders.limiter import LIMIT_FIRST, LIMIT_MAX, Limiter, Pass

AWAY = NoAnswer(REFUSED, "Connection refused")
OVERLOADED = NoAnswer("broken", "payment answered 503", status=503)


class Dependency:
    """Counts its calls; gives what it is told to give."""

    def __init__(self, *outcomes: NoAnswer | None) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        return "answer"


@given(st.integers(1, 200), st.integers(0, 2**32), st.floats(0, 100))
def test_a_wait_is_drawn_below_its_bound_and_never_shorter_than_was_asked(n: int, seed: int, asked: float) -> None:
    pause = Backoff(1.0, 60.0, random=Random(seed)).pause_s(n, asked)
    assert asked <= pause <= max(asked, min(60.0, 2.0 ** (n - 1)))


def test_two_that_failed_together_do_not_come_again_together() -> None:
    backoff = Backoff(8.0, 60.0, random=Random(7))
    assert len({round(backoff.pause_s(4), 3) for _ in range(50)}) > 40


def _breaker(clock: ManualClock) -> tuple[Breaker, list[str]]:
    told: list[str] = []
    return Breaker("payment", clock, lambda name, before, after: told.append(f"{name} {before} {after}")), told


async def test_after_five_failures_in_a_row_nobody_is_asked_until_it_has_cooled() -> None:
    clock = ManualClock()
    breaker, told = _breaker(clock)
    guard, away = Guard(clock, breaker), Dependency(*[AWAY] * 99)
    for _ in range(8):
        with pytest.raises(NoAnswer):
            await guard.run(away)
    assert (away.calls, breaker.state, told) == (5, "open", ["payment closed open"])
    clock.advance(4.9)
    with pytest.raises(NoAnswer, match="circuit breaker of payment is open") as refused:
        await guard.run(away)
    assert refused.value.kind == OPEN
    assert refused.value.retry_after_s == pytest.approx(0.1)


async def test_exactly_one_of_fifty_calls_probes_a_half_open_dependency() -> None:
    clock = ManualClock()
    breaker, told = _breaker(clock)
    guard = Guard(clock, breaker)
    for _ in range(5):
        with pytest.raises(NoAnswer):
            await guard.run(Dependency(AWAY))
    clock.advance(5.0)
    answered = asyncio.Event()
    calls = 0

    async def slow() -> str:
        nonlocal calls
        calls += 1
        await answered.wait()
        return "answer"

    waiting = [asyncio.create_task(guard.run(slow)) for _ in range(50)]
    await asyncio.sleep(0)
    answered.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert calls == 1
    assert results.count("answer") == 1
    assert told[-2:] == ["payment open half-open", "payment half-open closed"]


async def test_a_probe_that_fails_or_is_given_up_opens_the_breaker_again() -> None:
    clock = ManualClock()
    breaker, told = _breaker(clock)
    guard = Guard(clock, breaker)
    for _ in range(5):
        with pytest.raises(NoAnswer):
            await guard.run(Dependency(AWAY))
    clock.advance(5.0)
    with pytest.raises(NoAnswer):
        await guard.run(Dependency(AWAY))
    assert breaker.state == "open"
    clock.advance(5.0)
    never = asyncio.Event()
    probe = asyncio.create_task(guard.run(lambda: never.wait()))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert breaker.state == "open"
    clock.advance(5.0)
    assert await guard.run(Dependency()) == "answer"
    assert told[-1] == "payment half-open closed"


async def test_a_success_between_failures_keeps_the_breaker_closed_and_a_422_is_an_answer() -> None:
    clock = ManualClock()
    breaker, told = _breaker(clock)
    guard = Guard(clock, breaker)
    for cause in [AWAY, AWAY, AWAY, AWAY, None] * 5 + [NoAnswer("broken", "payment answered 422", status=422)] * 9:
        await asyncio.gather(guard.run(Dependency(cause)), return_exceptions=True)
    assert (breaker.state, told) == ("closed", [])


async def test_a_retry_comes_again_until_its_deadline_honours_retry_after_and_leaves_a_4xx_alone() -> None:
    clock = ManualClock()
    guard = Guard(clock, backoff=Backoff(1.0, 8.0, jitter=False), deadline_wall_s=10.0)
    flaky = Dependency(AWAY, AWAY)
    assert await guard.run(flaky) == "answer"
    assert (flaky.calls, clock.monotonic()) == (3, 3.0)
    polite = Dependency(NoAnswer("broken", "payment answered 503", status=503, retry_after_s=6.0))
    assert await guard.run(polite) == "answer"
    assert clock.monotonic() == 9.0
    gone = Dependency(*[AWAY] * 99)
    with pytest.raises(NoAnswer):
        await guard.run(gone)
    assert (gone.calls, clock.monotonic()) == (4, 16.0)
    wrong = Dependency(*[NoAnswer("broken", "payment answered 422", status=422)] * 9)
    with pytest.raises(NoAnswer):
        await guard.run(wrong)
    assert wrong.calls == 1


def _rounds(limiter: Limiter, clock: ManualClock, rounds: int, took_s: float, cause: NoAnswer | None = None) -> None:
    for _ in range(rounds):
        given = [Pass(clock.monotonic()) for _ in range(int(limiter.limit))]
        clock.advance(took_s)
        for one in given:
            limiter.under_way = int(limiter.limit)
            limiter.leave(one, cause)
        limiter.under_way = 0


async def test_the_limit_grows_while_answers_are_fast_and_stops_where_they_become_slow() -> None:
    clock = ManualClock()
    limiter = Limiter("payment", clock)
    _rounds(limiter, clock, 2, 0.02)
    grown = limiter.limit
    assert grown > 1.5 * LIMIT_FIRST
    _rounds(limiter, clock, 5, 0.2)
    assert limiter.limit == grown
    _rounds(limiter, clock, 200, 0.02)
    assert limiter.limit == LIMIT_MAX


async def test_an_overload_lowers_the_limit_once_for_all_that_were_under_way_and_a_refusal_does_not() -> None:
    clock = ManualClock()
    limiter = Limiter("payment", clock)
    _rounds(limiter, clock, 1, 0.02, OVERLOADED)
    assert limiter.limit == pytest.approx(0.7 * LIMIT_FIRST)
    _rounds(limiter, clock, 1, 0.02, NoAnswer(TIMED_OUT, "Read timed out"))
    lowered = limiter.limit
    assert lowered == pytest.approx(0.49 * LIMIT_FIRST)
    _rounds(limiter, clock, 9, 0.02, AWAY)
    assert limiter.limit == lowered


async def test_no_more_calls_than_the_limit_are_under_way_and_each_that_ends_lets_one_in() -> None:
    clock = ManualClock()
    limiter = Limiter("payment", clock)
    guard = Guard(clock, limiter=limiter)
    under_way, most, gate = 0, 0, asyncio.Event()

    async def call() -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        return "answer"

    tasks = [asyncio.create_task(guard.run(call)) for _ in range(100)]
    await asyncio.sleep(0)
    assert (under_way, limiter.room) == (int(LIMIT_FIRST), 0)
    tasks[-1].cancel()
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results.count("answer") == 99
    assert most <= int(limiter.limit)
    assert limiter.under_way == 0
