"""Whether the card was charged, as payment's book has it; and when nobody can know yet, that too.

The book is asked by order and by request. What counts as certain: a capture in the book; a decline; a connection that
the kernel refused, for then nothing was asked; a readable book without a capture once the call can no longer be on its
way. Everything else is `unknown`, and stays so until the book can be read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from oddsock.shop.calls import NoAnswer
from oddsock.shop.customer_texts import Charged
from oddsock.shop.front_end.desk import ORDERS, FrontDesk

PAYMENT = "http://payment"
QUEUE_ROWS = 64

BOOK_WALL_S_MAX = 1.5
"""How long a customer waits for a look into a book, in wall seconds; then it is unknown."""

ON_ITS_WAY_WALL_S = 15.0
"""How long after its last step an unanswered charge may still arrive, in wall seconds: two deadlines and the loss."""

HARMLESS = "no try had an effect"
"""The cause that stands for a parked order's tries when orders knows that none of them had an effect."""

NEVER_ASKED = (
    HARMLESS,
    "Connection refused",
    "the circuit breaker of payment",
    "too many orders wait for payment",
    "no room for a call to payment",
)
"""Causes, by how they begin, after which payment cannot have charged: nobody listened, or nobody asked."""

ENDED = "the attempt ended"
"""The cause of an attempt that left no order and whose services all answered or refused."""

ANSWERED = (ENDED, "payment answered", "payment declined", "payment_declined")
"""Causes that are an answer: payment is done with it, and its book says what it did."""

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Money:
    """What is known: *charged*, the cents that stand captured, and the order that the book names."""

    charged: Charged
    captured_cents: int = 0
    order_id: str = ""


def money_of(rows: Rows | None, reason: str, is_settled: bool = False) -> Money:
    """What *rows* of payment's book (None: could not be read) say of an order whose last failure was *reason*.

    *is_settled* says that no charge can be on its way any more.

    >>> money_of([], "Read timed out").charged, money_of(None, "Connection refused").charged
    (<Charged.UNKNOWN: 'unknown'>, <Charged.NO: 'no'>)
    """
    if rows is None:
        return Money(Charged.NO if reason.startswith(NEVER_ASKED) else Charged.UNKNOWN)
    total = {kind: sum(int(row["amount_cents"]) for row in rows if row["kind"] == kind) for kind in _KINDS}
    left_cents = total["capture"] - total["refund"] - total["void"]
    order_id = next((str(row["order_id"]) for row in rows if row["order_id"]), "")
    if left_cents > 0:
        return Money(Charged.YES, left_cents, order_id)
    if total["capture"]:
        return Money(Charged.REFUNDED, 0, order_id)
    is_certain = is_settled or reason.startswith((*NEVER_ASKED, *ANSWERED))
    is_certain = is_certain or any(row["kind"] == "decline" for row in rows)
    return Money(Charged.NO if is_certain else Charged.UNKNOWN, 0, order_id)


_KINDS = ("capture", "refund", "void")


class Books:
    """The looks into other services' books that a page needs, each with a deadline; None when there was no answer."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def charges(self, request: web.Request, order_id: str = "", request_id: str = "") -> Rows | None:
        """Payment's rows of an order, or of a request when no order is known."""
        if not (order_id or request_id):
            return []
        asked = f"order={quote(order_id, safe='')}" if order_id else f"request={quote(request_id, safe='')}"
        found = await self._read(request, f"{PAYMENT}/charges?{asked}&limit=1000", "charges")
        # A book that knows no such filter would answer with strangers' rows.
        name, value = ("order_id", order_id) if order_id else ("request_id", request_id)
        return None if found is None else [row for row in found if row.get(name) == value]

    async def order(self, request: web.Request, order_id: str) -> dict[str, Any] | None:
        """The order as orders shows it; None when it is unknown or orders is away."""
        if not order_id:
            return None
        answer = await self._get(request, f"{ORDERS}/orders/{quote(order_id, safe='')}")
        return answer if isinstance(answer, dict) else None

    async def journal(self, request: web.Request, order_id: str) -> Rows | None:
        """The status changes of an order, oldest first."""
        return await self._read(request, f"{ORDERS}/journal?order={quote(order_id, safe='')}&limit=1000", "changes")

    async def parked_reason(self, request: web.Request, order_id: str) -> str:
        """HARMLESS when the order is parked and orders knows that no try of it had an effect, else nothing."""
        if not order_id:
            return ""
        # The queue is in the order of ids, and few share all but the last character.
        url = f"{ORDERS}/queue?after={quote(order_id[:-1], safe='')}&limit={QUEUE_ROWS}"
        rows = await self._read(request, url, "parked") or []
        mine = next((row for row in rows if row.get("order_id") == order_id), None)
        return HARMLESS if mine is not None and mine.get("uncertain") is False else ""

    async def _read(self, request: web.Request, url: str, name: str) -> Rows | None:
        document = await self._get(request, url)
        rows = document.get(name) if isinstance(document, dict) else None
        return rows if isinstance(rows, list) else None

    async def _get(self, request: web.Request, url: str) -> object:
        try:
            async with asyncio.timeout(BOOK_WALL_S_MAX):
                answer = await self._desk.call(request, "GET", url)
            return answer.read(object) if answer.status == 200 else None
        except (TimeoutError, NoAnswer):
            return None
