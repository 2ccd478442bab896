"""Retry: an order that was not paid, or paid and not shipped, is brought to its end; safe to repeat after any death.

What makes it safe: the key and the PENDING line are on the disk before payment is asked; a capture of this order that
lives already, or money that is held for it, is adopted instead of charging; payment and shipping get the same key, so a
lost answer is asked for again; a shipment that lives already is adopted too; the final answer is stored in the
transaction of the last step.
"""

from dataclasses import replace

from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.gateway import Authorisation, keyed
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.status import PAYABLE, Status

KIND = "retry"
PAYMENT_DECLINED = "payment_declined"


class WrongState(Exception):
    """The order is in a status from which this act is not possible."""


class Unfinished(Exception):
    """A service gave no answer; the same key may be sent again."""


class Retry:
    """Retries orders; the caller holds the order's lock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self, order_id: str, by: Correlation) -> Order:
        """The order as this key leaves it; UnknownOrder, KeyReused, WrongState, Unfinished."""
        desk, key = self._desk, by.idempotency_key
        order = await desk.book.order(order_id)
        if answer := await desk.book.key_answer(key, KIND, order_id):
            return answer
        step = Step(KIND, replace(by, order_id=order_id))
        if order.status in PAYABLE:
            await desk.book.open_key(key, KIND, order_id)
            order = await self._pay(order, step)
        elif order.status is not Status.PAID or order.shipment_id is not None:
            raise WrongState(f"Order {order_id} is {order.status}, there is nothing to retry.")
        if order.status is not Status.PAID:
            return order
        await desk.book.open_key(key, KIND, order_id)
        return await self._ship(order, step)

    async def _pay(self, order: Order, step: Step) -> Order:
        desk = self._desk
        if order.status is not Status.PENDING:
            order = await desk.book.move(order, Status.PENDING, step, "retry")
            desk.narration.moved(order, step.by)
        try:
            if adopted := await self._adopted(order, step.by):
                desk.narration.adopted(order, adopted, step.by)
                order = await desk.book.move(order, Status.PAID, step, f"adopted capture {adopted}")
                desk.narration.paid(order, step.by)
                return order
            desk.narration.paying(order, step.by)
            answer = await self._authorise(order, step.by)
        except NoAnswer as cause:
            desk.narration.payment_failed(order, cause, step.by)
            if await desk.book.store.errand(order.id) is not None:
                # The queue goes on with it: it has not failed.
                raise Unfinished(f"Payment service unavailable for order {order.id}") from cause
            failed = await desk.book.move(order, Status.PAYMENT_FAILED, step, cause.text)
            desk.narration.moved(failed, step.by)
            raise Unfinished(f"Payment service unavailable for order {order.id}") from cause
        desk.narration.answered(order, answer.authorised, answer.message, step.by)
        if not answer.authorised:
            order = await desk.book.move(order, Status.CANCELLED, step, PAYMENT_DECLINED, closes_key=True)
            desk.narration.moved(order, step.by)
            return order
        order = await desk.book.move(order, Status.PAID, step)
        desk.narration.paid(order, step.by)
        return order

    async def _adopted(self, order: Order, by: Correlation) -> str:
        """The charge that is this order's money already, taken now where it was only held; empty without one."""
        money = await self._desk.payment.standing(order.id, by)
        if money.captures or not money.holds:
            return money.captures[0].charge_id if money.captures else ""
        await self._desk.payment.capture(money.holds[0], order.id, keyed(order, by, money.voided))
        return money.holds[0]

    async def _authorise(self, order: Order, by: Correlation) -> Authorisation:
        desk = self._desk
        if not desk.is_keyed:
            return await desk.payment.authorise(order, by)
        # The order's own key: a call of its checkout that is still on its way charges the same once.
        answer = await desk.payment.authorise(order, keyed(order, by))
        if answer.authorised and not (await desk.payment.standing(order.id, by)).captures:
            # The stored answer is of a charge that was given back meanwhile.
            answer = await desk.payment.authorise(order, by)
        return answer

    async def _ship(self, order: Order, step: Step) -> Order:
        desk = self._desk
        try:
            alive = await desk.shipping.live_shipments(order.id, step.by)
            shipment_id = alive[0] if alive else await desk.shipping.ship(order, step.by)
        except NoAnswer as cause:
            desk.narration.not_shipped(order, cause, step.by)
            raise Unfinished(f"Shipping service unavailable for order {order.id}") from cause
        order = await desk.book.ship(order, shipment_id, step)
        desk.narration.shipped(order, step.by)
        return order
