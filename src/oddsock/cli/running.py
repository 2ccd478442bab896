"""An asynchronous verb: run to its end, or cancelled by a signal so that it can heal first."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from oddsock.kit.errors import Interrupted

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_end(work: Coroutine[Any, Any, T], after_a_signal: str = "") -> T:
    """The answer of *work*; a signal cancels it, and when it has ended Interrupted says so with *after_a_signal*."""
    return asyncio.run(_guarded(work, after_a_signal))


async def _guarded(work: Coroutine[Any, Any, T], after_a_signal: str) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        # Only the first signal cancels: a second one would cut the healing short.
        if not received:
            received.append(number)
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError as cause:
        if not received:
            raise
        raise Interrupted(f"Stopped by {received[0].name}.", after_a_signal) from cause
