"""What a process group costs is told with its children, and as a rate over time."""

import os

from oddsock.cluster.meters import WINDOW_S_MIN, Cost, Meter
from oddsock.kit.clock import ManualClock, SystemClock


async def test_the_own_group_costs_memory_and_time_since_its_begin() -> None:
    cost = (await Meter(SystemClock()).measure([os.getpgrp()]))[os.getpgrp()]
    assert cost.cpu_ns > 0
    assert cost.cpu_nanocores > 0
    assert 1_000_000 < cost.memory_bytes <= cost.rss_bytes * 2


async def test_a_group_that_is_gone_costs_nothing_and_is_not_told() -> None:
    assert await Meter(SystemClock()).measure([2**30]) == {}


async def test_a_rate_is_over_a_window_and_asked_too_soon_the_rate_before() -> None:
    clock, group = ManualClock(), os.getpgrp()
    meter = Meter(clock)
    first = (await meter.measure([group]))[group]
    soon = (await meter.measure([group]))[group]
    assert soon.cpu_nanocores == first.cpu_nanocores
    clock.advance(WINDOW_S_MIN * 10)
    sum(number * number for number in range(100_000))
    later = (await meter.measure([group]))[group]
    assert later.cpu_nanocores == int((later.cpu_ns - first.cpu_ns) / 10)


def test_costs_add_up() -> None:
    assert Cost(1, 2, 3, 4) + Cost(10, 20, 30, 40) == Cost(11, 22, 33, 44)
