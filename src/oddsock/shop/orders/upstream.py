"""Checkout in profile `upstream`: pay, ship, save last, as the original does it.

An order that was not paid and shipped is nowhere: no status, no journal, nothing to retry. A death or a failing
shipping after the charge leaves the charge alone; payment's book and the attempt are then all there is of it.
"""

from dataclasses import replace

import msgspec

from oddsock.shop import fault_points
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Links
from oddsock.shop.orders.checkout import DECLINED, BasketSource, Intake, OrderRefused
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.status import Status
from oddsock.shop.wire import java_date

SAVED_LAST = "saved after payment and shipping"
"""The cause of the one line that the journal has of such an order."""


class UpstreamCheckout:
    """Places orders."""

    def __init__(self, desk: Desk, baskets: BasketSource, float32_totals: bool) -> None:
        self._desk = desk
        self._intake = Intake(desk, baskets, float32_totals)

    async def place(self, order_id: str, links: Links, by: Correlation) -> Order:
        """A new order, paid, shipped and then stored; OrderRefused 406 when declined, 500 otherwise: nothing stored."""
        order = await self._intake.order(order_id, links, by)
        # The order's id travels in a header before the order exists: a cancel finds charge and parcel by it.
        step = Step("checkout", replace(by, order_id=order.id, idempotency_key=""))
        await self._pay(order, step.by)
        shipment_id = await self._ship(order, step.by)
        placed_at = java_date(self._desk.clock.now())
        order = msgspec.structs.replace(order, status=Status.PAID, shipment_id=shipment_id, placed_at=placed_at)
        await fault_points.reach("before-create", order=order.id)
        await self._desk.book.save_last(order, step, SAVED_LAST)
        self._desk.narration.saved(order, step.by)
        return order

    async def _pay(self, order: Order, by: Correlation) -> None:
        self._desk.narration.sending(order, by)
        try:
            answer = await self._desk.payment.authorise(order, by)
        except NoAnswer as cause:
            raise self._intake.refusal(cause, by) from cause
        self._desk.narration.received(answer.authorised, answer.message, by)
        if not answer.authorised:
            raise OrderRefused(406, DECLINED, answer.message)

    async def _ship(self, order: Order, by: Correlation) -> str:
        try:
            return await self._desk.shipping.ship(order, by)
        except NoAnswer as cause:
            raise self._intake.refusal(cause, by) from cause
