"""How the front-end learns that an order changed: one loop reads two books once, for everybody who is watching.

While somebody watches, orders' journal and shipping's book are asked for what is new behind the last row seen; every
watched order that it touches is told to its watchers. A watcher keeps the newest state of each of its orders and
nothing else, so one that reads slowly costs no memory and never sees an old status after a new one. While a book is
away the loop keeps asking, and says so; when it is back, the rows behind the last one seen tell what was missed.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from oddsock.kit.clock import POLL_S_MIN, Clock
from oddsock.kit.errors import UsageError
from oddsock.shop.front_end.order_face import OrderFace

POLL_WALL_S_MAX = 1.0

ROWS_MAX = 5000
"""Rows of a book asked for at once: its own limit of a page."""

PAGES_MAX = 200
"""Pages read in one round; what is left waits for the next one."""

WATCHERS_MAX = 1000
"""How many streams may be open at once; each costs a socket and its orders' newest state."""

Rows = Sequence[Mapping[str, Any]]


class AwayError(Exception):
    """A book could not be read."""


class TooManyWatchers(Exception):
    """Every place is taken."""


class StatusBooks(Protocol):
    """The two books, each read behind a seq; AwayError."""

    async def changes(self, after: int, rows_max: int, order_id: str = "") -> Rows:
        """Lines of orders' journal."""
        ...

    async def parcels(self, after: int, rows_max: int, order_id: str = "") -> Rows:
        """Rows of shipping's book."""
        ...


@dataclass(eq=False, slots=True)
class Watcher:
    """One stream: its orders, and the newest news of each that it has not taken yet."""

    orders: frozenset[str]
    news: dict[str, OrderFace] = field(default_factory=dict)
    is_away: bool = False
    is_ended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, face: OrderFace) -> None:
        """Keep *face* as the newest of its order."""
        self.news[face.order_id] = face
        self.woken.set()

    def take(self) -> list[OrderFace]:
        """The news since the last call, and none of it again: what happened first comes first."""
        taken = sorted(self.news.values(), key=lambda face: sum(face.seen))
        self.news.clear()
        self.woken.clear()
        return taken


