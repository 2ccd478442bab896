"""The queue: errands are claimed when they are due, each carried out alone on its order, and put back or ended.

Who waits in the queue is on the disk with its next instant, so a death loses nobody. When payment comes back all that
wait are due at once: with the limiter they are let out as fast as payment takes them, without it as a herd.
"""

import asyncio
import contextlib
from datetime import timedelta

import msgspec

from oddsock.kit import ids
from oddsock.kit.clock import Clock, iso
from oddsock.shop import fault_points
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.aftermath import Aftermath
from oddsock.shop.orders.course import Course
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.guard import Guard
from oddsock.shop.orders.legs import Declined, Stalled
from oddsock.shop.orders.notices import DECLINED
from oddsock.shop.orders.order import Order, is_open
from oddsock.shop.orders.records import Errand, Step, Superseded, UnknownOrder
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.retry import WrongState
from oddsock.shop.orders.status import Status
from oddsock.shop.work import Work

ACTOR = "queue"
POLL_S = 0.5
"""How often an idle queue looks for what has become due, in plan seconds, and never more often than POLL_WALL_S."""

POLL_WALL_S = 0.02

LEASE_WALL_S = 60.0
"""How long a claimed errand is in its holder's hands, in wall seconds; a dead holder's are free behind that."""

HERD_MAX = 20_000
"""How many errands are under way at most without a limiter: for memory's sake, no limit that payment would feel."""

BROKE_OFF_S = 2.0
"""How long a worker waits after an error of our own, and an order that broke off until it is taken up, in plan s."""

RESUMED = "unfinished at the start"
BROKEN_OFF = "work on it broke off"


