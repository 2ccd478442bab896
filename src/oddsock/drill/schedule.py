"""The plan's order of events, kept even where the machine is slower than the plan.

At a high speed a plan second is shorter than a process needs to end or start. So a fault is injected when what was
planned before it has ended, an operation begins when the faults and heals planned before it are complete, evidence is
taken when all before it is done, and a heal waits for the evidence of its window. The load begins as an operation does,
but nothing waits for it: its arrivals and the faults keep their times. Nothing waits without a deadline.
"""

import asyncio
from collections.abc import Iterable
from typing import Literal

Kind = Literal["operation", "load", "inject", "heal", "evidence"]

PATIENCE_WALL_S = 15.0
"""How long an event waits for those before it, in wall seconds; a heal must not wait for a customer who hangs."""


class Moment:
    """One planned event at *at_s*; `done` is set when it has happened."""

    def __init__(self, kind: Kind, at_s: float) -> None:
        self.kind = kind
        self.at_s = at_s
        self.done = asyncio.Event()


class Schedule:
    """Every planned event of one phase."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []

    def plan(self, kind: Kind, at_s: float) -> Moment:
        """A new event of *kind* at *at_s* plan seconds."""
        moment = Moment(kind, at_s)
        if kind != "load":
            self._moments.append(moment)
        return moment

    async def await_turn(self, moment: Moment, patience_s: float = PATIENCE_WALL_S) -> bool:
        """Return when all that must come before *moment* is done; False when *patience_s* wall seconds were over."""
        waiting = [other.done.wait() for other in self.before(moment) if not other.done.is_set()]
        if not waiting:
            return True
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*waiting)
        except TimeoutError:
            return False
        return True

    def before(self, moment: Moment) -> Iterable[Moment]:
        """The events that must be done before *moment* may happen."""
        others = (other for other in self._moments if other is not moment)
        return [other for other in others if self._comes_before(other, moment)]

    def _comes_before(self, other: Moment, moment: Moment) -> bool:
        earlier = other.at_s < moment.at_s
        together = other.at_s == moment.at_s
        if moment.kind in ("operation", "load"):
            return other.kind in ("inject", "heal") and (earlier or together)
        if moment.kind == "inject":
            return (other.kind in ("operation", "heal") and earlier) or (other.kind == "heal" and together)
        if moment.kind == "heal":
            return earlier or (other.kind == "evidence" and together)
        # Evidence of an instant sees what begins then, unless something also ends then and must be seen first.
        heals_now = any(one.kind == "heal" and one.at_s == moment.at_s for one in self._moments)
        return earlier or (other.kind == "inject" and together and not heals_now)
