"""The calls to payment: authorise, what is captured of an order, refund. NoAnswer when payment gives none.

POST /paymentAuth {address, card, customer, amount} as the original; the order's id, the customer's id and the key go in
headers.
"""

from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote

import aiohttp
import msgspec

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.calls import BROKEN, Answer, NoAnswer, call
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.order import Order

PAYMENT_URL = "http://payment"
PAGE_ROWS = 5000


class Authorisation(msgspec.Struct, frozen=True):
    """Payment's answer to paymentAuth."""

    authorised: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture of which *left_cents* are not refunded."""

    charge_id: str
    left_cents: int


class Payment(Protocol):
    """What orders needs of payment."""

    async def authorise(self, order: Order, by: Correlation) -> Authorisation:
        """Charge the order's total; NoAnswer."""
        ...

    async def live_captures(self, order_id: str, by: Correlation) -> list[Capture]:
        """The captures of an order that are not refunded in full; NoAnswer."""
        ...

    async def refund(self, capture: Capture, reason: str, by: Correlation) -> None:
        """Give back what is left of *capture*; NoAnswer."""
        ...


class _Charges(msgspec.Struct):
    charges: list[Charge]
    next: int | None = None


def live_captures(charges: list[Charge]) -> list[Capture]:
    """The captures among *charges* that are neither voided nor refunded in full."""
    left: dict[str, int] = {}
    for charge in charges:
        if charge.kind == "capture":
            left[charge.charge_id] = left.get(charge.charge_id, 0) + charge.amount_cents
        elif charge.kind == "refund":
            left[charge.charge_id] = left.get(charge.charge_id, 0) - charge.amount_cents
        elif charge.kind == "void":
            left[charge.charge_id] = 0
    return [Capture(charge_id, rest) for charge_id, rest in left.items() if rest > 0]


def keyed(order: Order, by: Correlation) -> Correlation:
    """*by* under the order's one key: whoever calls for it, however often, the effect is had once."""
    return replace(by, idempotency_key=f"order-{order.id}")


def expect(answer: Answer, who: str, *statuses: int) -> Answer:
    """*answer* when its status is one of *statuses*; NoAnswer naming *who* otherwise."""
    if answer.status not in statuses:
        said = f"{who} answered {answer.status}"
        raise NoAnswer(BROKEN, said, status=answer.status, retry_after_s=answer.retry_after_s)
    return answer


class PaymentOverHttp:
    """Payment by its Service name."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def authorise(self, order: Order, by: Correlation) -> Authorisation:
        """POST /paymentAuth; NoAnswer, also for a 500."""
        body = {
            "address": {"id": None, **msgspec.to_builtins(order.address)},
            "card": {"id": None, **msgspec.to_builtins(order.card)},
            "customer": {"id": None, **msgspec.to_builtins(order.customer), "addresses": [], "cards": []},
            "amount": order.total,
        }
        of_order = replace(by, order_id=order.id, customer_id=order.customer_id)
        answer = await call(self._client, "POST", f"{PAYMENT_URL}/paymentAuth", of_order.onward(), body)
        return expect(answer, "payment", 200).read(Authorisation)

    async def live_captures(self, order_id: str, by: Correlation) -> list[Capture]:
        """GET /charges?order=, all pages; NoAnswer."""
        charges: list[Charge] = []
        after: int | None = 0
        while after is not None:
            url = f"{PAYMENT_URL}/charges?order={quote(order_id)}&limit={PAGE_ROWS}&after={after}"
            answer = await call(self._client, "GET", url, replace(by, order_id=order_id).onward())
            page = expect(answer, "payment", 200).read(_Charges)
            charges += page.charges
            after = page.next
        return live_captures(charges)

    async def refund(self, capture: Capture, reason: str, by: Correlation) -> None:
        """POST /refunds under a key of this capture's own; NoAnswer. An over-refund means it was given back already."""
        body = {"charge_id": capture.charge_id, "amount_cents": capture.left_cents, "reason": reason}
        keyed = replace(by, idempotency_key=f"{by.idempotency_key}:{capture.charge_id}:{capture.left_cents}")
        answer = await call(self._client, "POST", f"{PAYMENT_URL}/refunds", keyed.onward(), body)
        expect(answer, "payment", 200, 201, 409)
