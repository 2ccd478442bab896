"""Fault windows: when each fault was in force, from the history and, after a kill, from the undo journal."""

from datetime import datetime
from typing import Any

import msgspec

from oddsock.drill.history import Entry
from oddsock.drill.report.folder import CaseFiles
from oddsock.kit.clock import instant


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One fault in force on *target* from *from_at* until *to_at* (empty: it was never healed).

    Healing began at *healing_at*: what the target writes from then on is its start again.
    """

    id: str
    fault: str
    target: str
    phase: str
    from_at: str
    healing_at: str
    to_at: str
    was: dict[str, Any]
    now: dict[str, Any]
    took_effect: bool | None  # what the drill itself saw in the cluster, None when it was not written down
    effect: str

    def holds(self, at: str) -> bool:
        """Whether *at* lies in the window; an open window has no end."""
        when = instant(at)
        return instant(self.from_at) <= when and (not self.to_at or when <= instant(self.to_at))


def _actor_id(actor: str) -> str:
    return actor.partition(":")[2] or actor


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _undo_of(files: CaseFiles, fault_id: str, kind: str) -> dict[str, Any]:
    return next((row for row in files.undo if row.get("kind") == kind and row.get("id") == fault_id), {})


def _heal_at(files: CaseFiles, begin: Entry, fault_id: str) -> str:
    for entry in files.entries("heal", "ok"):
        if entry.actor == begin.actor and entry.n > begin.n:
            return str(entry.value.get("window_to_at") or entry.at)
    return str(_undo_of(files, fault_id, "healed").get("at") or "")


def _healing_at(files: CaseFiles, begin: Entry) -> str:
    later = (e.at for e in files.entries("heal", "invoke") if e.actor == begin.actor and e.n > begin.n)
    return next(later, "")


def windows(files: CaseFiles) -> list[Window]:
    """Every fault of the case in the order it was injected; an inject whose end is unknown counts as in force."""
    found: dict[str, Window] = {}
    for entry in files.entries("inject", "invoke", "ok", "unknown"):
        if entry.kind == "invoke" and entry.actor in found:
            continue
        fault_id = _actor_id(entry.actor)
        from_at = str(entry.value.get("window_from_at") or entry.at)
        undo = _undo_of(files, fault_id, "undo")
        found[entry.actor] = Window(
            id=fault_id,
            fault=str(entry.value.get("fault") or undo.get("fault") or fault_id),
            target=str(entry.value.get("target") or _undo_target(undo)),
            phase=entry.phase,
            from_at=from_at,
            healing_at=_healing_at(files, entry) or _heal_at(files, entry, fault_id),
            to_at=_heal_at(files, entry, fault_id),
            was=_as_dict(entry.value.get("was")),
            now=_as_dict(entry.value.get("now")),
            took_effect=entry.value.get("took_effect"),
            effect=str(entry.value.get("effect") or ""),
        )
    return list(found.values())


def _undo_target(undo: dict[str, Any]) -> str:
    changes = undo.get("changes") or []
    return str(changes[0].get("object", "")).partition("/")[2] if changes else ""


def main_window(files: CaseFiles) -> Window | None:
    """The fault this report is about: the first one of the main part, None when none was injected."""
    return next((window for window in windows(files) if window.phase != "lead"), None)


def seconds_between(from_at: str, to_at: str) -> float:
    """Wall seconds from one instant to another."""
    return (instant(to_at) - instant(from_at)).total_seconds()


def last_instant(files: CaseFiles) -> datetime | None:
    """The latest instant anything in the case was written at; None in a case without a history."""
    return max((instant(entry.at) for entry in files.history), default=None)
