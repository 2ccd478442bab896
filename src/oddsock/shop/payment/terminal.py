"""Who decides a payment. `OwnTerminal`: payment itself, by its limit; gateway_terminal has the other."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.correlation import Correlation
from oddsock.shop.fault_points import reach
from oddsock.shop.payment.book import PaymentBook, Refund
from oddsock.shop.payment.decision import Asked, Authorisation, Held, decide

T = TypeVar("T")


class Terminal(Protocol):
    """Takes money, holds it, gives it back, and writes each of these into payment's book."""

    async def pay(self, asked: Asked, by: Correlation, fingerprint: str) -> Authorisation:
        """Authorise and capture in one step; KeyReused, NoAnswer."""
        ...

    async def hold(self, asked: Asked, by: Correlation, fingerprint: str) -> Held:
        """Authorise and capture nothing; KeyReused, NoAnswer."""
        ...

    async def capture(
        self, charge_id: str, amount_cents: int, by: Correlation, fingerprint: str
    ) -> tuple[Charge, bool]:
        """Take what was held; UnknownCharge, WrongState, KeyReused, NoAnswer."""
        ...

    async def void(self, charge_id: str, reason: str, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """Let go of what was held; UnknownCharge, WrongState, KeyReused, NoAnswer."""
        ...

    async def refund(self, refund: Refund, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """Give back what was captured; UnknownCharge, OverRefund, KeyReused, NoAnswer."""
        ...


class OwnTerminal:
    """Payment decides by its limit, and what it decides is in the book with the decision."""

    def __init__(self, book: PaymentBook, limit: float) -> None:
        self._book = book
        self._limit = limit

    async def pay(self, asked: Asked, by: Correlation, fingerprint: str) -> Authorisation:
        """As the original's paymentAuth."""
        return await self._written(by, lambda: self._book.settle(asked, self._decide(asked), by, fingerprint))

    async def hold(self, asked: Asked, by: Correlation, fingerprint: str) -> Held:
        """An authorisation alone."""
        return await self._written(by, lambda: self._book.hold(asked, self._decide(asked), by, fingerprint))

    async def capture(
        self, charge_id: str, amount_cents: int, by: Correlation, fingerprint: str
    ) -> tuple[Charge, bool]:
        """The capture's row."""
        return await self._written(by, lambda: self._book.capture(charge_id, amount_cents, by, fingerprint))

    async def void(self, charge_id: str, reason: str, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The void's row."""
        return await self._written(by, lambda: self._book.void(charge_id, reason, by, fingerprint))

    async def refund(self, refund: Refund, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The refund's row."""
        return await self._written(by, lambda: self._book.refund(refund, by, fingerprint))

    def _decide(self, asked: Asked) -> Authorisation:
        return decide(asked.amount, self._limit)

    async def _written(self, by: Correlation, write: Callable[[], T]) -> T:
        await reach("before-book", order=by.order_id, request_id=by.request_id)
        outcome = write()
        await reach("after-book", order=by.order_id, request_id=by.request_id)
        return outcome
