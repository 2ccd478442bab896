"""Tasks that end together: until all are done, one fails or the drill is stopped; and one that must come to its end."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def run_together(works: Sequence[Coroutine[Any, Any, None]], stopped: Awaitable[object]) -> bool:
    """Run *works* side by side; False when *stopped* returned first; the first error of a work is raised.

    In each case every task has ended when this returns.
    """
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(work) for work in works]
    stopper: asyncio.Future[Any] = asyncio.ensure_future(stopped)
    try:
        pending = set(tasks)
        while pending and not stopper.done():
            done, pending = await asyncio.wait({*pending, stopper}, return_when=asyncio.FIRST_COMPLETED)
            pending.discard(stopper)
            for task in done - {stopper}:
                task.result()
        return not stopper.done()
    finally:
        for task in (*tasks, stopper):
            task.cancel()
        await asyncio.gather(*tasks, stopper, return_exceptions=True)


async def run_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The answer of *work*, which goes on to its end even when the task that awaits it is cancelled meanwhile.

    Such a cancellation is not lost: it is raised when *work* has ended, unless *work* itself raised an error.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
        except BaseException:  # noqa: BLE001  # it is raised by the line after the loop
            break
    answer = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return answer
