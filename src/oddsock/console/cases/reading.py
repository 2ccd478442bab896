"""Reports and books of cases, read in threads within a time, and kept while their files stay what they are.

Two readers of one thing wait for one reading. What takes longer than the deadline is read on to its end and kept, so
that who asks again finds it done.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from oddsock.drill.account import Books, account_books, read_books, uncollected
from oddsock.drill.case import Case
from oddsock.drill.evidence_files import phases_taken
from oddsock.drill.history import Entry
from oddsock.drill.report import make_report
from oddsock.drill.report.document import Report
from oddsock.drill.verdict import Account
from oddsock.kit.errors import CannotRun, UsageError

T = TypeVar("T")

DEADLINE_WALL_S = 20.0
KEPT_MAX = 64
KEPT_BYTES_MAX = 96_000_000
"""How much is kept, by the size of the files it was read from; the newest is always kept."""

BYTES_MAX = 400_000_000
"""The largest evidence that is read for a page."""

THREADS = 2
WAITING_MAX = 16

Stamp = tuple[tuple[str, int, int], ...]


class Reckoned(msgspec.Struct, frozen=True):
    """The books of one phase and what they come to."""

    books: Books
    account: Account


class _Kept(msgspec.Struct):
    stamp: Stamp
    size: int
    coming: asyncio.Task[Any]


class Reader:
    """Reads cases for every page of a console."""

    def __init__(self, deadline_wall_s: float = DEADLINE_WALL_S) -> None:
        self._deadline_wall_s = deadline_wall_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cases")
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def report(self, case: Case) -> Report:
        """The report of *case*: as it was written, else as it would be; CannotRun when it is damaged or too large."""
        return await self.read(case.path, "report", lambda: _report(case), _whole(case.path))

    async def books(self, case: Case, phase: str) -> Reckoned:
        """The judged books of *phase*; CannotRun when they are damaged or too large."""
        return await self.read(case.path, phase, lambda: _reckon(case, phase), _whole(case.path))

    async def history(self, case: Case) -> list[Entry]:
        """Every line of the history."""
        return await self.read(case.path, "history", lambda: list(case.history), _stamp([case.path / "history.jsonl"]))

    async def read(self, path: Path, what: str, make: Callable[[], T], stamp: Stamp) -> T:
        """What *make* answers in a thread for *path*, or answered when the files had this *stamp*.

        CannotRun when it takes too long, too many wait, or the files are too large.
        """
        key = (str(path), what)
        kept = self._kept.get(key)
        if kept is None or kept.stamp != stamp:
            kept = self._begin(key, make, stamp)
        self._kept.move_to_end(key)
        done, _ = await asyncio.wait({kept.coming}, timeout=self._deadline_wall_s)
        if not done:
            raise CannotRun(f"{path.name} is large and is still being read.", "Load this page again in a moment.")
        if kept.coming.cancelled() or kept.coming.exception() is not None:
            self._kept.pop(key, None)
        answer: T = kept.coming.result()
        return answer

    async def run(self, make: Callable[[], T]) -> T:
        """What *make* answers in a thread, not kept; CannotRun when it takes too long."""
        loop = asyncio.get_running_loop()
        coming = loop.run_in_executor(self._threads, make)
        done, _ = await asyncio.wait({coming}, timeout=self._deadline_wall_s)
        if not done:
            coming.cancel()
            raise CannotRun("The cases take long to read just now.", "Load this page again in a moment.")
        return coming.result()

    def _begin(self, key: tuple[str, str], make: Callable[[], T], stamp: Stamp) -> _Kept:
        size = sum(bytes_ for _, _, bytes_ in stamp)
        if size > BYTES_MAX:
            raise CannotRun(
                f"The files of {Path(key[0]).name} have {size // 1_000_000} MB, which is too much for a page.",
                "`oddsock report` reads cases of any size.",
            )
        if sum(1 for one in self._kept.values() if not one.coming.done()) >= WAITING_MAX:
            raise CannotRun("Too many cases are being read at once.", "Load this page again in a moment.")
        loop = asyncio.get_running_loop()

        async def come() -> T:
            return await loop.run_in_executor(self._threads, make)

        kept = self._kept[key] = _Kept(stamp, size, asyncio.ensure_future(come()))
        self._kept.move_to_end(key)
        self._let_go()
        return kept

    def _let_go(self) -> None:
        for key in list(self._kept)[:-1]:
            if len(self._kept) <= KEPT_MAX and sum(one.size for one in self._kept.values()) <= KEPT_BYTES_MAX:
                return
            if self._kept[key].coming.done():
                del self._kept[key]

    async def close(self) -> None:
        """Wait for no more: what is being read is left."""
        for one in self._kept.values():
            one.coming.cancel()
        await asyncio.gather(*(one.coming for one in self._kept.values()), return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _report(case: Case) -> Report:
    """A report of an older release is computed anew, like that of a case that has none."""
    path = case.path / "report.json"
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Report)
        except msgspec.DecodeError:
            pass
    with uncollected():
        return make_report(case)


def _reckon(case: Case, phase: str) -> Reckoned:
    with uncollected():
        books = read_books(case, phase)
        return Reckoned(books, account_books(books))


def choose_phase(case: Case, told: str) -> tuple[str, list[str]]:
    """The phase *told*, else the newest that is taken, with all there are; UsageError when *told* is none of them."""
    taken = phases_taken(case)
    if told and told not in taken:
        raise UsageError(f"The phase {told!r} was not taken in this case.", f"It has {', '.join(taken) or 'none'}.")
    return told or (taken[-1] if taken else ""), taken


def stamp_of(*paths: Path) -> Stamp:
    """What changes when one of the files at *paths* does."""
    return _stamp(list(paths))


def _whole(path: Path) -> Stamp:
    """The stamp of every file that a report or an account is read from."""
    names = ("case.json", "history.jsonl", "undo.jsonl", "mend.jsonl", "plan.yaml", "report.json", "matrix.json")
    return _stamp([path / name for name in names] + sorted((path / "evidence").glob("*/*.json")))


def _stamp(paths: list[Path]) -> Stamp:
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((f"{path.parent.name}/{path.name}", status.st_mtime_ns, status.st_size))
    return tuple(found)
