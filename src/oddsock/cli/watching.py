"""Who watches a drill: plain lines into a pipe or a file, or a live timeline on a terminal."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Protocol, TextIO

import typer

from oddsock.drill.history import Entry
from oddsock.drill.logbook import NobodyWatches
from oddsock.drill.spelling import MARKS, Speller, is_worth_showing, spell_plan_time

BAND = "▌"
"""Stands at the left of every line while a fault holds, so that its window is seen as a band."""

_COLOURS = {"ok": "green", "fail": "red", "unknown": "yellow", "note": "dim", "invoke": "dim"}
REFRESH_PER_S = 8


class Watcher(Protocol):
    """An observer with a beginning and an end."""

    def event(self, entry: Entry) -> None:
        """*entry* was just written to the history."""
        ...

    def progress(self, done: int, total: int) -> None:
        """*done* of *total* steps are behind us."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """A block in which somebody else uses the terminal."""
        ...

    def __enter__(self) -> "Watcher": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Nobody(NobodyWatches):
    """For --json: nothing is shown before the end."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is in the way."""
        return nullcontext()

    def __enter__(self) -> "Nobody":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def stamped(entry: Entry) -> str:
    """The times of *entry*: UTC wall time, phase, and plan time since the phase began."""
    return f"{entry.at[11:23]}  {entry.phase:<8} +{spell_plan_time(entry.plan_s)}"


class PlainLines(Nobody):
    """One line an event on stdout, stamped with wall and plan time."""

    def __init__(self) -> None:
        self._speller = Speller()

    def event(self, entry: Entry) -> None:
        """Write the line."""
        words = self._speller.spell(entry)
        if is_worth_showing(entry):
            typer.echo(f"{stamped(entry)}  {MARKS[entry.kind]} {words}")


class LiveTimeline:
    """Lines that scroll by under coloured fault bands, above one line of progress that stays at the bottom."""

    def __init__(self, out: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._speller = Speller()
        self._console = Console(file=out, force_terminal=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=REFRESH_PER_S,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._holding: list[str] = []
        self._counts = {"ok": 0, "fail": 0, "unknown": 0}

    def __enter__(self) -> "LiveTimeline":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block without the bar."""
        self._progress.stop()
        yield
        self._progress.start()

    def event(self, entry: Entry) -> None:
        """Draw the line, and open or close the band of a fault."""
        self._follow(entry)
        words = self._speller.spell(entry)
        if is_worth_showing(entry):
            self._console.print(self._line(entry, words))

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total)

    def _follow(self, entry: Entry) -> None:
        if entry.verb == "checkout" and entry.kind in self._counts:
            self._counts[entry.kind] += 1
        if entry.verb == "inject" and entry.kind in ("ok", "unknown"):
            self._holding.append(entry.actor)
        elif entry.verb == "heal" and entry.kind == "ok" and entry.actor in self._holding:
            self._holding.remove(entry.actor)
        state = ", ".join(name.partition(":")[2] for name in self._holding) or "nothing broken"
        orders = "  ".join(f"{MARKS[kind]}{count}" for kind, count in self._counts.items())
        self._progress.update(self._task, description=f"{entry.phase}  {state}  orders {orders}")

    def _line(self, entry: Entry, words: str) -> Any:
        from rich.text import Text

        line = Text()
        line.append(BAND if self._holding else " ", style="red")
        line.append(f" {stamped(entry)}  ", style="dim")
        line.append(f"{MARKS[entry.kind]} ", style=_COLOURS[entry.kind])
        strong = entry.verb in ("inject", "heal", "abort")
        line.append(words, style="bold" if strong else "dim" if entry.kind == "invoke" else "")
        return line


def choose_watcher(json: bool, terminal: bool) -> Watcher:
    """Nobody for --json, a live timeline on a *terminal*, else plain lines."""
    if json:
        return Nobody()
    return LiveTimeline() if terminal else PlainLines()
