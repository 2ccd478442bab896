"""The undo journal: what a fault is about to change, on the disk before it does.

    {"kind":"undo","id","fault","at","namespace","changes":[{"object","path","was","injected","ready"[,"awaits"]}]}
    {"kind":"healed","id","at","result":"restored|left|nothing","left":[{"path","found","by","sentence"}]}

An undo without a healed of the same id is open: whoever finds it puts back what was there (drill/heal).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.drill.faults.fault import EXISTS, Change, Fault, Occasion
from oddsock.drill.history import cut_torn_line
from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import append_line, explain_disk

UNDO_FILE = "undo.jsonl"

Result = Literal["restored", "left", "nothing"]


class Undo(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="undo"):
    """Fault *id* is about to make *changes* in *namespace*."""

    id: str
    fault: str
    at: str
    namespace: str
    changes: list[Change]

    def values(self, side: Literal["was", "injected"]) -> dict[str, int | str | None]:
        """What stood or stands on one *side* of each change, by the name a history calls it."""
        return {change.label: _tell(change, side) for change in self.changes}


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A field that was not put back because *by* made it *found* meanwhile; *sentence* says it whole."""

    path: str
    found: int | str | None
    by: str
    sentence: str


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="healed"):
    """Fault *id* was healed: *restored*, nothing was to be done, or some fields were *left* as somebody made them."""

    id: str
    at: str
    result: Result
    left: list[Left] = []


class UndoJournal:
    """The undo.jsonl of a case: appended by its one owner, durable line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_whole = False

    @property
    def case(self) -> str:
        """The name of the case it belongs to, which is its folder's."""
        return self.path.parent.name

    def __iter__(self) -> Iterator[Undo | Closed]:
        """Every whole line; CannotRun when one is damaged. A torn last line counts as never written."""
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_bytes().split(b"\n")[:-1], 1):
            try:
                yield msgspec.json.decode(line, type=Undo | Closed)
            except msgspec.DecodeError as cause:
                raise CannotRun(
                    f"Line {number} of {self.path} is damaged: {cause}.", "Put back by hand what its lines say."
                ) from cause

    def open_entries(self) -> list[Undo]:
        """The faults that nobody healed yet, in the order they were injected."""
        entries: dict[str, Undo] = {}
        for line in self:
            if isinstance(line, Undo):
                entries[line.id] = line
            else:
                entries.pop(line.id, None)
        return list(entries.values())

    def write(self, entry: Undo | Closed) -> None:
        """Append *entry*; it is on the disk when this returns, CannotRun when the disk refuses."""
        if isinstance(entry, Undo) and any(entry.id == other.id for other in self.open_entries()):
            raise CannotRun(f"Fault {entry.id} is injected already.", "Give each fault of a plan an id of its own.")
        try:
            if not self._is_whole:
                cut_torn_line(self.path)
                self._is_whole = True
            append_line(self.path, msgspec.json.encode(entry).decode(), durable=True)
        except OSError as cause:
            raise explain_disk(cause, self.path) from cause


async def inject(fault: Fault, fault_id: str, cluster: ClusterDoor, journal: UndoJournal, clock: Clock) -> Undo:
    """Write what *fault* will change into *journal*, then let it act; what it was allowed to do is returned."""
    changes = await fault.prepare(cluster, Occasion(case=journal.case, id=fault_id))
    undo = Undo(id=fault_id, fault=fault.name, at=iso(clock.now()), namespace=cluster.namespace, changes=changes)
    journal.write(undo)
    await fault.inject(cluster, changes)
    return undo


def _tell(change: Change, side: Literal["was", "injected"]) -> int | str | None:
    if change.path == EXISTS:
        return "absent" if side == "was" else "in force"
    return change.was if side == "was" else change.injected
