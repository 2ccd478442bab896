"""Live tails: who follows which logs as they come in; each follower has a queue that drops what it cannot take."""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec
from aiohttp import web

from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.query.log_match import predicate
from oddsock.telemetry.query.log_tree import Search
from oddsock.telemetry.records import Log

QUEUE_MAX = 1000
"""How many logs wait for one follower; of more the oldest are dropped and counted."""


class Tail:
    """What one follower has not taken yet."""

    def __init__(self, search: Search) -> None:
        self._accepts = predicate(search)
        self._waiting: deque[Log] = deque(maxlen=QUEUE_MAX)
        self._missed = 0
        self._woken = asyncio.Event()
        self.is_over = False

    def offer(self, log: Log) -> None:
        """Queue *log* when it is one of those that are followed."""
        if self._accepts(log):
            self._missed += len(self._waiting) == QUEUE_MAX
            self._waiting.append(log)
            self._woken.set()

    def end(self) -> None:
        """Tell the follower that nothing more comes."""
        self.is_over = True
        self._woken.set()

    async def take(self, deadline_s: float) -> tuple[list[Log], int]:
        """The logs that wait and how many were dropped before them; neither after *deadline_s* wall seconds."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._woken.wait()
        except TimeoutError:
            return [], 0
        taken, missed = list(self._waiting), self._missed
        self._waiting.clear()
        self._missed = 0
        if not self.is_over:
            self._woken.clear()
        return taken, missed


class Tails:
    """Every open tail; at most *tails_max*."""

    def __init__(self, tails_max: int) -> None:
        self._open: set[Tail] = set()
        self._max = tails_max

    def open(self, search: Search) -> Tail:
        """Begin to follow what *search* finds; 429 when too many follow already."""
        if len(self._open) >= self._max:
            raise ApiError(429, f"Too many tails: {self._max} are open; close one first.")
        tail = Tail(search)
        self._open.add(tail)
        return tail

    def close(self, tail: Tail) -> None:
        """Follow no longer."""
        self._open.discard(tail)

    def publish(self, logs: Sequence[Log], ids: Sequence[int]) -> None:
        """Offer what was stored to every tail; a log with id 0 was stored before."""
        if not self._open:
            return
        for log, log_id in zip(logs, ids, strict=True):
            if log_id:
                stored = msgspec.structs.replace(log, id=log_id)
                for tail in self._open:
                    tail.offer(stored)

    async def end(self, app: web.Application) -> None:
        """End every tail, for the server ends."""
        for tail in self._open:
            tail.end()
