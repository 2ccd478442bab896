"""The saga: authorise, ship, confirm; each leg journaled before it acts, and each with what takes it back.

    leg          acts                                       is undone by
    authorise    hold the money (capture_method=manual)     void it; where payment could only charge, refund it
    ship         hand the parcel over                       recall it
    confirm      take what is held, then PAID               refund it

Money is taken when the parcel is accepted, so an order that cannot be shipped never costs its customer anything. What a
death left open is looked up in the other services' books before anything is done again.
"""

from dataclasses import dataclass

from oddsock.shop import fault_points
from oddsock.shop.customer_texts import Charged
from oddsock.shop.orders.gateway import Standing, keyed
from oddsock.shop.orders.legs import CHECKOUT, Legs
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Errand, Mark, Step
from oddsock.shop.orders.status import Status

PAYMENT_UNAVAILABLE = "payment_unavailable"
SHIPPING_UNAVAILABLE = "shipping_unavailable"

CONFIRMING = Mark(leg="confirm", state="begun")
TAKEN = (("authorise", "done"), ("authorise", "undoing"), ("confirm", "undoing"))
"""What the journal says once the money of an order was taken; `held` says that it is only set aside."""


@dataclass(frozen=True, slots=True)
class Saga:
    """Takes PENDING orders to their end, and back; the caller holds the order's lock."""

    legs: Legs

    async def go_on(self, order: Order, step: Step) -> Order:
        """The order PAID with its parcel; Stalled, Declined."""
        desk, is_first = self.legs.desk, step.actor == CHECKOUT
        seen = set() if is_first else await self._journal(order)
        money = Standing() if is_first else await self.legs.money(order, step)
        charge_id = await self._hold(order, step, money)
        begun = (Mark(leg="authorise", state="held" if charge_id else "done"), Mark(leg="ship", state="begun"))
        if not {(mark.leg, mark.state) for mark in begun} <= seen:
            await fault_points.reach("after-hold-before-save", order=order.id)
            order = await desk.book.mark(order, step, *begun)
        shipment_id = "" if is_first else await self.legs.parcel(order, step)
        shipment_id = shipment_id or await self.legs.hand_over(order, step)
        await fault_points.reach("after-ship-before-confirm", order=order.id)
        if charge_id:
            order = await self._take(order, charge_id, step, seen)
        for surplus in money.holds[1:]:
            await self.legs.let_go(order, surplus, step)
        confirmed = (Mark(leg="ship", state="done"), Mark(leg="confirm", state="done"))
        order = await desk.book.move(order, Status.PAID, step, shipment_id=shipment_id, marks=confirmed)
        desk.narration.paid(order, step.by)
        desk.narration.shipped(order, step.by)
        return order

    async def _hold(self, order: Order, step: Step, money: Standing) -> str:
        """The charge that the order's money is held by; empty when it is taken already."""
        if money.captures:
            self.legs.desk.narration.adopted(order, money.captures[0].charge_id, step.by)
            return ""
        return money.holds[0] if money.holds else await self.legs.hold(order, step, money.voided)

    async def _take(self, order: Order, charge_id: str, step: Step, seen: set[tuple[str, str]]) -> Order:
        if (CONFIRMING.leg, CONFIRMING.state) not in seen:
            order = await self.legs.desk.book.mark(order, step, CONFIRMING)
        await self.legs.capture(order, charge_id, step)
        await fault_points.reach("after-charge-before-save", order=order.id)
        return order

    async def undo(self, order: Order, errand: Errand, step: Step) -> tuple[Order, bool]:
        """Take back what was shipped, held and taken: the order and whether anything was; NoAnswer while it cannot be.

        What was taken back cancels the order; an order that failed and had cost nothing stays as it is.
        """
        desk, seen = self.legs.desk, await self._journal(order)
        was_confirming = (CONFIRMING.leg, CONFIRMING.state) in seen
        was_taken = order.status is Status.PAID or any(mark in seen for mark in TAKEN)
        has_failed = order.status is Status.PAYMENT_FAILED
        if errand.uncertain or was_confirming:
            for shipment_id in await desk.shipping.live_shipments(order.id, step.by):
                await desk.shipping.recall(shipment_id, step.by)
        reason = PAYMENT_UNAVAILABLE if has_failed or was_confirming else SHIPPING_UNAVAILABLE
        money = await desk.payment.standing(order.id, step.by)
        for charge_id in money.holds:
            await desk.payment.void(charge_id, reason, keyed(order, step.by))
        was_taken = was_taken or bool(money.captures)
        if has_failed and not was_taken:
            return order, False
        leg = "confirm" if was_confirming else "authorise"
        if money.captures:
            # Whoever comes after a death finds nothing to refund, and still has to say that it was.
            order = await desk.book.mark(order, step, Mark(leg=leg, state="undoing"))
        for capture in money.captures:
            await desk.payment.refund(capture, reason, keyed(order, step.by))
        order = await desk.book.move(
            order,
            Status.CANCELLED,
            step,
            reason,
            marks=(Mark(leg=leg, state="undone"),),
            event="refunded" if was_taken else "cancelled",
            charged=Charged.REFUNDED if was_taken else Charged.NO,
        )
        desk.narration.moved(order, step.by)
        return order, True

    async def _journal(self, order: Order) -> set[tuple[str, str]]:
        return {(mark.leg, mark.state) for mark in await self.legs.desk.book.store.marks(order.id)}
