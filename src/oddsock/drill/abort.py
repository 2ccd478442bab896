"""Watches a running drill for the plan's abort conditions, and for whoever else has a reason to stop it."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from oddsock.drill.history import Entry
from oddsock.drill.logbook import Logbook, Observer
from oddsock.drill.predicate import Predicate
from oddsock.kit.errors import OddsockError


class AbortWatch:
    """An observer between the logbook and *observer*: counts the main clock's attempts, and says when to stop."""

    def __init__(self, conditions: Sequence[Predicate], observer: Observer) -> None:
        self._conditions = conditions
        self._observer = observer
        self._counts: Counter[str] = Counter()
        self._stop = asyncio.Event()
        self.sentence = ""
        self.error: OddsockError | None = None

    @property
    def aborted(self) -> bool:
        """Whether a condition of the plan came true."""
        return bool(self.sentence)

    def event(self, entry: Entry) -> None:
        """Count *entry*, stop the drill when a condition holds now, and pass it on."""
        if entry.phase == "main" and entry.actor.startswith("customer:"):
            self._count(entry)
            self._check({**self._figures(), "elapsed_s": entry.plan_s})
        self._observer.event(entry)

    def progress(self, done: int, total: int) -> None:
        """Pass it on."""
        self._observer.progress(done, total)

    def stop_for(self, error: OddsockError) -> None:
        """Stop the drill with *error*; the first reason counts."""
        self.error = self.error or error
        self._stop.set()

    async def stopped(self) -> None:
        """Return when there is a reason to stop."""
        await self._stop.wait()

    async def watch_time(self, logbook: Logbook) -> None:
        """Stop the drill when the main clock passes the number of a condition on elapsed_s."""
        limits = [one for one in self._conditions if one.figure == "elapsed_s" and one.comparison in (">", ">=")]
        for condition in sorted(limits, key=lambda one: one.number):
            await logbook.sleep_until(condition.number)
            # The instant itself already counts as passed: a clock never stands at a number exactly.
            self._trip(condition, condition.number)

    def _count(self, entry: Entry) -> None:
        if entry.kind == "unknown":
            self._counts["operations_unknown"] += 1
        if entry.verb == "checkout":
            self._counts["attempts" if entry.kind == "invoke" else f"attempts_{entry.kind}"] += 1

    def _figures(self) -> dict[str, float]:
        names = ("attempts", "attempts_ok", "attempts_fail", "attempts_unknown", "operations_unknown")
        return {name: float(self._counts[name]) for name in names}

    def _check(self, figures: dict[str, float]) -> None:
        for condition in self._conditions:
            if condition.holds(figures[condition.figure]):
                self._trip(condition, figures[condition.figure])

    def _trip(self, condition: Predicate, value: float) -> None:
        if not self.sentence:
            self.sentence = f"abort condition {condition} came true: {condition.figure} is {value:g}"
        self._stop.set()
