"""Checkout in profile `incident-3`: CREATED, PENDING, then PAID and shipped, or PAYMENT_FAILED.

Each status is on the disk before the next step. PAID is saved before shipping is asked, so that a failing shipping
leaves a PAID order without a shipment; nothing is tried twice and nothing is compensated, as in the shop of the report.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from oddsock.kit.clock import Clock
from oddsock.shop.calls import TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.book import OrdersBook
from oddsock.shop.orders.gateway import Payment
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.order import Order, total_of
from oddsock.shop.orders.parcels import Shipping
from oddsock.shop.orders.records import Step
from oddsock.shop.orders.status import Status
from oddsock.shop.wire import java_date

ILLEGAL_STATE = "java.lang.IllegalStateException"
IO_ERROR = "Unable to create order due to unspecified IO error."
TIMEOUT = "Unable to create order due to timeout from one of the services."
DECLINED = "works.weave.socks.orders.controllers.OrdersController$PaymentDeclinedException"


class OrderRefused(Exception):
    """An order request that ends without success: the answer's status, exception name and message."""

    def __init__(self, status: int, exception: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.exception = exception
        self.message = message


class BasketSource(Protocol):
    """Where a basket comes from."""

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """The basket behind *links*; NoAnswer."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What checkout, retry and cancel work with."""

    book: OrdersBook
    payment: Payment
    shipping: Shipping
    narration: Narration
    clock: Clock


class Intake:
    """What every profile begins with: a request made an order, and a missing answer made a refusal."""

    def __init__(self, desk: Desk, baskets: BasketSource, float32_totals: bool) -> None:
        self._desk = desk
        self._baskets = baskets
        self._float32_totals = float32_totals

    async def order(self, order_id: str, links: Links, by: Correlation) -> Order:
        """The order of what stands in the cart, stored nowhere yet; OrderRefused 500 when a service is silent."""
        self._desk.narration.fetching(by)
        try:
            basket = await self._baskets.fetch(links, by)
        except NoAnswer as cause:
            raise self.refusal(cause, by) from cause
        self._desk.narration.fetched(by)
        total, total_cents = total_of(basket.items, self._float32_totals)
        return Order(
            id=order_id,
            customer_id=basket.customer_id,
            customer=basket.customer,
            address=basket.address,
            card=basket.card,
            items=basket.items,
            total=total,
            total_cents=total_cents,
            placed_at=java_date(self._desk.clock.now()),
            status=Status.CREATED,
            email=basket.email,
        )

    def refusal(self, cause: NoAnswer, by: Correlation, message: str = IO_ERROR) -> OrderRefused:
        """The 500 for *cause*: the time-out's own text, else *message*; the log gets it, too."""
        said = TIMEOUT if cause.kind == TIMED_OUT else message
        self._desk.narration.threw(ILLEGAL_STATE, said, cause, by)
        return OrderRefused(500, ILLEGAL_STATE, said)


class Checkout:
    """Places orders."""

    def __init__(self, desk: Desk, baskets: BasketSource, float32_totals: bool) -> None:
        self._desk = desk
        self._intake = Intake(desk, baskets, float32_totals)

    async def place(self, order_id: str, links: Links, by: Correlation) -> Order:
        """A new order of what stands in the cart, paid and shipped; OrderRefused 406 when declined, 500 otherwise."""
        order = await self._intake.order(order_id, links, by)
        # The legacy call to payment carries no key: two attempts are two charges.
        step = Step("checkout", replace(by, order_id=order.id, idempotency_key=""))
        desk = self._desk
        await desk.book.create(order, step)
        desk.narration.created(order, step.by)
        order = await desk.book.move(order, Status.PENDING, step)
        desk.narration.moved(order, step.by)
        order = await self._pay(order, step)
        return await self._ship(order, step)

    async def _pay(self, order: Order, step: Step) -> Order:
        desk = self._desk
        desk.narration.paying(order, step.by)
        try:
            answer = await desk.payment.authorise(order, step.by)
        except NoAnswer as cause:
            desk.narration.payment_failed(order, cause, step.by)
            failed = await desk.book.move(order, Status.PAYMENT_FAILED, step, cause.text)
            desk.narration.moved(failed, step.by)
            unavailable = f"Payment service unavailable for order {order.id}"
            raise self._intake.refusal(cause, step.by, unavailable) from cause
        desk.narration.answered(order, answer.authorised, answer.message, step.by)
        if not answer.authorised:
            declined = f"payment declined: {answer.message.removeprefix('Payment declined: ')}"
            desk.narration.moved(await desk.book.move(order, Status.PAYMENT_FAILED, step, declined), step.by)
            raise OrderRefused(406, DECLINED, answer.message)
        order = await desk.book.move(order, Status.PAID, step)
        desk.narration.paid(order, step.by)
        return order

    async def _ship(self, order: Order, step: Step) -> Order:
        desk = self._desk
        try:
            shipment_id = await desk.shipping.ship(order, step.by)
        except NoAnswer as cause:
            desk.narration.not_shipped(order, cause, step.by)
            raise self._intake.refusal(cause, step.by) from cause
        order = await desk.book.ship(order, shipment_id, step)
        desk.narration.shipped(order, step.by)
        return order
