"""The drill's pen: each thing that happens goes to the history first, then to whoever watches.

A phase (lead, main, recovery) has a clock of its own that starts at 0 plan seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from oddsock.drill.case import Case
from oddsock.drill.history import Entry, Kind, Phase
from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import OddsockError
from oddsock.kit.files import explain_disk

RUNNER = "runner"
"""The actor of everything that neither a customer nor a fault does."""


class Observer(Protocol):
    """Who watches a drill: the command line's live timeline, a test."""

    def event(self, entry: Entry) -> None:
        """*entry* was just written to the history."""
        ...

    def progress(self, done: int, total: int) -> None:
        """*done* of the plan's *total* steps are behind us."""
        ...


class NobodyWatches:
    """An observer that does not look."""

    def event(self, entry: Entry) -> None:
        """Nothing."""

    def progress(self, done: int, total: int) -> None:
        """Nothing."""


class Step:
    """A step that is under way; what is put into *value* stands in the history at its end."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.kind: Kind = "ok"


class Logbook:
    """Writes the history of *case* and tells *observer*, with the plan time of the running phase."""

    def __init__(self, case: Case, clock: Clock, observer: Observer, total: int = 0) -> None:
        self._case = case
        self._clock = clock
        self._observer = observer
        self._began_at_s = clock.monotonic()
        self._total = total
        self._done = 0
        self._steps = 0
        self.phase: Phase = "lead"
        self.goes_on_without_disk = False

    def begin(self, phase: Phase) -> None:
        """Start the clock of *phase* at 0."""
        self.phase = phase
        self._began_at_s = self._clock.monotonic()

    def plan_s(self) -> float:
        """Plan seconds since the phase began."""
        return (self._clock.monotonic() - self._began_at_s) * self._clock.speed

    async def sleep_until(self, at_s: float) -> None:
        """Return at *at_s* plan seconds of the phase, at once when they have passed."""
        # A loop, because a sleep may end a little early and an operation must not begin before its time.
        while (left_s := at_s - self.plan_s()) > 0:
            await self._clock.sleep(left_s)

    def write(
        self, kind: Kind, verb: str, value: dict[str, Any] | None = None, *, actor: str = RUNNER, operation: str = ""
    ) -> Entry:
        """Append one line; CannotRun when the disk refuses, unless the drill is healing: then it goes on unwritten."""
        plan_s = self.plan_s()
        try:
            entry = self._case.history.append(
                kind, verb, actor=actor, phase=self.phase, plan_s=plan_s, operation=operation, value=value
            )
        except OSError as cause:
            if not self.goes_on_without_disk:
                raise explain_disk(cause, self._case.history.path) from cause
            entry = Entry(
                n=-1,
                at=iso(self._clock.now()),
                plan_s=plan_s,
                phase=self.phase,
                kind=kind,
                actor=actor,
                operation=operation,
                verb=verb,
                value=value or {},
            )
        self._observer.event(entry)
        return entry

    def advance(self) -> None:
        """One planned step is behind us."""
        self._done += 1
        self._total = max(self._total, self._done)
        self._observer.progress(self._done, self._total)

    @contextmanager
    def step(self, verb: str, value: dict[str, Any] | None = None, *, actor: str = RUNNER) -> Iterator[Step]:
        """Write *verb* as invoke, and at the end as what the step came to; as fail when it raises one of our errors."""
        self._steps += 1
        operation = f"r{self._steps:04d}"
        begun = self.write("invoke", verb, value, actor=actor, operation=operation)
        step = Step()
        step.value.update(begun.value)
        try:
            yield step
        except OddsockError as error:
            self.write("fail", verb, {**step.value, "sentence": str(error)}, actor=actor, operation=operation)
            raise
        self.write(step.kind, verb, step.value, actor=actor, operation=operation)
        self.advance()
