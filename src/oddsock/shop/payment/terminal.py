"""Who decides a payment. `OwnTerminal`: payment itself, by its limit; gateway_terminal has the other."""

from typing import Protocol

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.correlation import Correlation
from oddsock.shop.payment.book import PaymentBook, Refund
from oddsock.shop.payment.decision import Asked, Authorisation, Held, decide


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
        return self._book.settle(asked, decide(asked.amount, self._limit), by, fingerprint)

    async def hold(self, asked: Asked, by: Correlation, fingerprint: str) -> Held:
        """An authorisation alone."""
        return self._book.hold(asked, decide(asked.amount, self._limit), by, fingerprint)

    async def capture(
        self, charge_id: str, amount_cents: int, by: Correlation, fingerprint: str
    ) -> tuple[Charge, bool]:
        """The capture's row."""
        return self._book.capture(charge_id, amount_cents, by, fingerprint)

    async def void(self, charge_id: str, reason: str, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The void's row."""
        return self._book.void(charge_id, reason, by, fingerprint)

    async def refund(self, refund: Refund, by: Correlation, fingerprint: str) -> tuple[Charge, bool]:
        """The refund's row."""
        return self._book.refund(refund, by, fingerprint)
