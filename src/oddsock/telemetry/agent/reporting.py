"""Loops with deadlines: collectors that are run again and again, and the outbox of what they found.

The outbox is bounded. While the store is away the newest findings are kept and the oldest are left out; what it refuses
is left out, too, and told.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from oddsock.kit.clock import Clock
from oddsock.kit.errors import OddsockError
from oddsock.telemetry.agent.api_server import pause
from oddsock.telemetry.agent.log_shipping import Send, send_all
from oddsock.telemetry.agent.series import Findings

ROWS_MAX = 20_000
"""Points that may wait for the store."""

CHECKS_MAX = 1000
BATCH_ROWS = 2000
COLLECT_S_MAX = 10.0
"""Wall seconds one reading may take."""

_log = logging.getLogger(__name__)


class Collector(Protocol):
    """Reads one thing."""

    name: str

    async def collect(self, found: Findings) -> None:
        """Add what is read now to *found*; an OddsockError leaves this reading out."""
        ...


@dataclass
class Outbox:
    """What waits for the store: points and service checks."""

    send_series: Send
    send_checks: Send
    clock: Clock
    _series: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ROWS_MAX))
    _checks: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=CHECKS_MAX))
    _is_filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, found: Findings) -> None:
        """Let *found* wait to be sent."""
        self._series.extend(found.series)
        self._checks.extend(found.checks)
        self._is_filled.set()

    async def run(self) -> None:
        """Send what waits until cancelled."""
        while True:
            await self._is_filled.wait()
            await self.flush()

    async def flush(self) -> None:
        """Send all that waits."""
        self._is_filled.clear()
        for waiting, send in ((self._series, self.send_series), (self._checks, self.send_checks)):
            while waiting:
                rows = [waiting.popleft() for _ in range(min(BATCH_ROWS, len(waiting)))]
                try:
                    await send_all(send, rows, self.clock)
                except asyncio.CancelledError:
                    waiting.extendleft(reversed(rows))
                    raise


async def repeat(collector: Collector, outbox: Outbox, interval_s: float, clock: Clock) -> None:
    """Run *collector* every *interval_s* wall seconds until cancelled, within a deadline each time."""
    is_failing = False
    while True:
        began = clock.monotonic()
        found = Findings(int(clock.now().timestamp()))
        try:
            async with asyncio.timeout(COLLECT_S_MAX):
                await collector.collect(found)
        except (TimeoutError, OddsockError) as cause:
            if not is_failing:
                _log.warning("%s cannot be read: %s", collector.name, cause or "no answer in time")
            is_failing = True
        else:
            is_failing = False
        # What was found before it failed is true all the same.
        outbox.put(found)
        await pause(clock, max(interval_s - (clock.monotonic() - began), 0.0))
