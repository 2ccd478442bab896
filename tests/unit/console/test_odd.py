"""Odd socks counted for the page Now: the drill's own checks, and what may still settle."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from oddsock.clients.sockshop.books import Charge, Line, Order, StatusChange
from oddsock.console.odd import OddCount, count_odd
from oddsock.kit.clock import ManualClock, iso
from oddsock.kit.errors import Unreachable

PLACED_AT = "2025-10-30T08:00:00.000Z"


class Books:
    """A shop whose books are lists; a book in *away* cannot be read."""

    def __init__(self, *statuses: str, at: str = PLACED_AT) -> None:
        self.rows: dict[str, list[Any]] = {"orders": [], "journal": [], "charges": []}
        self.away: set[str] = set()
        for n, status in enumerate(statuses):
            self._add(f"o{n}", status, at)

    def _add(self, order_id: str, status: str, at: str) -> None:
        line = Line(item_id="colourful", quantity=1, unit_cents=1500)
        self.rows["orders"].append(
            Order(
                id=order_id,
                customer_id="c1",
                username="rayaan",
                status=status,
                total_cents=1999,
                total_wire=19.99,
                lines=[line],
                shipment_id=None,
                placed_at=at,
            )
        )
        for step in ("CREATED", "PENDING", status):
            seq = len(self.rows["journal"]) + 1
            self.rows["journal"].append(StatusChange(seq=seq, order_id=order_id, status=step, at=at))

    def charge(self, order_id: str, cents: int) -> None:
        """Payment took *cents* for *order_id*."""
        for kind in ("authorisation", "capture"):
            seq = len(self.rows["charges"]) + 1
            self.rows["charges"].append(
                Charge(
                    seq=seq,
                    id=f"{kind}-{order_id}",
                    charge_id=f"authorisation-{order_id}",
                    kind=kind,
                    amount_cents=cents,
                    at=PLACED_AT,
                    customer_id="c1",
                    order_id=order_id,
                )
            )

    def __getattr__(self, name: str) -> Any:
        async def read() -> list[Any]:
            if name in self.away:
                raise Unreachable(name, "http://memory", "Connection refused")
            return self.rows.get(name, [])

        return read


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.fromisoformat("2025-10-30T08:24:00+00:00"), speed=10)


async def look(books: Books, clock: ManualClock, is_broken: bool = False) -> OddCount:
    return await count_odd(books, clock, 5.0, is_broken)  # type: ignore[arg-type]  # it reads as a shop does


async def test_a_shop_in_order_has_none(clock: ManualClock) -> None:
    found = await look(Books(), clock)
    assert (found.orders, found.odd, found.problem) == (0, 0, "")
    assert found.looked_at == iso(clock.now())


async def test_a_paid_order_without_a_charge_is_odd_and_named(clock: ManualClock) -> None:
    found = await look(Books("PAID"), clock)

    assert (found.orders, found.odd) == (1, 1)
    assert found.by_class == {"phantom payment": 1}
    assert found.by_status == {"PAID": 1}
    assert (found.newest[0].order_id, found.newest[0].is_settling) == ("o0", False)


async def test_a_paid_order_that_was_not_sent_may_settle_while_something_is_broken(clock: ManualClock) -> None:
    books = Books("PAID")
    books.charge("o0", 1999)

    healed, broken = await look(books, clock), await look(books, clock, is_broken=True)

    assert (healed.odd, healed.settling) == (1, 0)
    assert (broken.odd, broken.settling) == (1, 1)


async def test_a_young_order_may_still_settle(clock: ManualClock) -> None:
    books = Books("PAID", at=iso(clock.now() - timedelta(seconds=1)))
    books.charge("o0", 1999)

    found = await look(books, clock)

    assert (found.odd, found.settling) == (1, 1)


async def test_a_book_that_cannot_be_read_is_named_and_nothing_is_said_of_it(clock: ManualClock) -> None:
    books = Books("PAID")
    books.away = {"charges"}

    found = await look(books, clock, is_broken=True)

    assert "phantom payment" not in found.by_class
    assert "Connection refused" in found.missing["charges"]


async def test_without_the_orders_there_is_no_count(clock: ManualClock) -> None:
    books = Books("PAID")
    books.away = {"orders"}

    found = await look(books, clock)

    assert "Connection refused" in found.problem
    assert found.odd == 0
