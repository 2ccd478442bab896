"""Probes in plan time, their thresholds, and the back-off of containers that keep ending."""

import asyncio
from collections.abc import Callable
from typing import Any

from oddsock.cluster.backoff import Backoff
from oddsock.cluster.probes import START_S_MIN, Answer, Probe, Threshold, probe_of, watch_probe
from oddsock.kit.clock import ManualClock

STEPS_MAX = 10_000


class Watched:
    """A probe watched for a while; *answer* says what it finds at a wall time."""

    def __init__(self, probe: Probe, answer: Callable[[float], bool], speed: float = 1.0) -> None:
        self.clock = ManualClock(speed=speed)
        self.probe = probe
        self.answer = answer
        self.asked: list[float] = []
        self.failures: list[float] = []
        self.verdicts: list[tuple[float, bool]] = []

    async def watch(self, wall_s: float) -> "Watched":
        """Watch for *wall_s* wall seconds."""
        task = asyncio.create_task(watch_probe(self.probe, self._ask, self.clock, self._on_failure, self._on_verdict))
        for _ in range(STEPS_MAX):
            if self.clock.monotonic() >= wall_s or task.done():
                break
            await asyncio.sleep(0)
        task.cancel()
        return self

    async def _ask(self, probe: Probe) -> Answer:
        self.asked.append(self.clock.monotonic())
        return Answer(self.answer(self.clock.monotonic()), "not yet")

    def _on_failure(self, probe: Probe, output: str) -> None:
        self.failures.append(self.clock.monotonic())

    async def _on_verdict(self, probe: Probe, ok: bool) -> bool:
        self.verdicts.append((self.clock.monotonic(), ok))
        return probe.kind == "Startup" and ok


def test_a_probe_is_read_from_its_container_with_the_defaults_of_kubernetes() -> None:
    action = {"httpGet": {"path": "/health", "port": 8080}}
    assert probe_of({"readinessProbe": action}, "Readiness") == Probe("Readiness", action, 0, 10, 1, 1, 3)
    assert probe_of({"readinessProbe": action}, "Liveness") is None


async def test_readiness_is_seen_within_moments_and_not_a_period_later() -> None:
    seen = await Watched(Probe("Readiness", {}, period_s=10), lambda at: at >= 0.3).watch(5)
    [(at, ok)] = seen.verdicts
    assert ok and 0.3 <= at < 0.36
    assert seen.failures == []


async def test_the_initial_delay_is_kept_and_divided_by_the_speed() -> None:
    seen = await Watched(Probe("Readiness", {}, initial_delay_s=180), lambda at: True, speed=20).watch(10)
    assert seen.asked[0] == 9.0


async def test_a_ready_pod_is_asked_once_a_period_and_unready_after_its_failures_in_a_row() -> None:
    seen = await Watched(Probe("Readiness", {}, period_s=10, failure_threshold=3), lambda at: at < 15).watch(45)
    assert seen.verdicts == [(0.0, True), (40.0, False)]
    assert seen.failures == [20.0, 30.0, 40.0]


async def test_a_liveness_probe_that_fails_at_speed_forgives_a_program_that_is_still_starting() -> None:
    probe = Probe("Liveness", {}, period_s=10, failure_threshold=3)
    slow = await Watched(probe, lambda at: at >= 4, speed=20).watch(20)
    assert [ok for _, ok in slow.verdicts] == [True]
    dead = await Watched(probe, lambda at: False, speed=20).watch(20)
    [(at, ok)] = dead.verdicts
    assert not ok and START_S_MIN <= at <= START_S_MIN + 2


async def test_at_real_time_a_dead_program_has_no_more_than_its_thresholds() -> None:
    dead = await Watched(Probe("Liveness", {}, period_s=2, failure_threshold=3), lambda at: False).watch(20)
    assert dead.verdicts == [(4.0, False)]


async def test_a_startup_probe_ends_with_its_first_success() -> None:
    seen = await Watched(Probe("Startup", {}, period_s=10), lambda at: at >= 1).watch(60)
    assert len(seen.verdicts) == 1
    assert seen.asked[-1] < 1.1


def test_a_success_in_between_starts_the_count_of_failures_anew() -> None:
    threshold = Threshold(Probe("Readiness", {}, failure_threshold=2, success_threshold=2))
    answers = [True, True, False, True, False, False]
    assert [threshold.add(answer) for answer in answers] == [False, True, False, False, False, True]
    assert threshold.verdict is False


def test_a_timeout_is_never_shorter_than_a_machine_can_keep() -> None:
    probe = Probe("Readiness", {}, timeout_s=30)
    assert (probe.timeout_wall_s(10), probe.timeout_wall_s(1000)) == (3.0, 1.0)


def test_the_back_off_doubles_to_its_limit_and_is_forgiven_after_a_long_run() -> None:
    backoff = Backoff()
    waits: list[Any] = [backoff.next_s(1) for _ in range(8)]
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    assert [backoff.next_s(601), backoff.next_s(1)] == [0, 10]
