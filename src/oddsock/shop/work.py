"""Work that outlives its caller: one piece at a time on an order or a charge, carried on when the caller hangs up.

The original's server threads do not stop when a client goes away; a handler of ours would be cancelled.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Work:
    """The pieces of work under way and the lock of each order, charge or key."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    def is_under_way(self, name: str) -> bool:
        """Whether something is being done on *name* now."""
        lock = self._locks.get(name)
        return lock is not None and lock.locked()

    def lock(self, name: str) -> asyncio.Lock:
        """What is held while something is done on *name*."""
        return self._locks.setdefault(name, asyncio.Lock())

    async def alone(self, name: str, piece: Coroutine[Any, Any, T]) -> T:
        """The outcome of *piece*, done alone on *name* (an id, a key), to its end even when the caller is cancelled."""
        lock = self.lock(name)

        async def done_alone() -> T:
            async with lock:
                return await piece

        task = asyncio.create_task(done_alone())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Whoever waited has it; nobody waiting is no reason for a warning.

    async def end(self, wall_s: float) -> None:
        """Give what is under way *wall_s* wall seconds, then cancel it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=wall_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=wall_s)
