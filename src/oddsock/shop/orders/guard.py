"""What stands between orders and a dependency: retry, breaker, limiter, each only when its switch is on.

From outside in: retry -> breaker -> limiter -> the call. Without any of them a call is made as it is.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from oddsock.kit.clock import Clock
from oddsock.shop.calls import OPEN, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.backoff import Backoff
from oddsock.shop.orders.breaker import Breaker
from oddsock.shop.orders.gateway import Authorisation, Capture, Held, Payment, Standing
from oddsock.shop.orders.limiter import Limiter
from oddsock.shop.orders.order import Order
from oddsock.shop.orders.parcels import Shipping

T = TypeVar("T")
Call = Callable[[], Awaitable[T]]


class Guard:
    """The guard of one dependency; *is_up* says whether the last call that was made got an answer."""

    def __init__(
        self,
        clock: Clock,
        breaker: Breaker | None = None,
        limiter: Limiter | None = None,
        backoff: Backoff | None = None,
        deadline_wall_s: float = 0.0,
    ) -> None:
        self.breaker = breaker
        self.limiter = limiter
        self.is_up = False
        self.on_return: Callable[[], None] = lambda: None
        self._clock = clock
        self._backoff = backoff
        self._deadline_wall_s = deadline_wall_s

    async def run(self, call: Call[T]) -> T:
        """The outcome of *call*, made again while the deadline allows when there is a *backoff*.

        NoAnswer is the last cause, or an earlier one after which something may have happened: that doubt stays.
        """
        if self._backoff is None:
            return await self._once(call)
        end_s = self._clock.monotonic() + self._deadline_wall_s
        attempts = 0
        doubt: NoAnswer | None = None
        while True:
            try:
                return await self._once(call)
            except NoAnswer as cause:
                attempts += 1
                doubt = doubt if doubt is not None or cause.is_harmless else cause
                pause_s = self._backoff.pause_s(attempts, cause.retry_after_s)
                if cause.is_final or self._clock.monotonic() + pause_s / self._clock.speed >= end_s:
                    if doubt is not None and not cause.is_final:
                        raise doubt from cause
                    raise
            await self._clock.sleep(pause_s)

    async def _once(self, call: Call[T]) -> T:
        is_probe = self.breaker.admit() if self.breaker is not None else False
        has_ended = False
        try:
            outcome = await self._limited(call)
            has_ended = True
            if self.breaker is not None:
                self.breaker.succeed(is_probe)
        except NoAnswer as cause:
            has_ended = True
            self._failed(cause, is_probe)
            raise
        finally:
            if not has_ended and is_probe and self.breaker is not None:
                self.breaker.fail(was_probe=True)
        self._came_back()
        return outcome

    async def _limited(self, call: Call[T]) -> T:
        if self.limiter is None:
            return await call()
        given = await self.limiter.enter()
        failure: NoAnswer | None = None
        try:
            return await call()
        except NoAnswer as cause:
            failure = cause
            raise
        finally:
            self.limiter.leave(given, failure)

    def _failed(self, cause: NoAnswer, is_probe: bool) -> None:
        if cause.kind != OPEN and not cause.is_final:
            self.is_up = False
        if self.breaker is None:
            return
        if cause.is_final or (self.limiter is not None and cause.is_overload):
            # It answers; what was asked is wrong, or too much, which the limiter sees to.
            self.breaker.succeed(is_probe)
        elif cause.kind != OPEN or is_probe:
            self.breaker.fail(is_probe)

    def _came_back(self) -> None:
        if not self.is_up:
            self.is_up = True
            self.on_return()


class GuardedPayment:
    """Payment behind a guard; looking and giving back are never tried again here, their callers do that."""

    def __init__(self, payment: Payment, guard: Guard) -> None:
        self._payment = payment
        self._guard = guard

    async def authorise(self, order: Order, by: Correlation) -> Authorisation:
        """As payment's; NoAnswer also when the guard makes no call."""
        return await self._guard.run(lambda: self._payment.authorise(order, by))

    async def hold(self, order: Order, by: Correlation) -> Held | None:
        """As payment's; NoAnswer also when the guard makes no call."""
        return await self._guard.run(lambda: self._payment.hold(order, by))

    async def capture(self, charge_id: str, order_id: str, by: Correlation) -> None:
        """As payment's; NoAnswer also when the guard makes no call."""
        await self._guard.run(lambda: self._payment.capture(charge_id, order_id, by))

    async def void(self, charge_id: str, reason: str, by: Correlation) -> None:
        """As payment's."""
        await self._payment.void(charge_id, reason, by)

    async def standing(self, order_id: str, by: Correlation) -> Standing:
        """As payment's."""
        return await self._payment.standing(order_id, by)

    async def refund(self, capture: Capture, reason: str, by: Correlation) -> None:
        """As payment's."""
        await self._payment.refund(capture, reason, by)


class GuardedShipping:
    """Shipping behind a guard."""

    def __init__(self, shipping: Shipping, guard: Guard) -> None:
        self._shipping = shipping
        self._guard = guard

    async def ship(self, order: Order, by: Correlation) -> str:
        """As shipping's; NoAnswer also when the guard makes no call."""
        return await self._guard.run(lambda: self._shipping.ship(order, by))

    async def live_shipments(self, order_id: str, by: Correlation) -> list[str]:
        """As shipping's."""
        return await self._shipping.live_shipments(order_id, by)

    async def recall(self, shipment_id: str, by: Correlation) -> None:
        """As shipping's."""
        await self._shipping.recall(shipment_id, by)
