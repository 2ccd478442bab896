"""What processes cost: processor time and memory of whole process groups, as psutil tells them.

Memory is USS, what would be free if the group were gone: pages that forked pods share are counted for none of them.
"""

import asyncio
import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oddsock.kit.clock import Clock

if TYPE_CHECKING:
    import psutil

WINDOW_S_MIN = 1.0
"""Shortest wall time over which a rate is told; asked sooner, the rate before is told again."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process group costs: *cpu_ns* since its begin, and *cpu_nanocores* of late."""

    cpu_ns: int = 0
    cpu_nanocores: int = 0
    memory_bytes: int = 0
    rss_bytes: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.cpu_ns + other.cpu_ns,
            self.cpu_nanocores + other.cpu_nanocores,
            self.memory_bytes + other.memory_bytes,
            self.rss_bytes + other.rss_bytes,
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    cpu_ns: int
    cpu_nanocores: int


class Meter:
    """Measures process groups by their leaders, and remembers the last sample of each for its rate."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: dict[int, _Sample] = {}

    async def measure(self, leaders: Collection[int]) -> dict[int, Cost]:
        """The cost of every group in *leaders* that is alive."""
        # Reading smaps takes milliseconds a process: not in the loop that serves.
        costs = await asyncio.to_thread(_read_groups, set(leaders), self._clock.now().timestamp())
        now = self._clock.monotonic()
        known = self._samples
        self._samples = {leader: self._sample(known.get(leader), cost, now) for leader, cost in costs.items()}
        return {
            leader: Cost(cost.cpu_ns, self._samples[leader].cpu_nanocores, cost.memory_bytes, cost.rss_bytes)
            for leader, cost in costs.items()
        }

    def _sample(self, last: _Sample | None, cost: Cost, now: float) -> _Sample:
        if last is None or cost.cpu_ns < last.cpu_ns:
            # The first time: what it took on average since it began.
            return _Sample(now, cost.cpu_ns, cost.cpu_nanocores)
        if now - last.at_s < WINDOW_S_MIN:
            return last
        return _Sample(now, cost.cpu_ns, int((cost.cpu_ns - last.cpu_ns) / (now - last.at_s)))


def _read_groups(leaders: set[int], now_s: float) -> dict[int, Cost]:
    # Not before somebody asks: the first pods start meanwhile.
    import psutil

    costs: dict[int, Cost] = {}
    for process in psutil.process_iter():
        # A process may end, or turn out to be somebody else's, while it is read.
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            group = os.getpgid(process.pid)
            if group in leaders:
                costs[group] = costs.get(group, Cost()) + _read(process, now_s)
    return costs


def _read(process: "psutil.Process", now_s: float) -> Cost:
    import psutil

    times = process.cpu_times()
    own_s = times.user + times.system
    # Children that ended are counted with whoever waited for them.
    own_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    lived_s = max(now_s - process.create_time(), 0.01)
    try:
        memory = process.memory_full_info()
        uss, rss = memory.uss, memory.rss
    except psutil.AccessDenied:
        uss = rss = process.memory_info().rss
    return Cost(int(own_s * 1e9), int(own_s * 1e9 / lived_s), uss, rss)