class OrderQueue:
    """Carries errands out; `work` runs until it is cancelled, `call` wakes it."""

    def __init__(
        self, desk: Desk, course: Course, aftermath: Aftermath, work: Work, guard: Guard, remedies: Remedies
    ) -> None:
        self.holder = ids.object_id()
        self.lease_wall_s = LEASE_WALL_S
        self._desk = desk
        self._store = desk.book.store
        self._clock: Clock = desk.clock
        self._course = course
        self._aftermath = aftermath
        self._work = work
        self._guard = guard
        self._remedies = remedies
        self._called = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken_off: set[str] = set()
        self._has_payment_returned = False
        self._adopted_at_s = 0.0
        guard.on_return = self._payment_returned
        aftermath.on_parked = self.call

    def call(self) -> None:
        """There may be something to do."""
        self._called.set()

    async def begin(self) -> int:
        """Take over what a dead predecessor left; answers how many unfinished orders are resumed."""
        if not self._store.is_shared:
            await self._store.give_back(self.holder)
        return await self._adopt()

    async def work(self) -> None:
        """Carry errands out as they become due."""
        while True:
            self._called.clear()
            try:
                has_begun = await self.turn()
            except Exception as cause:  # noqa: BLE001  # A store that fails once (a full disk) may not end the queue.
                self._desk.narration.broke_off("", cause)
                await self._clock.sleep(max(BROKE_OFF_S, POLL_WALL_S * self._clock.speed))
                has_begun = 0
            if not has_begun:
                await self._pause()

    def broke_off(self, order_id: str) -> None:
        """Work on this order ended in an error of our own, such as a full disk; it is taken up when it can be."""
        self._broken_off.add(order_id)
        self.call()

    async def turn(self) -> int:
        """Claim what is due and there is room for, and begin it; answers how many errands were begun."""
        for order_id in tuple(self._broken_off):
            await self._take_up(order_id)
            self._broken_off.discard(order_id)
        if self._has_payment_returned:
            self._has_payment_returned = False
            await self._store.hasten(iso(self._clock.now()))
        if self._store.is_shared and self._clock.monotonic() - self._adopted_at_s > self.lease_wall_s / 2:
            await self._adopt()
        if (room := self._room()) <= 0:
            return 0
        now = self._clock.now()
        until = iso(now + timedelta(seconds=self.lease_wall_s))
        errands = await self._store.claim(self.holder, iso(now), until, room)
        for errand in errands:
            task = asyncio.create_task(self._carry_out(errand))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return len(errands)

    async def settle(self) -> None:
        """Return when what was begun has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def requeue(self, order_id: str, by: Correlation) -> Order:
        """The order of a dead letter, queued again with its whole time; UnknownOrder, WrongState."""
        order = await self._desk.book.order(order_id)
        errand = await self._store.errand(order_id)
        if errand is None:
            raise UnknownOrder(order_id)
        if not errand.dead:
            raise WrongState(f"Order {order_id} is in the queue already, due at {errand.due_at}.")
        fresh = self._aftermath.fresh_errand(order_id, "queued again by hand")
        fresh = msgspec.structs.replace(fresh, uncertain=errand.uncertain)
        order = await self._desk.book.park(order, fresh, Step(ACTOR, by))
        self._desk.narration.requeued(order, by)
        self.call()
        return order

    async def _take_up(self, order_id: str) -> None:
        """Give an order that broke off an errand that is due soon: its own, or a new one where it is unfinished."""
        errand = await self._store.errand(order_id)
        if errand is None:
            if not self._resumes:
                return
            try:
                order = await self._desk.book.order(order_id)
            except UnknownOrder:
                return
            if not is_open(order):
                return
            errand = self._aftermath.fresh_errand(order_id, BROKEN_OFF)
        elif errand.dead or errand.holder != self.holder:
            return
        due_at = self._clock.now() + timedelta(seconds=BROKE_OFF_S / self._clock.speed)
        await self._store.put_errand(msgspec.structs.replace(errand, due_at=iso(due_at)))

    @property
    def _resumes(self) -> bool:
        return self._remedies.resume or self._remedies.saga

    async def _adopt(self) -> int:
        if not self._resumes:
            return 0
        self._adopted_at_s = self._clock.monotonic()
        # Where several processes share a store, only what nobody touched for a while is nobody's.
        quiet_s = self.lease_wall_s if self._store.is_shared else 0.0
        since = iso(self._clock.now() - timedelta(seconds=quiet_s))
        count = await self._store.adopt_unfinished(since, self._aftermath.fresh_errand("", RESUMED))
        if count:
            self._desk.narration.resumed(count)
        return count

    def _room(self) -> int:
        breaker, limiter = self._guard.breaker, self._guard.limiter
        if breaker is not None and breaker.state != "closed":
            return 0 if breaker.cooling_s > 0 or self._tasks else 1
        # Four times the limit: while one is with payment, one is read before it, one saved and one shipped behind.
        bound = HERD_MAX if limiter is None else 4 * int(limiter.limit) + 4
        room = bound - len(self._tasks)
        # Claimed by the handful: each claim is a write.
        return room if room >= bound // 8 else 0

    async def _pause(self) -> None:
        poll_s = max(POLL_S, POLL_WALL_S * self._clock.speed)
        waits = [asyncio.create_task(self._called.wait()), asyncio.create_task(self._clock.sleep(poll_s))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _payment_returned(self) -> None:
        self._has_payment_returned = True
        self.call()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.call()

    async def _carry_out(self, errand: Errand) -> None:
        try:
            async with self._work.lock(errand.order_id):
                await self._carry_out_alone(errand)
        except Superseded:
            pass  # Somebody else has the order now, and what is to be done for it.
        except Exception as cause:  # noqa: BLE001  # One order that breaks may not stop the others.
            self._desk.narration.broke_off(errand.order_id, cause)
            self.broke_off(errand.order_id)

    async def _carry_out_alone(self, errand: Errand) -> None:
        await fault_points.reach("consumer-holds-lease", order=errand.order_id)
        current = await self._store.errand(errand.order_id)
        if current is None or current.dead or current.holder != self.holder:
            return
        order = await self._desk.book.order(errand.order_id)
        by = Correlation(
            traceparent=ids.child_traceparent(errand.traceparent),
            request_id=errand.request_id or ids.request_id(),
            order_id=order.id,
        )
        step = Step(ACTOR, by)
        if current.stage == "undo":
            await self._undo(order, current, step)
        else:
            await self._finish(order, current, step)

    async def _finish(self, order: Order, errand: Errand, step: Step) -> None:
        try:
            await self._course.advance(order, step)
        except Stalled as stalled:
            await self._aftermath.stalled(stalled, step, errand)
        except Declined as declined:
            # Decided behind the customer's back, a decline ends the order, as it does in a retry.
            order = await self._desk.book.move(declined.order, Status.CANCELLED, step, DECLINED)
            self._desk.narration.moved(order, step.by)
        else:
            await self._end(order.id)

    async def _undo(self, order: Order, errand: Errand, step: Step) -> None:
        try:
            order, was_undone = await self._course.undo(order, errand, step)
        except NoAnswer as cause:
            await self._aftermath.undo_again(await self._desk.book.order(order.id), cause, step, errand)
            return
        if was_undone or not self._remedies.payment_queue:
            await self._end(order.id)
        else:
            # Nothing was charged after all: what is left is a dead letter that somebody may queue again.
            left = msgspec.structs.replace(errand, stage="finish", dead=True, uncertain=False)
            await self._store.put_errand(left)

    async def _end(self, order_id: str) -> None:
        if await self._store.errand(order_id) is not None:
            await self._store.end_errand(order_id)

    async def close(self, wall_s: float) -> None:
        """Give what is under way *wall_s* wall seconds, then leave it to the next start."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=wall_s)
            for task in late:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
