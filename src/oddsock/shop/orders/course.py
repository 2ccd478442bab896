"""The course of an order from where it stands to its end: pay, ship; with the saga authorise, ship, confirm.

Without the saga it is the report's: PENDING -> pay -> PAID -> ship -> the shipment saved.
"""

from dataclasses import dataclass, field

from oddsock.shop import fault_points
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.legs import CHECKOUT, Legs
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Errand, Mark, Step
from oddsock.shop.orders.saga import Saga
from oddsock.shop.orders.status import PAYABLE, Status


@dataclass(slots=True)
class Course:
    """Takes orders along; the caller holds the order's lock. *has_saga* as the switch says."""

    desk: Desk
    has_saga: bool = False
    _legs: Legs = field(init=False)
    _saga: Saga = field(init=False)

    def __post_init__(self) -> None:
        """Make its parts."""
        self._legs = Legs(self.desk)
        self._saga = Saga(self._legs)

    @property
    def first_marks(self) -> tuple[Mark, ...]:
        """What the saga's journal says with PENDING."""
        return (Mark(leg="authorise", state="begun"),) if self.has_saga else ()

    async def advance(self, order: Order, step: Step) -> Order:
        """The order, paid and shipped; Stalled, Declined."""
        if order.status in PAYABLE and order.status is not Status.PENDING:
            order = await self.desk.book.move(order, Status.PENDING, step, _again(step), marks=self.first_marks)
            self.desk.narration.moved(order, step.by)
        if order.status is Status.PENDING and self.has_saga:
            return await self._saga.go_on(order, step)
        if order.status is Status.PENDING:
            order = await self._pay(order, step)
        if order.status is Status.PAID and order.shipment_id is None:
            order = await self._ship(order, step)
        return order

    async def undo(self, order: Order, errand: Errand, step: Step) -> tuple[Order, bool]:
        """As the saga's, also without it: of a dead letter whose card may have been charged."""
        return await self._saga.undo(order, errand, step)

    async def _pay(self, order: Order, step: Step) -> Order:
        desk = self.desk
        await self._legs.charge(order, step)
        await fault_points.reach("after-charge-before-save", order=order.id)
        order = await desk.book.move(order, Status.PAID, step)
        desk.narration.paid(order, step.by)
        return order

    async def _ship(self, order: Order, step: Step) -> Order:
        desk = self.desk
        shipment_id = await self._legs.hand_over(order, step)
        await fault_points.reach("after-ship-before-confirm", order=order.id)
        order = await desk.book.ship(order, shipment_id, step)
        desk.narration.shipped(order, step.by)
        return order


def _again(step: Step) -> str:
    return "" if step.actor == CHECKOUT else step.actor
