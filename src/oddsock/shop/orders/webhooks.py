"""What payment tells orders: POST /webhooks/payment. A webhook is a hint; what payment's book says now is what counts.

An order whose answer was lost is paid and shipped when a capture lives, cancelled when payment declined; every other
order stays as it is, so a webhook that comes twice, late or out of order changes nothing.
"""

from dataclasses import replace

import msgspec
from aiohttp import web

from oddsock.clients.sockshop.books import Charge
from oddsock.shop import wire
from oddsock.shop.calls import NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.checkout import SAID_DECLINED
from oddsock.shop.orders.course import Course
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.legs import Declined, Stalled
from oddsock.shop.orders.notices import DECLINED
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.records import KeyReused, Step, Superseded, UnknownOrder
from oddsock.shop.orders.status import PAYABLE, Status
from oddsock.shop.webhooks.signature import BadSignature, Seal
from oddsock.shop.work import Work

ACTOR = "webhook"
CAPTURE = "payment.capture"
DECLINE = "payment.decline"


class Told(msgspec.Struct, frozen=True):
    """The body of a webhook: *type* is `payment.` and the kind of the row *data*."""

    type: str
    data: Charge


class NotYet(Exception):
    """A service gave no answer, or another process was quicker: the webhook has to come again."""


class PaymentNews:
    """Brings one order to what payment's book says; the caller holds the order's lock. *desk* is not held up."""

    def __init__(self, desk: Desk, has_saga: bool) -> None:
        self._desk = desk
        self._course = Course(desk, has_saga)

    async def hear(self, webhook_id: str, told: Told) -> str:
        """What became of it: paid, cancelled, repeated, nothing to do, unknown order; NotYet."""
        if told.type not in (CAPTURE, DECLINE):
            return "nothing to do"
        book, order_id, key = self._desk.book, told.data.order_id, f"{ACTOR}:{webhook_id}"
        by = replace(Correlation.begun({}), order_id=order_id, idempotency_key=key)
        if told.data.traceparent:
            by = replace(by, traceparent=told.data.traceparent, request_id=told.data.request_id)
        step = Step(ACTOR, by)
        try:
            if await book.key_answer(key, ACTOR, order_id):
                return "repeated"
            order = await book.order(order_id)
            errand = await book.store.errand(order_id)
            if errand is not None and errand.stage == "undo":
                return "nothing to do"
            if order.status in PAYABLE:
                return await self._settle(order, told, step)
            if order.status is Status.PAID and not order.shipment_id and await book.store.is_key_open(key):
                await self._ship(order, step)
                return "paid"
        except UnknownOrder:
            return "unknown order"
        except (NoAnswer, Stalled, Declined) as cause:
            raise NotYet(f"Order {order_id} is not settled yet: {cause}.") from cause
        except Superseded as cause:
            raise NotYet(f"Order {order_id} was changed by somebody else.") from cause
        return "nothing to do"

    async def _settle(self, order: Order, told: Told, step: Step) -> str:
        desk = self._desk
        captures = (await desk.payment.standing(order.id, step.by)).captures
        if captures:
            await desk.book.open_key(step.by.idempotency_key, ACTOR, order.id)
            await self._adopt(order, captures[0].charge_id, step)
            return "paid"
        if told.type == DECLINE and not order.reason.startswith(SAID_DECLINED):
            await desk.book.open_key(step.by.idempotency_key, ACTOR, order.id)
            order = await desk.book.move(order, Status.CANCELLED, step, DECLINED, closes_key=True)
            desk.narration.moved(order, step.by)
            return "cancelled"
        return "nothing to do"

    async def _adopt(self, order: Order, charge_id: str, step: Step) -> None:
        desk = self._desk
        desk.narration.adopted(order, charge_id, step.by)
        if self._course.has_saga:
            # The saga says PAID only when the parcel is accepted, and looks the charge up itself.
            order = await self._course.advance(order, step)
            await desk.book.close_key(step.by.idempotency_key, order)
            return
        if order.status is not Status.PENDING:
            order = await desk.book.move(order, Status.PENDING, step, ACTOR)
            desk.narration.moved(order, step.by)
        order = await desk.book.move(order, Status.PAID, step, f"{ACTOR}: captured {charge_id}")
        desk.narration.paid(order, step.by)
        await self._ship(order, step)

    async def _ship(self, order: Order, step: Step) -> None:
        desk = self._desk
        alive = await desk.shipping.live_shipments(order.id, step.by)
        shipment_id = alive[0] if alive else await desk.shipping.ship(order, step.by)
        order = await desk.book.ship(order, shipment_id, step)
        desk.narration.shipped(order, step.by)


class WebhookApi:
    """The route that payment posts to."""

    def __init__(self, news: PaymentNews, work: Work, seal: Seal) -> None:
        self._news = news
        self._work = work
        self._seal = seal

    async def take(self, request: web.Request) -> web.Response:
        """POST /webhooks/payment: 200 {outcome}, also for one that came before; 400, 401, 422; 503 to be sent again."""
        body = await request.read()
        try:
            webhook_id = self._seal.check(request.headers, body)
            told = msgspec.json.decode(body, type=Told)
        except BadSignature as cause:
            return wire.answer({"error": f"The webhook is refused: {cause}."}, 401)
        except (msgspec.DecodeError, UnicodeDecodeError) as cause:
            return wire.answer({"error": f"The webhook cannot be read: {cause}."}, 400)
        if not told.data.order_id:
            return wire.answer({"outcome": "no order named"})
        try:
            outcome = await self._work.alone(told.data.order_id, self._news.hear(webhook_id, told))
        except KeyReused:
            return wire.answer({"error": "That webhook-id told of another order."}, 422)
        except NotYet as cause:
            return wire.answer({"error": str(cause)}, 503)
        return wire.answer({"outcome": outcome})

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.post("/webhooks/payment", self.take)]
