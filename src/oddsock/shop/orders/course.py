"""The course of an order from where it stands to its end: pay, ship, and, when it must be undone, recall and refund.

Without the saga it is the report's: PENDING -> pay -> PAID -> ship -> the shipment saved. With the saga each leg is
journaled before it acts, PAID is only said when the parcel is accepted, and what a death left open is looked up first:

    leg          acts                       is undone by
    authorise    charge the card            refund what is captured
    ship         hand the parcel over       recall it
    confirm      PAID with its shipment     (nothing follows it)
"""

from dataclasses import dataclass

from oddsock.shop import fault_points
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.gateway import Authorisation, keyed
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Errand, Mark, Step
from oddsock.shop.orders.status import PAYABLE, Status

CHECKOUT = "checkout"
"""The actor of an order's first way through; every other actor comes after somebody."""

PAYMENT_UNAVAILABLE = "payment_unavailable"
SHIPPING_UNAVAILABLE = "shipping_unavailable"


class Stalled(Exception):
    """*order* could not go on at *leg* because of *cause*."""

    def __init__(self, order: Order, leg: str, cause: NoAnswer) -> None:
        super().__init__(cause.text)
        self.order = order
        self.leg = leg
        self.cause = cause


class Declined(Exception):
    """Payment declined *order*, saying *message*."""

    def __init__(self, order: Order, message: str) -> None:
        super().__init__(message)
        self.order = order
        self.message = message


@dataclass(slots=True)
class Course:
    """Takes orders along; the caller holds the order's lock. *has_saga* as the switch says."""

    desk: Desk
    has_saga: bool = False

    async def advance(self, order: Order, step: Step) -> Order:
        """The order, paid and shipped; Stalled, Declined."""
        if order.status in PAYABLE and order.status is not Status.PENDING:
            marks = (Mark(leg="authorise", state="begun"),) if self.has_saga else ()
            order = await self.desk.book.move(order, Status.PENDING, step, _again(step), marks=marks)
            self.desk.narration.moved(order, step.by)
        if order.status is Status.PENDING and self.has_saga:
            return await self._saga(order, step)
        if order.status is Status.PENDING:
            order = await self._pay(order, step)
        if order.status is Status.PAID and order.shipment_id is None:
            order = await self._ship(order, step)
        return order

    async def undo(self, order: Order, errand: Errand, step: Step) -> tuple[Order, bool]:
        """Take back what was charged and shipped: the order and whether anything was; NoAnswer while it cannot be.

        What was taken back cancels the order; an order that failed and of which nothing was found stays as it is.
        """
        desk = self.desk
        is_charged = order.status is Status.PAID or await self._has_taken(order)
        if errand.uncertain:
            for shipment_id in await desk.shipping.live_shipments(order.id, step.by):
                await desk.shipping.recall(shipment_id, step.by)
        reason = SHIPPING_UNAVAILABLE if order.status is not Status.PAYMENT_FAILED else PAYMENT_UNAVAILABLE
        captures = await desk.payment.live_captures(order.id, step.by)
        if not captures and not is_charged and order.status is Status.PAYMENT_FAILED:
            return order, False
        if captures:
            # Whoever comes after a death finds nothing to refund, and still has to say that it was.
            order = await desk.book.mark(order, step, Mark(leg="authorise", state="undoing"))
        for capture in captures:
            await desk.payment.refund(capture, reason, keyed(order, step.by))
        event = "refunded" if captures or is_charged else "cancelled"
        marks = (Mark(leg="authorise", state="undone"),)
        order = await desk.book.move(order, Status.CANCELLED, step, reason, marks=marks, event=event)
        desk.narration.moved(order, step.by)
        return order, True

    async def _has_taken(self, order: Order) -> bool:
        marks = await self.desk.book.store.marks(order.id)
        return any(mark.leg == "authorise" and mark.state in ("done", "undoing") for mark in marks)

    async def _pay(self, order: Order, step: Step) -> Order:
        desk = self.desk
        await self._authorise(order, step)
        await fault_points.reach("after-charge-before-save", order=order.id)
        order = await desk.book.move(order, Status.PAID, step)
        desk.narration.paid(order, step.by)
        return order

    async def _authorise(self, order: Order, step: Step) -> None:
        desk = self.desk
        desk.narration.paying(order, step.by)
        await fault_points.reach("before-authorise", order=order.id)
        try:
            answer: Authorisation = await desk.payment.authorise(order, self._by(order, step))
        except NoAnswer as cause:
            raise Stalled(order, "authorise", cause) from cause
        await fault_points.reach("after-authorise", order=order.id)
        desk.narration.answered(order, answer.authorised, answer.message, step.by)
        if not answer.authorised:
            raise Declined(order, answer.message)

    async def _ship(self, order: Order, step: Step) -> Order:
        desk = self.desk
        shipment_id = await self._hand_over(order, step)
        await fault_points.reach("after-ship-before-confirm", order=order.id)
        order = await desk.book.ship(order, shipment_id, step)
        desk.narration.shipped(order, step.by)
        return order

    async def _hand_over(self, order: Order, step: Step) -> str:
        await fault_points.reach("after-save-before-ship", order=order.id)
        try:
            return await self.desk.shipping.ship(order, self._by(order, step))
        except NoAnswer as cause:
            raise Stalled(order, "ship", cause) from cause

    async def _saga(self, order: Order, step: Step) -> Order:
        """Authorise, ship, confirm; what an earlier way through may have done is looked up before it is done again."""
        desk = self.desk
        done: set[str] = set()
        if step.actor != CHECKOUT:
            marks = await desk.book.store.marks(order.id)
            done = {mark.leg for mark in marks if mark.state == "done"}
        if "authorise" not in done:
            if step.actor == CHECKOUT or not await self._is_charged(order, step):
                await self._authorise(order, step)
            await fault_points.reach("after-charge-before-save", order=order.id)
            order = await desk.book.mark(
                order, step, Mark(leg="authorise", state="done"), Mark(leg="ship", state="begun")
            )
        shipment_id = await self._parcel_under_way(order, step) if step.actor != CHECKOUT else ""
        shipment_id = shipment_id or await self._hand_over(order, step)
        await fault_points.reach("after-ship-before-confirm", order=order.id)
        confirmed = (Mark(leg="ship", state="done"), Mark(leg="confirm", state="done"))
        order = await desk.book.move(order, Status.PAID, step, shipment_id=shipment_id, marks=confirmed)
        desk.narration.paid(order, step.by)
        desk.narration.shipped(order, step.by)
        return order

    async def _is_charged(self, order: Order, step: Step) -> bool:
        try:
            captures = await self.desk.payment.live_captures(order.id, step.by)
        except NoAnswer as cause:
            raise Stalled(order, "authorise", cause) from cause
        if captures:
            self.desk.narration.adopted(order, captures[0].charge_id, step.by)
        return bool(captures)

    async def _parcel_under_way(self, order: Order, step: Step) -> str:
        try:
            alive = await self.desk.shipping.live_shipments(order.id, step.by)
        except NoAnswer as cause:
            raise Stalled(order, "ship", cause) from cause
        return alive[0] if alive else ""

    def _by(self, order: Order, step: Step) -> Correlation:
        return keyed(order, step.by) if self.desk.is_keyed else step.by


def _again(step: Step) -> str:
    return "" if step.actor == CHECKOUT else step.actor
