"""The history: what was done, in order, one JSON line each, appended and flushed before the next thing happens.

A drill that is killed leaves every line it wrote; a torn last line (the machine died in the middle of a write) is cut
off before the next append, and a reader never sees it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import CannotRun
from oddsock.kit.files import append_line, explain_disk

Phase = Literal["lead", "main", "recovery", "mend"]
Kind = Literal["invoke", "ok", "fail", "unknown", "note"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: *actor* did *verb* in *phase* at instant *at*, *plan_s* plan seconds after the phase's clock began."""

    n: int
    at: str
    plan_s: float
    phase: Phase
    kind: Kind
    actor: str
    operation: str
    verb: str
    value: dict[str, Any] = {}


class History:
    """The file history.jsonl of a case: appended by its one living owner, read by anybody."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._next = 0
        self._operations = 0
        self._opened = False

    def append(
        self,
        kind: Kind,
        verb: str,
        *,
        actor: str,
        phase: Phase,
        plan_s: float = 0.0,
        operation: str = "",
        value: dict[str, Any] | None = None,
    ) -> Entry:
        """Write one line and return it as an Entry; the kernel has it when this returns; CannotRun otherwise."""
        if not self._opened:
            self._next = sum(1 for _ in read_history(self.path))
            cut_torn_line(self.path)
            self._opened = True
        entry = Entry(
            n=self._next,
            at=iso(self._clock.now()),
            plan_s=round(plan_s, 3),
            phase=phase,
            kind=kind,
            actor=actor,
            operation=operation or self.operation_id(),
            verb=verb,
            value=value or {},
        )
        try:
            append_line(self.path, msgspec.json.encode(entry).decode())
        except OSError as cause:
            raise explain_disk(cause, self.path) from cause
        self._next += 1
        return entry

    def operation_id(self) -> str:
        """A fresh operation id of this history: a0001, a0002 ..."""
        self._operations += 1
        return f"a{self._next:04d}.{self._operations}"

    def __iter__(self) -> Iterator[Entry]:
        return read_history(self.path)


def read_history(path: Path) -> Iterator[Entry]:
    """Every whole line of *path* as an Entry; none when there is no file; CannotRun when a whole line is damaged."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError as cause:
                raise CannotRun(f"Line {number} of {path} is damaged: {cause}.") from cause


def cut_torn_line(path: Path) -> None:
    """Cut *path* back to its last whole line, so that the next append starts a line of its own."""
    if not path.exists():
        return
    with path.open("rb+") as lines:
        whole = lines.read().rfind(b"\n") + 1
        lines.truncate(whole)
