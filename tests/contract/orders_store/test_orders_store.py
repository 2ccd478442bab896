"""The port of the orders' store, kept by SQLite and by PostgreSQL alike: one class of tests run against both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from oddsock.kit.errors import CannotRun, UsageError
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order, changed
from oddsock.shop.orders.postgres_store import PostgresStore
from oddsock.shop.orders.records import (
    Change,
    Errand,
    KeyReused,
    KeyTaken,
    Letter,
    Mark,
    OrderEvent,
    Request,
    Step,
    Superseded,
    UnknownOrder,
)
from oddsock.shop.orders.sqlite_store import SCHEMA, SqliteStore
from oddsock.shop.orders.status import Status
from oddsock.shop.orders.store import OrdersStore

BY = Correlation(request_id="request", traceparent="trace", idempotency_key="key")
STEP = Step("checkout", BY)


def at(second: int) -> str:
    """An instant of a fixed minute."""
    return f"2026-01-01T00:00:{second:02}.000Z"


def an_order(identity: str, status: Status = Status.CREATED, **more: Any) -> Order:
    """An order of one sock."""
    fields: dict[str, Any] = {
        "id": identity,
        "customer_id": "c1",
        "customer": Customer(first_name="Zoë 🧦"),
        "address": Address(),
        "card": Card(),
        "items": [Item("i", "sock", 1, 15.0)],
        "total": 19.99,
        "total_cents": 1999,
        "placed_at": at(0),
        "status": status,
    }
    return Order(**{**fields, **more})


async def create(store: OrdersStore, *identities: str) -> list[Order]:
    """Orders stored CREATED."""
    orders = [an_order(identity) for identity in identities]
    for order in orders:
        await store.create(Change(order=order, step=STEP, at=at(0), enters=True))
    return orders


async def park(store: OrdersStore, *identities: str, due_at: str = at(1)) -> list[Order]:
    """Orders stored, and parked until *due_at*."""
    parked = []
    for order in await create(store, *identities):
        after = changed(order, status=Status.PENDING)
        errand = Errand(order_id=order.id, due_at=due_at, cause="Connection refused", uncertain=True)
        await store.apply(Change(order=after, step=STEP, at=at(0), enters=True, errand=errand))
        parked.append(after)
    return parked


def ids(rows: list[Any]) -> list[str]:
    """The orders' ids of errands or letters."""
    return [row.order_id for row in rows]


