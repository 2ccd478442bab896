"""The calls to payment: charge, or hold and capture; how an order's money stands; void, refund. NoAnswer without one.

POST /paymentAuth {address, card, customer, amount} as the original; the order's id, the customer's id and the key go in
headers. /authorise, /captures and /voids are ours; a payment without them takes money in one step.
"""

from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote

import msgspec

from oddsock.clients.sockshop.books import Charge
from oddsock.shop.calls import BROKEN, Answer, Lines, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.order import Order

PAYMENT_URL = "http://payment"
PAGE_ROWS = 5000
GONE = 410
"""The status that says, in our own words, that asking again leads to nothing."""


class Authorisation(msgspec.Struct, frozen=True):
    """Payment's answer to paymentAuth."""

    authorised: bool
    message: str = ""


class Held(msgspec.Struct, frozen=True):
    """Payment's answer to authorise: *charge_id* names what may be captured or voided."""

    authorised: bool
    message: str = ""
    charge_id: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture of which *left_cents* are not refunded."""

    charge_id: str
    left_cents: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How the money of one order stands: live *captures*, the charges that are only *held*, how many were *voided*."""

    captures: tuple[Capture, ...] = ()
    holds: tuple[str, ...] = ()
    voided: int = 0


class Payment(Protocol):
    """What orders needs of payment."""

    async def authorise(self, order: Order, by: Correlation) -> Authorisation:
        """Charge the order's total; NoAnswer."""
        ...

    async def hold(self, order: Order, by: Correlation) -> Held | None:
        """Set the order's total aside and take nothing; None where payment takes money in one step only; NoAnswer."""
        ...

    async def capture(self, charge_id: str, order_id: str, by: Correlation) -> None:
        """Take what is held, once; NoAnswer, which is final when nothing is held any more."""
        ...

    async def void(self, charge_id: str, reason: str, by: Correlation) -> None:
        """Let go of what is held, once; NoAnswer."""
        ...

    async def standing(self, order_id: str, by: Correlation) -> Standing:
        """How the order's money stands in payment's book; NoAnswer."""
        ...

    async def refund(self, capture: Capture, reason: str, by: Correlation) -> None:
        """Give back what is left of *capture*; NoAnswer."""
        ...


class _Charges(msgspec.Struct):
    charges: list[Charge]
    next: int | None = None


def standing_of(charges: list[Charge]) -> Standing:
    """What *charges* come to: captures not refunded in full, authorisations neither captured nor voided."""
    left: dict[str, int] = {}
    kinds: dict[str, set[str]] = {}
    for charge in charges:
        kinds.setdefault(charge.charge_id, set()).add(charge.kind)
        if charge.kind == "capture":
            left[charge.charge_id] = left.get(charge.charge_id, 0) + charge.amount_cents
        elif charge.kind == "refund":
            left[charge.charge_id] = left.get(charge.charge_id, 0) - charge.amount_cents
    return Standing(
        captures=tuple(Capture(charge_id, rest) for charge_id, rest in left.items() if rest > 0),
        holds=tuple(one for one, had in kinds.items() if "authorisation" in had and not had & {"capture", "void"}),
        voided=sum("void" in had for had in kinds.values()),
    )


def keyed(order: Order, by: Correlation, voided: int = 0) -> Correlation:
    """*by* under the order's one key: whoever calls for it, however often, the effect is had once.

    What was held and voided is over for good: behind *voided* of those the order has another key.
    """
    return replace(by, idempotency_key=f"order-{order.id}" + (f":{voided + 1}" if voided else ""))


def expect(answer: Answer, who: str, *statuses: int) -> Answer:
    """*answer* when its status is one of *statuses*; NoAnswer naming *who* otherwise."""
    if answer.status not in statuses:
        said = f"{who} answered {answer.status}"
        raise NoAnswer(BROKEN, said, status=answer.status, retry_after_s=answer.retry_after_s)
    return answer


class PaymentOverHttp:
    """Payment by its Service name."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def authorise(self, order: Order, by: Correlation) -> Authorisation:
        """POST /paymentAuth; NoAnswer, also for a 500."""
        return expect(await self._ask(order, by, "paymentAuth"), "payment", 200).read(Authorisation)

    async def hold(self, order: Order, by: Correlation) -> Held | None:
        """POST /authorise; None for a 404 or 405, the answer of a payment that has no such call."""
        answer = await self._ask(order, by, "authorise")
        return None if answer.status in (404, 405) else expect(answer, "payment", 200).read(Held)

    async def _ask(self, order: Order, by: Correlation, what: str) -> Answer:
        body = {
            "address": {"id": None, **msgspec.to_builtins(order.address)},
            "card": {"id": None, **msgspec.to_builtins(order.card)},
            "customer": {"id": None, **msgspec.to_builtins(order.customer), "addresses": [], "cards": []},
            "amount": order.total,
        }
        of_order = replace(by, order_id=order.id, customer_id=order.customer_id)
        return await self._post(what, of_order, body)

    async def _post(self, what: str, by: Correlation, body: object) -> Answer:
        return await self._lines.call(
            "POST", f"{PAYMENT_URL}/{what}", by.onward(), body, keyed=bool(by.idempotency_key)
        )

    async def capture(self, charge_id: str, order_id: str, by: Correlation) -> None:
        """POST /captures; a 409 is looked up: it is fine when the money was taken, and final when it was let go."""
        body = {"charge_id": charge_id, "amount_cents": 0}
        answer = await self._post("captures", by, body)
        if answer.status == 409:
            found = await self.standing(order_id, by)
            if any(capture.charge_id == charge_id for capture in found.captures):
                return
            raise NoAnswer(BROKEN, "payment holds the money no more", status=GONE)
        expect(answer, "payment", 200, 201)

    async def void(self, charge_id: str, reason: str, by: Correlation) -> None:
        """POST /voids under a key of this charge's own; NoAnswer. What payment does not know needs no void."""
        body = {"charge_id": charge_id, "reason": reason}
        keyed = replace(by, idempotency_key=f"{by.idempotency_key}:{charge_id}")
        answer = await self._post("voids", keyed, body)
        expect(answer, "payment", 200, 201, 404)

    async def standing(self, order_id: str, by: Correlation) -> Standing:
        """GET /charges?order=, all pages; NoAnswer."""
        charges: list[Charge] = []
        after: int | None = 0
        while after is not None:
            url = f"{PAYMENT_URL}/charges?order={quote(order_id)}&limit={PAGE_ROWS}&after={after}"
            answer = await self._lines.call("GET", url, replace(by, order_id=order_id).onward())
            page = expect(answer, "payment", 200).read(_Charges)
            charges += page.charges
            after = page.next
        return standing_of(charges)

    async def refund(self, capture: Capture, reason: str, by: Correlation) -> None:
        """POST /refunds under a key of this capture's own; NoAnswer. An over-refund means it was given back already."""
        body = {"charge_id": capture.charge_id, "amount_cents": capture.left_cents, "reason": reason}
        keyed = replace(by, idempotency_key=f"{by.idempotency_key}:{capture.charge_id}:{capture.left_cents}")
        answer = await self._post("refunds", keyed, body)
        expect(answer, "payment", 200, 201, 409)