class StatusWatch:
    """Follows orders for any number of watchers; *poll_wall_s* is the pause between two looks."""

    def __init__(self, books: StatusBooks, clock: Clock, poll_wall_s: float, watchers_max: int = WATCHERS_MAX) -> None:
        self._books = books
        self._clock = clock
        self._poll_wall_s = poll_wall_s
        self._watchers_max = watchers_max
        self._watchers: set[Watcher] = set()
        self._faces: dict[str, OrderFace] = {}
        self._cursors: list[int] | None = None
        self._is_away = False
        self._somebody = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return len(self._watchers)

    @property
    def followed(self) -> int:
        """How many orders are kept because somebody follows them."""
        return len(self._faces)

    async def watch(self, order_ids: Sequence[str]) -> Watcher:
        """A watcher of *order_ids* that has their state already; TooManyWatchers."""
        if len(self._watchers) >= self._watchers_max:
            raise TooManyWatchers
        watcher = Watcher(frozenset(order_ids), is_away=self._is_away)
        self._watchers.add(watcher)
        try:
            # The tail is known before an order is read: what happens in between is read twice and told once.
            await self._find_tails()
            for known in await asyncio.gather(*map(self._begin, order_ids)):
                if known.status:
                    watcher.tell(known)
        except AwayError:
            self._say_away(True)
        except BaseException:
            self.leave(watcher)
            raise
        self._begin_loop()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Forget *watcher*, and the orders that nobody follows any more."""
        self._watchers.discard(watcher)
        followed = {order_id for one in self._watchers for order_id in one.orders}
        for order_id in watcher.orders - followed:
            self._faces.pop(order_id, None)
        if not self._watchers:
            self._somebody.clear()
            # Whoever comes next begins at the end of the books as they are then.
            self._cursors = None

    async def close(self) -> None:
        """End the loop and every stream."""
        for watcher in self._watchers:
            watcher.is_ended = True
            watcher.woken.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _begin_loop(self) -> None:
        self._somebody.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self._somebody.wait()
            try:
                await self.look()
                self._say_away(False)
            except AwayError:
                self._say_away(True)
            await self._clock.sleep(self._poll_wall_s * self._clock.speed)

    async def look(self) -> None:
        """One round: what is new in both books, told to whom it concerns; AwayError."""
        await self._find_tails()
        if not self._watchers:
            return
        missing = {one for watcher in self._watchers for one in watcher.orders} - set(self._faces)
        await asyncio.gather(*map(self._begin, missing))
        touched: dict[str, OrderFace] = {}
        for row in await self._news(0, self._books.changes):
            face_now = self._faces.get(str(row["order_id"]))
            if face_now is not None and face_now.apply_change(row):
                touched[face_now.order_id] = face_now
        for row in await self._news(1, self._books.parcels):
            face_now = self._faces.get(str(row["order_id"]))
            if face_now is not None and face_now.apply_parcel(row):
                touched[face_now.order_id] = face_now
        for face in touched.values():
            self._tell(face)

    async def _begin(self, order_id: str) -> OrderFace:
        if (known := self._faces.get(order_id)) is not None:
            return known
        # It stands there before it is read, so that a row that comes meanwhile is not lost.
        face = self._faces[order_id] = OrderFace(order_id)
        try:
            changes, parcels = await asyncio.gather(
                self._books.changes(0, ROWS_MAX, order_id), self._books.parcels(0, ROWS_MAX, order_id)
            )
        except BaseException:
            self._faces.pop(order_id, None)
            raise
        for row in changes:
            face.apply_change(row)
        for row in parcels:
            face.apply_parcel(row)
        if face.status:
            self._tell(face)
        return face

    async def _find_tails(self) -> None:
        if self._cursors is None:
            self._cursors = [await tail_of(self._books.changes), await tail_of(self._books.parcels)]

    async def _news(self, which: int, read: "Read") -> Rows:
        found: list[Mapping[str, Any]] = []
        cursors = self._cursors or [0, 0]
        for _ in range(PAGES_MAX):
            rows = await read(cursors[which], ROWS_MAX)
            if rows:
                cursors[which] = int(rows[-1]["seq"])
                found += [row for row in rows if row["order_id"] in self._faces]
            if len(rows) < ROWS_MAX:
                break
        return found

    def _tell(self, face: OrderFace) -> None:
        for watcher in self._watchers:
            if face.order_id in watcher.orders:
                watcher.tell(face)

    def _say_away(self, is_away: bool) -> None:
        self._is_away = is_away
        for watcher in self._watchers:
            if watcher.is_away != is_away:
                watcher.is_away = is_away
                watcher.woken.set()


def poll_wall_s(text: str) -> float:
    """The setting LIVE_STATUS_POLL_S in wall seconds; UsageError when it is no time between 0.01 and 1.

    >>> poll_wall_s("0.25")
    0.25
    """
    try:
        wall_s = float(text)
    except ValueError:
        wall_s = 0.0
    # Longer than this and a status would be shown later than 2 s after its change.
    if not POLL_S_MIN <= wall_s <= POLL_WALL_S_MAX:
        raise UsageError(f"LIVE_STATUS_POLL_S={text} is not known.", "Set it to seconds between 0.01 and 1.")
    return wall_s


class Read(Protocol):
    """Reads a book behind a seq."""

    async def __call__(self, after: int, rows_max: int) -> Rows:
        """Up to *rows_max* rows behind *after*."""
        ...


async def tail_of(read: Read) -> int:
    """The last seq of a book, found by doubling and halving: at most two questions a binary digit; AwayError."""
    low, high = 0, 1
    while await read(high - 1, 1):
        low, high = high, high * 2
    # Rows stand behind low - 1, none behind high - 1.
    while low < high:
        middle = (low + high) // 2
        if await read(middle, 1):
            low = middle + 1
        else:
            high = middle
    return low
