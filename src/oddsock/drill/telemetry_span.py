"""The span that telemetry is asked about: from fault to heal, and within it while the fault's effect was seen."""

from collections.abc import Iterable

import msgspec

from oddsock.drill.history import Entry
from oddsock.kit.clock import instant


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Four instants: the fault's undo was on disk, its effect was seen, healing began, all was ready again.

    Without a fault: the beginning of the main part and its end, twice each, and no *target*. *takes_all* says that the
    fault took every replica of its target away.
    """

    from_at: str
    held_at: str
    healing_at: str
    to_at: str
    target: str = ""
    takes_all: bool = False

    def part_of(self, at: str) -> str:
        """Where *at* lies: before, window or after."""
        when = instant(at)
        if when < instant(self.from_at):
            return "before"
        return "window" if when <= instant(self.to_at) else "after"

    def is_held_at(self, at: str) -> bool:
        """Whether the fault's effect held at *at*."""
        return instant(self.held_at) <= instant(at) <= instant(self.healing_at)


def read_span(entries: Iterable[Entry]) -> Span | None:
    """The span of the first fault of the main part, else of that part; None when it never began; pure."""
    main = [entry for entry in entries if entry.phase == "main"]
    if not main:
        return None
    injected = next((e for e in main if e.verb == "inject" and e.kind in ("ok", "unknown")), None)
    if injected is None:
        first, last = main[0].at, main[-1].at
        return Span(from_at=first, held_at=first, healing_at=last, to_at=last)
    heals = [entry for entry in main if entry.verb == "heal" and entry.actor == injected.actor]
    begun = next((entry.at for entry in heals if entry.kind == "invoke"), main[-1].at)
    done = next((entry for entry in heals if entry.kind == "ok"), None)
    return Span(
        from_at=str(injected.value.get("window_from_at") or injected.at),
        held_at=injected.at,
        healing_at=begun,
        to_at=str(done.value.get("window_to_at") or done.at) if done else main[-1].at,
        target=str(injected.value.get("target") or ""),
        takes_all=(injected.value.get("now") or {}).get("replicas") == 0,
    )
