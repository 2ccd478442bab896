"""Group commit on SQLite: writers that wait at the same time share one flush to the disk.

Each piece of work is a savepoint of one transaction and runs on the event loop, where it takes microseconds; only the
COMMIT, which waits for the disk, runs in a thread. Work that arrives meanwhile is the next group. A caller returns
when its group is on the disk, so the guarantee is that of a commit of one's own.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from oddsock.kit.sqlite import Book, begin, roll_back

GROUP_MAX = 256
"""How many pieces of work share one commit at most."""

T = TypeVar("T")
Piece = Callable[[sqlite3.Connection], T]


@dataclass(slots=True)
class _Waiting:
    piece: Piece[Any]
    future: asyncio.Future[Any]
    outcome: Any = None
    failure: Exception | None = None


class GroupCommit:
    """The one writer of a book; it has a connection of its own, readers use the book's."""

    def __init__(self, book: Book, group_max: int = GROUP_MAX) -> None:
        self._connection = book.connect(any_thread=True)
        self._group_max = group_max
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "commit")
        self.commits = 0

    async def write(self, piece: Piece[T]) -> T:
        """What *piece* answers, once it is on the disk; what it raises, with nothing of it written; sqlite3.Error.

        A caller that is cancelled while it waits does not take its work back.
        """
        waiting = _Waiting(piece, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        outcome: T = await waiting.future
        return outcome

    async def close(self) -> None:
        """Write what waits, then let the connection go."""
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()
        self._connection.close()

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._group_max], self._waiting[self._group_max :]
            try:
                await self._write_group(group)
            except sqlite3.Error as cause:
                roll_back(self._connection)
                for waiting in group:
                    waiting.failure = cause
            for waiting in group:
                if waiting.future.done():
                    continue
                if waiting.failure is not None:
                    waiting.future.set_exception(waiting.failure)
                else:
                    waiting.future.set_result(waiting.outcome)

    async def _write_group(self, group: list[_Waiting]) -> None:
        rows = self._connection
        begin(rows)
        for waiting in group:
            rows.execute("SAVEPOINT piece")
            try:
                waiting.outcome = waiting.piece(rows)
            except Exception as cause:  # Whatever it is, it belongs to the caller of this piece alone.
                if not rows.in_transaction:
                    raise
                rows.execute("ROLLBACK TO piece")
                waiting.failure = cause
            rows.execute("RELEASE piece")
        await asyncio.get_running_loop().run_in_executor(self._thread, rows.execute, "COMMIT")
        self.commits += 1
