"""The one loop all controllers run in: a change marks keys dirty, each dirty key is reconciled once."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store
from oddsock.kit.clock import Clock

Key = tuple[str, ...]
"""What a controller is asked to look at: (namespace, name), or whatever its `affected` says."""

BATCH_MAX = 64
"""Reconciles in a row before other tasks (the API, the proxies) get their turn."""
RETRY_S = 1.0
"""Plan seconds before a reconcile that raised is tried again."""

_log = logging.getLogger(__name__)


class Controller(Protocol):
    """One loop of Kubernetes' controller manager."""

    name: str

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """The keys that a change of *obj* (ADDED, MODIFIED, DELETED) may concern."""
        ...

    def reconcile(self, key: Key) -> float | None:
        """Do the next step for *key*; the plan seconds after which to look again, or None when a change will tell."""
        ...


class ControllerLoop:
    """Runs *controllers* over *store*: `run` as a task of the control plane, `settle` in one go for unit tests."""

    def __init__(self, store: Store, controllers: Sequence[Controller], clock: Clock) -> None:
        self._store = store
        self._controllers = controllers
        self._clock = clock
        self._dirty: dict[tuple[int, Key], None] = {}
        self._later: list[tuple[float, int, tuple[int, Key]]] = []
        self._number = itertools.count()
        self._wake = asyncio.Event()
        self._unsubscribe = store.subscribe(None, self._on_change)

    def settle(self, steps_max: int = 10_000) -> None:
        """Reconcile until nothing is dirty or due; RuntimeError when *steps_max* are not enough."""
        for _ in range(steps_max):
            self._take_due()
            if not self._dirty:
                return
            self._reconcile(self._pop())
        raise RuntimeError(f"controllers do not settle, still dirty: {list(self._dirty)[:5]}")

    async def run(self) -> None:
        """Reconcile whatever becomes dirty, until cancelled; a reconcile that raises is logged and tried again."""
        try:
            while True:
                await self._wait()
                for _ in range(BATCH_MAX):
                    if not self._dirty:
                        break
                    work = self._pop()
                    try:
                        self._reconcile(work)
                    except Exception:  # noqa: BLE001 - a supervisor: one object may not stop all the others
                        _log.exception("reconcile of %s failed", work[1])
                        self._put_off(work, RETRY_S)
                await self._clock.sleep(0)
        finally:
            self._unsubscribe()

    def _on_change(self, type_: str, obj: Obj) -> None:
        for number, controller in enumerate(self._controllers):
            for key in controller.affected(type_, obj):
                self._dirty[number, key] = None
        if self._dirty:
            self._wake.set()

    def _pop(self) -> tuple[int, Key]:
        work = next(iter(self._dirty))
        del self._dirty[work]
        return work

    def _reconcile(self, work: tuple[int, Key]) -> None:
        number, key = work
        again_s = self._controllers[number].reconcile(key)
        if again_s is not None:
            self._put_off(work, again_s)

    def _put_off(self, work: tuple[int, Key], plan_s: float) -> None:
        due = self._clock.monotonic() + plan_s / self._clock.speed
        heapq.heappush(self._later, (due, next(self._number), work))

    def _take_due(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            self._dirty[heapq.heappop(self._later)[2]] = None

    async def _wait(self) -> None:
        self._take_due()
        if not self._dirty:
            wait_s = self._later[0][0] - self._clock.monotonic() if self._later else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                self._take_due()
        self._wake.clear()
