"""Odd socks as they are now: the drill's own checks over the shop's books, read through its services.

Customers' own pages and their carts are not read: only a drill has customers whose pages it may open. What those two
books would show is therefore not counted here, and the page says so.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from oddsock.clients.sockshop.books import with_journal_status
from oddsock.clients.sockshop.shop import Shop
from oddsock.drill.account import Books, account_books, judge_ledger, uncollected
from oddsock.drill.course import Course
from oddsock.drill.evidence_files import CLUSTER_BOOKS, SHOP_BOOKS, BookEvidence, Evidence
from oddsock.drill.posting import build_ledger
from oddsock.drill.verdict import Outcome
from oddsock.kit.clock import Clock, instant, iso
from oddsock.kit.errors import OddsockError

READ = ("orders", "journal", "charges", "shipments", "notices", "customers")
"""The books that are read."""

NOT_READ = "it is not read for this page"

SETTLE_S = 30.0
"""Plan seconds an order may take to settle, as a drill allows; never less than SETTLE_WALL_S_MIN."""

SETTLE_WALL_S_MIN = 2.0

SHOWN_MAX = 10
"""How many odd orders are listed, the newest first."""

T = TypeVar("T")


class OddOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One odd order: the class that heads it, one sentence of why, and whether it may still settle."""

    order_id: str
    status: str
    headline: str
    sentence: str
    at: str
    is_settling: bool


class OddCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many of *orders* are *odd*, *settling* of them perhaps not for long; *missing* books and why.

    *looked_at* is when, *took_s* how many wall seconds it took; *problem* says why there is no count.
    """

    looked_at: str
    took_s: float
    orders: int = 0
    odd: int = 0
    settling: int = 0
    by_class: dict[str, int] = {}
    by_status: dict[str, int] = {}
    newest: list[OddOrder] = []
    missing: dict[str, str] = {}
    problem: str = ""


async def count_odd(shop: Shop, clock: Clock, wall_s: float, is_broken: bool) -> OddCount:
    """Look at the books of *shop* within *wall_s* wall seconds; while something *is_broken* nothing has settled.

    Without the orders, or when the time is over, there is no count and *problem* says why.
    """
    began_s, now = clock.monotonic(), clock.now()
    evidence = await _read(shop, iso(now), wall_s)
    took_s = clock.monotonic() - began_s
    if evidence.orders.missing:
        return OddCount(looked_at=iso(now), took_s=took_s, problem=evidence.orders.missing)
    young = timedelta(seconds=max(SETTLE_S / clock.speed, SETTLE_WALL_S_MIN))
    judged = await asyncio.to_thread(judge, evidence, now - young, is_broken)
    return msgspec.structs.replace(judged, looked_at=iso(now), took_s=round(clock.monotonic() - began_s, 3))


def judge(evidence: Evidence, young_from: datetime, is_broken: bool) -> OddCount:
    """The count of *evidence*; what changed after *young_from* may still settle; pure."""
    with uncollected():
        books = judge_ledger(build_ledger(evidence, Course(attempts=[])))
        account = account_books(books)
    settle = {result.id for result in books.results if result.kind == "settle"}
    odd = [_describe(one, books, settle, young_from, is_broken) for one in account.outcomes if one.kind == "odd"]
    odd.sort(key=lambda one: one.at, reverse=True)
    return OddCount(
        looked_at="",
        took_s=0.0,
        orders=len(evidence.orders.rows),
        odd=len(odd),
        settling=sum(one.is_settling for one in odd),
        by_class=dict(Counter(one.headline for one in odd).most_common()),
        by_status=dict(Counter(order.status or "no status" for order in evidence.orders.rows).most_common()),
        newest=odd[:SHOWN_MAX],
        missing={name: getattr(evidence, name).missing for name in READ if getattr(evidence, name).missing},
    )


def _describe(outcome: Outcome, books: Books, settle: set[str], young_from: datetime, is_broken: bool) -> OddOrder:
    row = books.ledger.row_of(outcome.order_id)
    at = max((change.at for change in row.history), default="") if row else ""
    at = at or (row.order.placed_at if row and row.order else "")
    is_open = is_broken or (bool(at) and instant(at) > young_from)
    return OddOrder(
        order_id=outcome.order_id,
        status=row.status if row else "",
        headline=outcome.headline,
        sentence=outcome.findings[0].sentence,
        at=at,
        is_settling=is_open and all(finding.check in settle for finding in outcome.findings),
    )


async def _read(shop: Shop, at: str, wall_s: float) -> Evidence:
    readers: dict[str, Awaitable[Sequence[Any]]] = {name: getattr(shop, name)() for name in READ}
    found = await asyncio.gather(*(_within(reader, wall_s) for reader in readers.values()))
    read = dict(zip(readers, found, strict=True))

    def book(name: str) -> BookEvidence[Any]:
        rows, missing = read.get(name, ((), NOT_READ))
        return BookEvidence(book=name, phase="after-heal", rows=list(rows), taken_at=at, missing=missing)

    books = {name: book(name) for name in (*SHOP_BOOKS, *CLUSTER_BOOKS)}
    whole = with_journal_status(books["orders"].rows, books["journal"].rows)
    books["orders"] = msgspec.structs.replace(books["orders"], rows=whole)
    return Evidence(phase="after-heal", **books)  # type: ignore[arg-type]  # every field that is named is a book


async def _within(reader: Awaitable[Sequence[T]], wall_s: float) -> tuple[Sequence[T], str | None]:
    """The rows of a book, or why there are none."""
    try:
        async with asyncio.timeout(wall_s):
            return await reader, None
    except TimeoutError:
        return (), f"no whole answer within {wall_s:g} s"
    except OddsockError as error:
        return (), error.sentence
