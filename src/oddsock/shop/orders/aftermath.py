"""What follows when an order stalls: parked, failed or undone, as the switches say; the one place that decides it.

payment_queue   a stalled order is parked with the instant of its next try; past its deadline it is a dead letter
saga            what was done for an order that cannot go on is taken back
neither         payment away: PAYMENT_FAILED; shipping away: PAID without a shipment, as in the shop of the report
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from oddsock.kit.clock import iso
from oddsock.shop.calls import OPEN, NoAnswer
from oddsock.shop.customer_texts import Charged
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.legs import Stalled
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Errand, Stage, Step
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.status import Status

PARKED_BACKOFF = Backoff(1.0, 60.0)
"""How a parked order waits with the switch RETRY on, in plan seconds."""

PARKED_STEADY = Backoff(5.0, 5.0, jitter=False)
"""How it waits with the switch off."""


class Aftermath:
    """Decides over stalled orders; *on_parked* hears that there is an errand that may be due at once."""

    def __init__(self, desk: Desk, remedies: Remedies, backoff: Backoff | None = None) -> None:
        self._desk = desk
        self._remedies = remedies
        self._backoff = backoff or (PARKED_BACKOFF if remedies.retry else PARKED_STEADY)
        self.on_parked: Callable[[], None] = lambda: None

    async def stalled(self, stalled: Stalled, step: Step, before: Errand | None = None) -> Order:
        """The order as it is left: parked, failed, being undone, or PAID without a shipment."""
        order, cause = stalled.order, stalled.cause
        if self._remedies.payment_queue and not cause.is_final:
            errand = self.next_errand(order, cause, step, before)
            is_late = errand.deadline_at <= iso(self._desk.clock.now())
            return await self._die(stalled, errand, step) if is_late else await self._park(order, errand, step)
        if stalled.leg == "authorise":
            return await self._fail(order, cause, cause.text, step, before)
        told = self._desk.narration.payment_failed if stalled.leg == "confirm" else self._desk.narration.not_shipped
        told(order, cause, step.by)
        if self._remedies.saga:
            return await self._begin_undo(order, self.next_errand(order, cause, step, before), step)
        if before is not None:
            await self._desk.book.store.end_errand(order.id)
        return order

    async def undo_again(self, order: Order, cause: NoAnswer, step: Step, before: Errand) -> None:
        """An order could not be undone: it is tried again, and again, until it is."""
        self._desk.narration.not_undone(order, cause, step.by)
        await self._desk.book.store.put_errand(self.next_errand(order, cause, step, before))

    def next_errand(
        self, order: Order, cause: NoAnswer, step: Step, before: Errand | None = None, stage: Stage = "finish"
    ) -> Errand:
        """The errand after one more try that ended in *cause*; a call that was not made is no try."""
        now = self._desk.clock.now()
        attempts = (before.attempts if before else 0) + (cause.kind != OPEN)
        pause_s = cause.retry_after_s
        if cause.kind != OPEN:
            pause_s = self._backoff.pause_s(attempts, cause.retry_after_s)
        return Errand(
            order_id=order.id,
            stage=before.stage if before else stage,
            parked_at=before.parked_at if before else iso(now),
            due_at=iso(self._later(now, pause_s)),
            deadline_at=before.deadline_at if before else iso(self._later(now, self._remedies.queue_deadline_s)),
            attempts=attempts,
            uncertain=(before.uncertain if before else False) or not cause.is_harmless,
            cause=cause.text,
            traceparent=step.by.traceparent,
            request_id=step.by.request_id,
        )

    def fresh_errand(self, order_id: str, cause: str) -> Errand:
        """An errand that is due now, with its whole time before it."""
        now = self._desk.clock.now()
        return Errand(
            order_id=order_id,
            parked_at=iso(now),
            due_at=iso(now),
            deadline_at=iso(self._later(now, self._remedies.queue_deadline_s)),
            uncertain=True,
            cause=cause,
        )

    async def _park(self, order: Order, errand: Errand, step: Step) -> Order:
        order = await self._desk.book.park(order, errand, step)
        self._desk.narration.parked(order, errand, step.by)
        self.on_parked()
        return order

    async def _fail(self, order: Order, cause: NoAnswer, why: str, step: Step, before: Errand | None) -> Order:
        self._desk.narration.payment_failed(order, cause, step.by)
        tried = self.next_errand(order, cause, step, before)
        errand = msgspec.structs.replace(tried, stage="undo") if self._remedies.saga and tried.uncertain else None
        order = await self._desk.book.move(
            order,
            Status.PAYMENT_FAILED,
            step,
            why,
            errand=errand,
            ends_errand=before is not None,
            charged=_charged(tried),
        )
        self._desk.narration.moved(order, step.by)
        return order

    async def _die(self, stalled: Stalled, errand: Errand, step: Step) -> Order:
        """A dead letter; whoever may have been charged is looked up and refunded before nothing more is done."""
        order = stalled.order
        self._desk.narration.died(order, errand, step.by)
        if stalled.leg == "authorise":
            why = f"payment gave no answer within {self._remedies.queue_deadline_s:.0f} s"
            after = {"stage": "undo"} if errand.uncertain else {"dead": True}
            left = msgspec.structs.replace(errand, **after)
            charged = _charged(errand)
            order = await self._desk.book.move(order, Status.PAYMENT_FAILED, step, why, errand=left, charged=charged)
            self._desk.narration.moved(order, step.by)
            return order
        if self._remedies.saga:
            return await self._begin_undo(order, errand, step)
        return await self._desk.book.park(order, msgspec.structs.replace(errand, dead=True), step)

    async def _begin_undo(self, order: Order, errand: Errand, step: Step) -> Order:
        self._desk.narration.undoing(order, errand.cause, step.by)
        now = iso(self._desk.clock.now())
        order = await self._desk.book.park(order, msgspec.structs.replace(errand, stage="undo", due_at=now), step)
        self.on_parked()
        return order

    def _later(self, now: datetime, plan_s: float) -> datetime:
        return now + timedelta(seconds=plan_s / self._desk.clock.speed)


def _charged(errand: Errand) -> Charged:
    return Charged.UNKNOWN if errand.uncertain else Charged.NO
