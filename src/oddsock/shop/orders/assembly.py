"""How orders is put together: the book, the calls with their guards, checkout, queue and postman, by the switches."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from oddsock.kit.clock import Clock
from oddsock.shop.calls import Lines, call_wall_s
from oddsock.shop.exposition import Counter, Gauge
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.basket import Baskets
from oddsock.shop.orders.book import OrdersBook
from oddsock.shop.orders.breaker import Breaker, State, Told
from oddsock.shop.orders.checkout import BasketSource, Checkout
from oddsock.shop.orders.desk import Desk
from oddsock.shop.orders.gateway import Payment, PaymentOverHttp
from oddsock.shop.orders.guard import Guard, GuardedPayment, GuardedShipping
from oddsock.shop.orders.limiter import Limiter
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.parcels import Shipping, ShippingOverHttp
from oddsock.shop.orders.postman import Postman, Send
from oddsock.shop.orders.queue import OrderQueue
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.store import OrdersStore
from oddsock.shop.orders.tally import Tally
from oddsock.shop.work import Work

RETRY_BACKOFF = Backoff(0.2, 2.0)
"""How a call waits between tries while its customer waits for the answer, in plan seconds."""

RETRY_SHARE = 0.8
"""Which share of the time the front-end waits may be spent on trying again."""


@dataclass(slots=True)
class Assembly:
    """orders as this process runs it; *desk* is behind the guards, *by_hand*, of retry and cancel, is not held up."""

    book: OrdersBook
    desk: Desk
    by_hand: Desk
    checkout: Checkout
    work: Work
    remedies: Remedies
    queue: OrderQueue | None = None
    postman: Postman | None = None
    breakers: list[Breaker] = field(default_factory=list)
    metrics: list[Counter | Gauge] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self) -> None:
        """Resume what a dead predecessor left, and start the workers."""
        if self.queue is not None:
            await self.queue.begin()
            self._tasks.append(asyncio.create_task(self.queue.work()))
        if self.postman is not None:
            self._tasks.append(asyncio.create_task(self.postman.work()))

    async def close(self, wall_s: float) -> None:
        """Stop the workers, give what is under way *wall_s* wall seconds, and let the store go."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.queue is not None:
            await self.queue.close(wall_s)
        await self.work.end(wall_s)
        await self.book.close()

    def lease_for(self, wall_s: float) -> None:
        """What queue and postman claim is in their hands for *wall_s* wall seconds."""
        for worker in (self.queue, self.postman):
            if worker is not None:
                worker.lease_wall_s = wall_s

    def breaker_states(self) -> Mapping[str, str]:
        """The state of each breaker, by the name it has in /health."""
        return {f"{breaker.name}-breaker": breaker.state for breaker in self.breakers}


@dataclass(frozen=True, slots=True)
class Doors:
    """The calls to the other services, as they are: over HTTP, or in process for a test."""

    baskets: BasketSource
    payment: Payment
    shipping: Shipping

    @classmethod
    def over_http(cls, lines: Lines) -> "Doors":
        """By Service name."""
        return cls(Baskets(lines.single), PaymentOverHttp(lines), ShippingOverHttp(lines))


def assemble(
    store: OrdersStore,
    doors: Doors,
    narration: Narration,
    clock: Clock,
    remedies: Remedies,
    *,
    tally: Tally | None = None,
    float32_totals: bool = False,
    send: Send | None = None,
) -> Assembly:
    """orders over *store*, with the *remedies* that are on; *send* delivers notices."""
    book = OrdersBook(store, clock, tally, has_history=remedies.event_sourcing, has_notices=remedies.notices)
    changes = Counter("shop_breaker_changes_total", "Changes of circuit breakers.", ("dependency", "to"))

    def told(name: str, before: State, after: State) -> None:
        changes.add((name, after))
        narration.breaker_changed(name, before, after)

    guards = {name: _guard(name, clock, remedies, told) for name in ("payment", "shipping")}
    desk = Desk(
        book,
        GuardedPayment(doors.payment, guards["payment"]),
        GuardedShipping(doors.shipping, guards["shipping"]),
        narration,
        clock,
        remedies.idempotency,
    )
    by_hand = Desk(book, doors.payment, doors.shipping, narration, clock, remedies.idempotency)
    checkout = Checkout(desk, doors.baskets, float32_totals, remedies)
    made = Assembly(book, desk, by_hand, checkout, Work(), remedies)
    if remedies.has_errands:
        made.queue = OrderQueue(desk, checkout.course, checkout.aftermath, made.work, guards["payment"], remedies)
    if remedies.notices and send is not None:
        holder = made.queue.holder if made.queue else "postman"
        made.postman = Postman(store, clock, narration, send, holder)
    made.breakers = [guard.breaker for guard in guards.values() if guard.breaker is not None]
    if made.breakers:
        made.metrics.append(changes)
    made.metrics += _gauges(made.breakers, guards["payment"].limiter)
    return made


def _guard(name: str, clock: Clock, remedies: Remedies, told: Told) -> Guard:
    # With the queue on, a call is tried again by the parked order, which survives the process.
    tries_here = remedies.retry and not remedies.payment_queue
    return Guard(
        clock,
        Breaker(name, clock, told) if remedies.breaker else None,
        Limiter(name, clock) if remedies.release_limiter and name == "payment" else None,
        RETRY_BACKOFF if tries_here else None,
        RETRY_SHARE * call_wall_s(clock.speed, wall_s_min=remedies.call_wall_s_min),
    )


def _gauges(breakers: list[Breaker], limiter: Limiter | None) -> list[Counter | Gauge]:
    made: list[Counter | Gauge] = []
    if breakers:
        numbers = {"closed": 0.0, "half-open": 1.0, "open": 2.0}
        made.append(
            Gauge(
                "shop_breaker_state",
                "0 closed, 1 half-open, 2 open.",
                ("dependency",),
                lambda: {(breaker.name,): numbers[breaker.state] for breaker in breakers},
            )
        )
    if limiter is not None:
        made.append(
            Gauge("shop_payment_limit", "Calls to payment that may be under way.", (), lambda: {(): limiter.limit})
        )
    return made
