"""One loop for every page that follows an order: what it asks, what it tells, what it forgets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import UsageError
from oddsock.shop.front_end.order_face import OrderFace
from oddsock.shop.front_end.status_stream import event_id, seen_by, status_event
from oddsock.shop.front_end.status_watch import AwayError, StatusWatch, TooManyWatchers, poll_wall_s, tail_of


class StillClock(ManualClock):
    """A clock on which a sleeper sleeps for ever: the loop looks once, then only when the test says so."""

    async def sleep(self, plan_s: float) -> None:
        """Never come back."""
        await asyncio.Event().wait()


@dataclass
class Books:
    """The two books in memory; *asked* counts the questions, *is_away* refuses them, *gate* holds an order's back."""

    journal: list[dict[str, Any]] = field(default_factory=list)
    shipments: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    is_away: bool = False
    gate: asyncio.Event | None = None

    def change(self, order_id: str, status: str) -> None:
        """A line of the journal."""
        seq = len(self.journal) + 1
        self.journal.append({"seq": seq, "order_id": order_id, "status": status, "at": f"t{seq}"})

    def parcel(self, order_id: str, event: str = "accepted", parcel: str = "p") -> None:
        """A row of shipping's book."""
        seq = len(self.shipments) + 1
        row = {"seq": seq, "order_id": order_id, "event": event, "shipment_id": parcel, "at": f"s{seq}"}
        self.shipments.append(row)

    async def changes(self, after: int, rows_max: int, order_id: str = "") -> list[dict[str, Any]]:
        """As orders answers."""
        return await self._read(self.journal, after, rows_max, order_id)

    async def parcels(self, after: int, rows_max: int, order_id: str = "") -> list[dict[str, Any]]:
        """As shipping answers."""
        return await self._read(self.shipments, after, rows_max, order_id)

    async def _read(self, rows: list[dict[str, Any]], after: int, rows_max: int, order_id: str) -> list[dict[str, Any]]:
        self.asked += 1
        if self.is_away:
            raise AwayError
        found = [row for row in rows if row["seq"] > after and order_id in ("", row["order_id"])][:rows_max]
        if self.gate is not None and order_id:
            await self.gate.wait()
        return found


@pytest.fixture
async def books() -> Books:
    """Empty books."""
    return Books()


@pytest.fixture
async def watch(books: Books) -> AsyncIterator[StatusWatch]:
    """A watch that looks only when it is told to, with three places."""
    made = StatusWatch(books, StillClock(), 0.25, watchers_max=3)
    yield made
    await made.close()


def _labels(orders: list[OrderFace]) -> list[tuple[str, str]]:
    return [(order.order_id, order.face.label) for order in orders]


async def test_whoever_comes_is_told_what_the_order_is_now(books: Books, watch: StatusWatch) -> None:
    books.change("a", "CREATED")
    books.change("a", "PENDING")
    books.change("a", "PAID")
    assert _labels((await watch.watch(["a"])).take()) == [("a", "Paid")]


async def test_one_look_asks_each_book_once_however_many_follow(books: Books, watch: StatusWatch) -> None:
    books.change("a", "PENDING")
    watchers = [await watch.watch(["a"]) for _ in range(3)]
    await watch.look()
    for watcher in watchers:
        watcher.take()
    books.change("a", "PAID")
    books.asked = 0
    await watch.look()
    assert books.asked == 2
    assert [_labels(watcher.take()) for watcher in watchers] == [[("a", "Paid")]] * 3


async def test_paid_becomes_shipped_when_shipping_has_the_parcel_and_paid_again_when_it_is_recalled(
    books: Books, watch: StatusWatch
) -> None:
    books.change("a", "PAID")
    watcher = await watch.watch(["a"])
    watcher.take()
    books.parcel("a")
    await watch.look()
    assert _labels(watcher.take()) == [("a", "Shipped")]
    books.parcel("a", "recalled")
    await watch.look()
    assert _labels(watcher.take()) == [("a", "Paid")]


async def test_a_page_that_reads_slowly_gets_the_newest_state_only(books: Books, watch: StatusWatch) -> None:
    books.change("a", "CREATED")
    watcher = await watch.watch(["a", "b"])
    for status in ("PENDING", "PAYMENT_FAILED", "PENDING", "PAID"):
        books.change("a", status)
        await watch.look()
    books.change("b", "CREATED")
    await watch.look()
    assert _labels(watcher.take()) == [("a", "Paid"), ("b", "Created")]
    assert watcher.take() == [] and not watcher.woken.is_set()


async def test_a_change_during_the_first_look_at_an_order_is_not_lost(books: Books, watch: StatusWatch) -> None:
    books.change("a", "PENDING")
    other = await watch.watch(["other"])
    books.gate = asyncio.Event()
    coming = asyncio.create_task(watch.watch(["a"]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert watch.followed == 2 and not coming.done()
    books.change("a", "PAID")
    await watch.look()
    books.gate.set()
    watcher = await coming
    assert [order.status for order in watcher.take()] == ["PAID"]
    assert other.take() == []


async def test_while_a_book_is_away_it_is_said_and_afterwards_everything_missed_is_told(
    books: Books, watch: StatusWatch
) -> None:
    books.change("a", "PENDING")
    watcher = await watch.watch(["a"])
    watcher.take()
    books.is_away = True
    late = await watch.watch(["b"])
    assert watcher.is_away and watcher.woken.is_set() and late.is_away
    books.change("a", "PAID")
    books.change("b", "CREATED")
    books.is_away = False
    await watch.look()
    assert (_labels(watcher.take()), _labels(late.take())) == ([("a", "Paid")], [("b", "Created")])


async def test_places_are_bounded_and_a_leaver_takes_their_orders_along(books: Books, watch: StatusWatch) -> None:
    watchers = [await watch.watch([f"order-{number}"]) for number in range(3)]
    with pytest.raises(TooManyWatchers):
        await watch.watch(["one-more"])
    assert watch.followed == 3
    for watcher in watchers:
        watch.leave(watcher)
    assert (watch.watchers, watch.followed) == (0, 0)
    assert (await watch.watch(["one-more"])).take() == []


async def test_the_end_of_the_service_wakes_every_stream(watch: StatusWatch) -> None:
    watcher = await watch.watch(["a"])
    await watch.close()
    assert watcher.is_ended and watcher.woken.is_set()


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 8, 1000, 1023])
async def test_the_end_of_a_book_is_found_with_few_questions(rows: int) -> None:
    books = Books()
    for _ in range(rows):
        books.change("a", "PAID")
    assert await tail_of(books.changes) == rows
    assert books.asked <= 22


async def test_a_gap_in_the_numbers_does_not_hide_the_end_of_a_book() -> None:
    books = Books(journal=[{"seq": seq, "order_id": "a", "status": "PAID", "at": ""} for seq in (3, 900)])
    assert await tail_of(books.changes) == 900


def test_an_event_names_the_rows_in_it_and_reads_back_as_what_was_seen() -> None:
    order = OrderFace("a", "CANCELLED", "t", seen=(17, 4))
    assert seen_by(event_id(order)) == (17, 4)
    assert status_event(order).startswith(b'id: 17-4\nevent: status\ndata: {"order":"a","status":"CANCELLED"')
    assert b'"final":true' in status_event(order)


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "2", "nan"])
def test_a_poll_that_would_break_the_promise_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        poll_wall_s(text)
