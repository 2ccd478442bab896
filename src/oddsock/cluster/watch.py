"""One watch on the store: a bounded queue of changes, seen through a namespace and two selectors."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from oddsock.cluster.copies import copied
from oddsock.cluster.kinds import Obj
from oddsock.cluster.selectors import FieldSelector, LabelSelector
from oddsock.cluster.status import Expired

QUEUE_MAX = 4096
"""Changes that may wait for one slow watcher before its watch ends as Expired."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change in the store's log; *previous* is what was there before, None for a new object."""

    version: int
    type: str
    obj: Obj
    previous: Obj | None


class Watch:
    """An async iterator of (type, object); what comes into or falls out of the selection is ADDED or DELETED."""

    def __init__(
        self,
        kind: str,
        namespace: str | None,
        labels: LabelSelector,
        fields: FieldSelector,
        on_close: "Callable[[Watch], None]",
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._kind = kind
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._on_close = on_close
        self._queue: asyncio.Queue[tuple[str, Obj] | None] = asyncio.Queue(queue_max)
        self._is_cut = False
        self.is_over = False
        """Whether the watch was ended by `end`."""

    def offer(self, change: Change) -> None:
        """Queue *change* if this watch sees it; a full queue cuts the watch off."""
        if change.obj["kind"] != self._kind or self._is_cut or self.is_over:
            return
        seen = self._sees(change.obj) and change.type != "DELETED"
        # A fresh ADDED has no previous; a DELETED was seen if its last state was.
        saw = self._sees(change.previous) if change.previous is not None else False
        if not seen and not saw:
            return
        type_ = "MODIFIED" if seen and saw else "ADDED" if seen else "DELETED"
        try:
            self._queue.put_nowait((type_, change.obj))
        except asyncio.QueueFull:
            self._is_cut = True

    async def next(self, timeout_s: float | None = None) -> tuple[str, Obj] | None:
        """The next (type, object), or None after *timeout_s* wall seconds; Expired when this watcher fell behind."""
        if self._is_cut and self._queue.empty():
            raise Expired("too old resource version: the watcher fell behind")
        if self.is_over and self._queue.empty():
            return None
        try:
            async with asyncio.timeout(timeout_s):
                event = await self._queue.get()
        except TimeoutError:
            return None
        return None if event is None else (event[0], copied(event[1]))

    def take(self) -> tuple[str, Obj] | None:
        """The next (type, object) that waits already, or None."""
        event = None if self._queue.empty() else self._queue.get_nowait()
        return None if event is None else (event[0], copied(event[1]))

    def end(self) -> None:
        """Wake whoever waits for the next change and give no more after those that are queued."""
        self.is_over = True
        if not self._queue.full():
            self._queue.put_nowait(None)

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> tuple[str, Obj]:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        """Let the store forget this watch."""
        self._on_close(self)

    def _sees(self, obj: Obj) -> bool:
        meta = obj["metadata"]
        return (
            (not self._namespace or meta.get("namespace") == self._namespace)
            and self._labels.matches(meta.get("labels"))
            and self._fields.matches(obj)
        )
