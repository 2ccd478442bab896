"""The legs of an order, one call each: charge or hold, hand the parcel over, capture; and what it is to stall."""

from dataclasses import dataclass

from oddsock.shop import fault_points
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.gateway import Authorisation, Held, Standing, keyed
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Step

CHECKOUT = "checkout"
"""The actor of an order's first way through; every other actor comes after somebody."""


class Stalled(Exception):
    """*order* could not go on at *leg* (authorise, ship, confirm) because of *cause*."""

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


@dataclass(frozen=True, slots=True)
class Legs:
    """The calls that an order needs of payment and shipping; Stalled where no answer comes, Declined."""

    desk: Desk

    async def charge(self, order: Order, step: Step) -> None:
        """Take the money in one step."""
        self.desk.narration.paying(order, step.by)
        try:
            await fault_points.reach("before-authorise", order=order.id)
            answer = await self.desk.payment.authorise(order, self._by(order, step))
        except NoAnswer as cause:
            raise Stalled(order, "authorise", cause) from cause
        await self._hear(answer, order, step)

    async def hold(self, order: Order, step: Step, voided: int) -> str:
        """The charge that the order's money is held by; empty where payment could only take it, and took it."""
        self.desk.narration.paying(order, step.by)
        by = self._by(order, step, voided)
        try:
            await fault_points.reach("before-authorise", order=order.id)
            held = await self.desk.payment.hold(order, by)
            answer = held or await self.desk.payment.authorise(order, by)
        except NoAnswer as cause:
            raise Stalled(order, "authorise", cause) from cause
        await self._hear(answer, order, step)
        return held.charge_id if held else ""

    async def _hear(self, answer: Authorisation | Held, order: Order, step: Step) -> None:
        await fault_points.reach("after-authorise", order=order.id)
        self.desk.narration.answered(order, answer.authorised, answer.message, step.by)
        if not answer.authorised:
            raise Declined(order, answer.message)

    async def hand_over(self, order: Order, step: Step) -> str:
        """The id of the parcel that shipping accepted."""
        try:
            await fault_points.reach("after-save-before-ship", order=order.id)
            return await self.desk.shipping.ship(order, self._by(order, step))
        except NoAnswer as cause:
            raise Stalled(order, "ship", cause) from cause

    async def capture(self, order: Order, charge_id: str, step: Step) -> None:
        """Take the money that *charge_id* holds."""
        try:
            await fault_points.reach("before-capture", order=order.id)
            await self.desk.payment.capture(charge_id, order.id, keyed(order, step.by))
        except NoAnswer as cause:
            raise Stalled(order, "confirm", cause) from cause

    async def let_go(self, order: Order, charge_id: str, step: Step) -> None:
        """Void what an order without a key of its own had held twice."""
        try:
            await self.desk.payment.void(charge_id, "held twice", keyed(order, step.by))
        except NoAnswer as cause:
            raise Stalled(order, "confirm", cause) from cause

    async def money(self, order: Order, step: Step) -> Standing:
        """How the order's money stands by payment's book."""
        try:
            return await self.desk.payment.standing(order.id, step.by)
        except NoAnswer as cause:
            raise Stalled(order, "authorise", cause) from cause

    async def parcel(self, order: Order, step: Step) -> str:
        """The parcel that is under way already; empty without one."""
        try:
            alive = await self.desk.shipping.live_shipments(order.id, step.by)
        except NoAnswer as cause:
            raise Stalled(order, "ship", cause) from cause
        return alive[0] if alive else ""

    def _by(self, order: Order, step: Step, voided: int = 0) -> Correlation:
        return keyed(order, step.by, voided) if self.desk.is_keyed else step.by