class Contract:
    """What every store keeps to."""

    async def test_an_order_is_read_as_it_was_written(self, store: OrdersStore) -> None:
        (order,) = await create(store, "a")
        assert await store.order("a") == order
        with pytest.raises(UnknownOrder):
            await store.order("b")

    async def test_a_change_writes_all_that_belongs_to_it(self, store: OrdersStore) -> None:
        (order,) = await create(store, "a")
        await store.open_key("key", "retry", "a")
        after = changed(order, status=Status.PENDING)
        event = OrderEvent(order_id="a", kind="parked", at=at(1), cause="why", actor="queue", data={"n": [1, "é"]})
        letter = Letter(kind="notice", order_id="a", event="delayed", body=b"\x00\xffbytes", due_at=at(1))
        change = Change(
            order=after,
            step=STEP,
            at=at(1),
            cause="why",
            enters=True,
            events=(event, msgspec.structs.replace(event, kind="second")),
            letters=(letter, letter),
            marks=(Mark(leg="authorise", state="begun"), Mark(leg="authorise", state="done")),
            errand=Errand(order_id="a", due_at=at(2)),
            closes_key=True,
        )
        await store.apply(change)
        assert await store.order("a") == after
        lines = await store.journal(0, 10, "a")
        assert [(line.status, line.cause, line.actor) for line in lines[1:]] == [("PENDING", "why", "checkout")]
        assert lines[1].idempotency_key == "key"
        kept = await store.events(0, 10)
        assert [(one.kind, one.data) for one in kept] == [("parked", event.data), ("second", event.data)]
        assert await store.marks("a") == [
            Mark(leg="authorise", state="begun", at=at(1)),
            Mark(leg="authorise", state="done", at=at(1)),
        ]
        assert (await store.errand("a")) == Errand(order_id="a", due_at=at(2))
        (waiting,) = await store.claim_letters("notice", "me", at(3), at(9), 10)
        assert (waiting.body, waiting.event) == (letter.body, "delayed")
        assert await store.key_answer("key", "retry", "a") == after

    async def test_a_change_of_an_order_that_went_on_writes_nothing(self, store: OrdersStore) -> None:
        (order,) = await park(store, "a")
        late = msgspec.structs.replace(order, status=Status.PAID)
        before = await store.journal(0, 10)
        letter = Letter(kind="notice", order_id="a", event="paid", due_at=at(1))
        with pytest.raises(Superseded):
            await store.apply(Change(order=late, step=STEP, at=at(1), enters=True, letters=(letter,), ends_errand=True))
        assert await store.journal(0, 10) == before
        assert await store.order("a") == order
        assert await store.errand("a") is not None
        assert await store.letters_waiting("notice") == 0

    async def test_of_changes_made_at_once_one_wins(self, store: OrdersStore) -> None:
        (order,) = await create(store, "a")
        after = changed(order, status=Status.PENDING)
        tries = [store.apply(Change(order=after, step=STEP, at=at(1), enters=True)) for _ in range(8)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["Superseded"] * 7
        assert len(await store.journal(0, 10)) == 2

    async def test_pages_follow_each_other_either_way(self, store: OrdersStore) -> None:
        await create(store, *"abcde")
        assert [order.id for order in await store.orders(1, 2)] == ["b", "c"]
        assert [order.id for order in await store.orders(0, 2, newest_first=True)] == ["e", "d"]
        assert [order.id for order in await store.orders_of("c1", 3)] == ["a", "b", "c"]
        assert await store.orders_of("nobody", 3) == []
        assert await store.count() == 5
        first = await store.journal(0, 3)
        rest = await store.journal(first[-1].seq, 10)
        assert [line.order_id for line in first + rest] == list("abcde")

    async def test_a_key_stands_for_one_act_on_one_order(self, store: OrdersStore) -> None:
        (order,) = await create(store, "a")
        assert not await store.is_key_open("k")
        assert await store.key_answer("k", "retry", "a") is None
        await store.open_key("k", "retry", "a")
        await store.open_key("k", "retry", "a")
        assert await store.is_key_open("k")
        for kind, order_id in (("cancel", "a"), ("retry", "b")):
            with pytest.raises(KeyReused):
                await store.open_key("k", kind, order_id)
            with pytest.raises(KeyReused):
                await store.key_answer("k", kind, order_id)
        await store.close_key("k", order)
        await store.close_key("k", changed(order, reason="later"))
        assert await store.key_answer("k", "retry", "a") == order

    async def test_a_request_repeated_at_once_stands_for_one_order(self, store: OrdersStore) -> None:
        async def place(number: int, fingerprint: str = "print") -> str:
            order, request = an_order(f"order-{number}"), Request("k", fingerprint)
            first = Change(order=order, step=STEP, at=at(0), enters=True, request=request)
            second = Change(order=changed(order, status=Status.PENDING), step=STEP, at=at(0), enters=True)
            try:
                await store.create(first, second)
            except KeyTaken as taken:
                return taken.order_id
            return order.id

        assert await store.request_order("k", "print") == ""
        (order_id,) = set(await asyncio.gather(*(place(number) for number in range(8))))
        assert [order.id for order in await store.orders(0, 10)] == [order_id]
        assert [line.status for line in await store.journal(0, 10)] == ["CREATED", "PENDING"]
        assert await store.request_order("k", "print") == order_id
        for act in (store.request_order("k", "another"), place(9, "another")):
            with pytest.raises(KeyReused):
                await act

    async def test_an_errand_is_lent_to_one_until_its_lease_is_over(self, store: OrdersStore) -> None:
        await park(store, "b", due_at=at(2))
        await park(store, "a", due_at=at(3))
        await park(store, "later", due_at=at(30))
        claimed = await store.claim("one", at(5), at(10), 10)
        assert ids(claimed) == ["b", "a"]
        assert {(errand.holder, errand.lease_until) for errand in claimed} == {("one", at(10))}
        assert await store.claim("two", at(9), at(20), 10) == []
        assert sorted(ids(await store.claim("two", at(10), at(20), 10))) == ["a", "b"]

    async def test_a_claim_takes_no_more_than_asked_and_no_dead_letter(self, store: OrdersStore) -> None:
        await park(store, *"abc")
        await store.put_errand(Errand(order_id="a", due_at=at(1), dead=True))
        assert await store.errand_counts() == (2, 1)
        assert len(await store.claim("one", at(5), at(10), 1)) == 1
        assert len(await store.claim("one", at(5), at(10), 9)) == 1
        assert ids(await store.errands(True, "", 10)) == ["a"]
        assert ids(await store.errands(False, "b", 10)) == ["c"]

    async def test_an_errand_put_back_is_in_nobodys_hands(self, store: OrdersStore) -> None:
        await park(store, "a")
        (errand,) = await store.claim("one", at(5), at(10), 1)
        await store.put_errand(msgspec.structs.replace(errand, due_at=at(20), attempts=1))
        assert await store.errand("a") == msgspec.structs.replace(
            errand, due_at=at(20), attempts=1, holder="", lease_until=""
        )
        assert await store.hasten(at(6)) == 1
        assert ids(await store.claim("two", at(6), at(10), 1)) == ["a"]
        await store.end_errand("a")
        assert await store.errand("a") is None

    async def test_leases_of_the_dead_are_given_back(self, store: OrdersStore) -> None:
        await park(store, *"ab")
        await store.claim("dead", at(5), at(50), 10)
        assert await store.give_back("one") == 2
        assert sorted(ids(await store.claim("one", at(6), at(50), 10))) == ["a", "b"]
        assert await store.give_back("one") == 0

    async def test_orders_left_open_are_adopted_once(self, store: OrdersStore) -> None:
        await create(store, *"abc")
        (ended,) = [order for order in await store.orders(0, 10) if order.id == "c"]
        paid = changed(ended, status=Status.PAID, shipment_id="parcel")
        await store.apply(Change(order=paid, step=STEP, at=at(1), enters=True))
        await park(store, "parked")
        fresh = Errand(order_id="", due_at=at(2), uncertain=True)
        assert await store.adopt_unfinished("2025", fresh) == 0
        counts = await asyncio.gather(*(store.adopt_unfinished(at(2), fresh) for _ in range(4)))
        assert sum(counts) == 2
        assert ids(await store.errands(False, "", 10)) == ["a", "b", "parked"]

    async def test_letters_of_an_order_go_out_in_order_and_once(self, store: OrdersStore) -> None:
        (order,) = await create(store, "a")
        letters = tuple(Letter(kind="notice", order_id="a", event=event, due_at=at(1)) for event in ("delayed", "paid"))
        moved = changed(order, status=Status.PENDING)
        await store.apply(Change(order=moved, step=STEP, at=at(1), letters=letters))
        (first,) = await store.claim_letters("notice", "one", at(2), at(3), 10)
        assert first.event == "delayed"
        await store.postpone_letter(first.id, at(5))
        assert await store.claim_letters("notice", "one", at(4), at(5), 10) == []
        (again,) = await store.claim_letters("notice", "one", at(5), at(6), 10)
        assert (again.id, again.attempts) == (first.id, 1)
        await store.settle_letters([first.id], at(6))
        (second,) = await store.claim_letters("notice", "one", at(7), at(8), 10)
        assert second.event == "paid"
        assert await store.letters_waiting("notice") == 1

    async def test_it_says_that_it_works(self, store: OrdersStore) -> None:
        assert store.works()


class TestSqlite(Contract):
    """SQLite keeps the contract."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[OrdersStore]:
        """A store over a new file."""
        made = SqliteStore(Book.open(tmp_path / "orders.sqlite", SCHEMA))
        yield made
        await made.close()


class TestPostgres(Contract):
    """PostgreSQL keeps the contract, and shares it."""

    @pytest.fixture
    async def address(self, new_database: Callable[[], str]) -> str:
        """The address of a new database."""
        return new_database()

    @pytest.fixture
    async def store(self, address: str) -> AsyncIterator[PostgresStore]:
        """A store over a new database."""
        made = await PostgresStore.connect(address)
        yield made
        await made.close()

    @pytest.fixture
    async def other(self, address: str, store: PostgresStore) -> AsyncIterator[PostgresStore]:
        """Another process's store over the same database."""
        made = await PostgresStore.connect(address)
        yield made
        await made.close()

    async def test_no_two_processes_claim_the_same(self, store: PostgresStore, other: PostgresStore) -> None:
        await park(store, *(f"order-{n:03}" for n in range(60)))
        turns = [one.claim(name, at(5), at(10), 7) for _ in range(6) for one, name in ((store, "a"), (other, "b"))]
        claimed = [errand for errands in await asyncio.gather(*turns) for errand in errands]
        assert len(claimed) == len(set(ids(claimed)))
        rest = await store.claim("a", at(5), at(10), 100)
        assert len(claimed) + len(rest) == 60

    async def test_a_sleeper_whose_lease_was_taken_over_writes_nothing(
        self, store: PostgresStore, other: PostgresStore
    ) -> None:
        (order,) = await park(store, "a")
        (errand,) = await store.claim("sleeper", at(5), at(10), 1)
        await other.claim("heir", at(10), at(20), 1)
        paid = Change(order=changed(order, status=Status.PAID), step=STEP, at=at(11), enters=True, ends_errand=True)
        with pytest.raises(Superseded):  # The revision is right: only the lease stands against it.
            await store.apply(paid)
        with pytest.raises(Superseded):  # Asked once more, without a lease in hand.
            await store.apply(paid)
        assert await store.order("a") == order
        await other.apply(paid)
        assert len(await store.journal(0, 10)) == 3
        assert await store.errand("a") is None
        assert errand.holder == "sleeper"

    async def test_a_sleeper_neither_puts_back_nor_ends_an_errand_it_lost(
        self, store: PostgresStore, other: PostgresStore
    ) -> None:
        await park(store, *"ab")
        for errand in await store.claim("sleeper", at(5), at(10), 2):
            await other.claim("heir", at(10), at(20), 2)
            with pytest.raises(Superseded):
                await (store.put_errand(errand) if errand.order_id == "a" else store.end_errand("b"))
            held = await other.errand(errand.order_id)
            assert held is not None and held.holder == "heir"

    async def test_an_order_stored_by_another_is_not_stored_again(
        self, store: PostgresStore, other: PostgresStore
    ) -> None:
        await create(store, "a")
        with pytest.raises(Superseded):
            await create(other, "a")
        assert len(await other.journal(0, 10)) == 1

    async def test_a_reader_of_the_journal_misses_no_line_while_others_write(
        self, store: PostgresStore, other: PostgresStore
    ) -> None:
        writing = asyncio.gather(
            *(
                create(one, *(f"{name}-{k}-{n}" for n in range(10)))
                for k in range(6)
                for one, name in ((store, "a"), (other, "b"))
            )
        )
        seen: list[int] = []
        while True:
            has_ended = writing.done()
            page = await store.journal(seen[-1] if seen else 0, 7)
            seen += [line.seq for line in page]
            if has_ended and not page:
                break
        await writing
        assert len(seen) == 120

    async def test_letters_are_brought_by_one_process(self, store: PostgresStore, other: PostgresStore) -> None:
        (order,) = await create(store, "a")
        letter = Letter(kind="notice", order_id="a", event="paid", due_at=at(1))
        await store.apply(Change(order=changed(order), step=STEP, at=at(1), letters=(letter,)))
        assert len(await store.claim_letters("notice", "one", at(2), at(9), 10)) == 1
        assert await other.claim_letters("notice", "two", at(8), at(19), 10) == []
        assert len(await other.claim_letters("notice", "two", at(9), at(19), 10)) == 1

    async def test_journal_and_events_cannot_be_rewritten(self, store: PostgresStore, address: str) -> None:
        await create(store, "a")
        connection = await asyncpg.connect(address)
        for statement in ("UPDATE journal SET status='PAID'", "DELETE FROM journal"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
        await connection.close()

    async def test_an_address_that_is_wrong_is_said_without_its_password(self) -> None:
        with pytest.raises(UsageError, match="ORDERS_DSN"):
            await PostgresStore.connect("")
        with pytest.raises(CannotRun) as raised:
            await PostgresStore.connect("postgresql://shop:secret@/shop?host=/nowhere")
        assert "secret" not in str(raised.value)
