"""Cancel: recall the shipment, void what is held, refund the capture, CANCELLED; safe to repeat after any death.

Each effect is asked for only while it is still to be had (a live shipment, a live hold or capture), under a key of its
own.
"""

from dataclasses import replace

from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.retry import Unfinished, WrongState
from oddsock.shop.orders.status import NEXT, Status

KIND = "cancel"


class Cancel:
    """Cancels orders; the caller holds the order's lock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self, order_id: str, reason: str, by: Correlation) -> Order:
        """The cancelled order, one that is cancelled as it is; UnknownOrder, KeyReused, WrongState, Unfinished."""
        desk, key = self._desk, by.idempotency_key
        order = await desk.book.order(order_id)
        if answer := await desk.book.key_answer(key, KIND, order_id):
            return answer
        step = Step(KIND, replace(by, order_id=order_id))
        if order.status is Status.CANCELLED:
            await desk.book.open_key(key, KIND, order_id)
            await desk.book.close_key(key, order)
            return order
        if Status.CANCELLED not in NEXT[order.status]:
            raise WrongState(f"Order {order_id} is {order.status} and cannot be cancelled.")
        await desk.book.open_key(key, KIND, order_id)
        try:
            for shipment_id in await desk.shipping.live_shipments(order_id, step.by):
                await desk.shipping.recall(shipment_id, step.by)
            money = await desk.payment.standing(order_id, step.by)
            for charge_id in money.holds:
                await desk.payment.void(charge_id, reason, step.by)
            for capture in money.captures:
                await desk.payment.refund(capture, reason, step.by)
        except NoAnswer as cause:
            raise Unfinished(f"Order {order_id} is not cancelled yet: {cause.text}.") from cause
        order = await desk.book.move(order, Status.CANCELLED, step, reason, closes_key=True)
        desk.narration.moved(order, step.by)
        return order
