"""Checkout in profile `incident-3`: CREATED, PENDING, then PAID and shipped, or PAYMENT_FAILED.

Each status is on the disk before the next step. PAID is saved before shipping is asked, so that a failing shipping
leaves a PAID order without a shipment; nothing is tried twice and nothing is compensated, as in the shop of the report.
"""

from dataclasses import replace
from typing import Protocol

from oddsock.shop import fault_points
from oddsock.shop.calls import OPEN, TIMED_OUT, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.aftermath import Aftermath
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.course import Course
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.legs import CHECKOUT, Declined, Stalled
from oddsock.shop.orders.notices import DECLINED as PAYMENT_DECLINED
from oddsock.shop.orders.order import Order, total_of
from oddsock.shop.orders.records import KeyTaken, Request, Step
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.status import Status
from oddsock.shop.wire import java_date
from oddsock.shop.work import Work

ILLEGAL_STATE = "java.lang.IllegalStateException"
IO_ERROR = "Unable to create order due to unspecified IO error."
TIMEOUT = "Unable to create order due to timeout from one of the services."
DECLINED = "works.weave.socks.orders.controllers.OrdersController$PaymentDeclinedException"


SAID_DECLINED = "payment declined"
"""How the reason of an order begins that payment declined while its customer waited."""

REPEATED = "checkout again"
"""The actor of a request that came again under its key."""


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
        """The 500 for *cause*, 503 for a call not made: the time-out's own text, else *message*; logged, too."""
        said = TIMEOUT if cause.kind == TIMED_OUT else message
        self._desk.narration.threw(ILLEGAL_STATE, said, cause, by)
        # A breaker that is open says when to come again; nothing was asked of anybody.
        return OrderRefused(503 if cause.kind == OPEN else 500, ILLEGAL_STATE, said)


class Checkout:
    """Places orders and, under a key that comes again, carries them on."""

    def __init__(
        self, desk: Desk, baskets: BasketSource, float32_totals: bool, remedies: Remedies | None = None
    ) -> None:
        remedies = remedies or Remedies()
        self.course = Course(desk, remedies.saga)
        self.aftermath = Aftermath(desk, remedies)
        self._desk = desk
        self._intake = Intake(desk, baskets, float32_totals)

    async def place(self, order_id: str, links: Links, by: Correlation, request: Request | None = None) -> Order:
        """A new order of what stands in the cart, paid and shipped, or still open and parked.

        OrderRefused 406 when it is declined, 500 or 503 otherwise; KeyTaken, KeyReused by its *request*.
        """
        order = await self._intake.order(order_id, links, by)
        # The legacy call to payment carries no key: two attempts are two charges.
        step = Step(CHECKOUT, replace(by, order_id=order.id, idempotency_key=""))
        try:
            await fault_points.reach("before-create", order=order.id)
        except NoAnswer as cause:
            raise self._intake.refusal(cause, step.by) from cause
        placed = await self._desk.book.place(order, step, *self.course.first_marks, request=request)
        self._desk.narration.created(order, step.by)
        self._desk.narration.moved(placed, step.by)
        return await self._go_on(placed, step)

    async def place_once(self, order_id: str, links: Links, by: Correlation, request: Request, work: Work) -> Order:
        """The one order that *request* stands for, placed now or carried on with; as `place` and `again`."""
        known = await self._desk.book.store.request_order(request.key, request.fingerprint)
        if not known:
            try:
                return await work.alone(order_id, self.place(order_id, links, by, request))
            except KeyTaken as taken:
                known = taken.order_id  # The same request was quicker.
        return await work.alone(known, self.again(known, by))

    async def again(self, order_id: str, by: Correlation) -> Order:
        """What became of the order that this request began before, brought to its end when nobody else does it.

        OrderRefused as `place`, 409 when it is cancelled.
        """
        order = await self._desk.book.order(order_id)
        if order.status is Status.CANCELLED and order.reason != PAYMENT_DECLINED:
            raise OrderRefused(409, ILLEGAL_STATE, f"Order {order_id} is cancelled: {order.reason}.")
        if order.reason.startswith(SAID_DECLINED) or order.status is Status.CANCELLED:
            raise OrderRefused(406, DECLINED, order.reason[:1].upper() + order.reason[1:])
        is_done = order.shipment_id is not None
        if is_done or await self._desk.book.store.errand(order_id) is not None:
            return order
        return await self._go_on(order, Step(REPEATED, replace(by, order_id=order_id, idempotency_key="")))

    async def _go_on(self, order: Order, step: Step) -> Order:
        desk = self._desk
        try:
            return await self.course.advance(order, step)
        except Declined as declined:
            why = f"{SAID_DECLINED}: {declined.message.removeprefix('Payment declined: ')}"
            failed = await desk.book.move(declined.order, Status.PAYMENT_FAILED, step, why)
            desk.narration.moved(failed, step.by)
            raise OrderRefused(406, DECLINED, declined.message) from declined
        except Stalled as stalled:
            return await self._stalled(stalled, step)

    async def _stalled(self, stalled: Stalled, step: Step) -> Order:
        order = await self.aftermath.stalled(stalled, step)
        errand = await self._desk.book.store.errand(order.id)
        if errand is not None and errand.stage == "finish" and not errand.dead:
            return order
        if stalled.leg != "ship":
            unavailable = f"Payment service unavailable for order {order.id}"
            raise self._intake.refusal(stalled.cause, step.by, unavailable) from stalled.cause
        raise self._intake.refusal(stalled.cause, step.by) from stalled.cause
