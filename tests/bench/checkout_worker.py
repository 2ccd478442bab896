"""orders as a bench runs it: the real checkout, queue and wire over a store on disk or in memory, with a fixed basket.

`python -m tests.bench.checkout_worker STORE PORT FOLDER`: STORE is sqlite, postgres (at ORDERS_DSN) or
memory, switches as variables.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from oddsock.clients.sockshop.books import StatusChange
from oddsock.kit.clock import SystemClock
from oddsock.kit.sqlite import Book
from oddsock.shop.calls import Lines
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Metrics
from oddsock.shop.flags import Flags
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.orders.api import OrdersApi
from oddsock.shop.orders.assembly import Doors, assemble
from oddsock.shop.orders.basket import Basket, Links
from oddsock.shop.orders.gateway import PaymentOverHttp
from oddsock.shop.orders.narration import Narration
from oddsock.shop.orders.order import Address, Card, Customer, Item, Order
from oddsock.shop.orders.parcels import ShippingOverHttp
from oddsock.shop.orders.postgres_store import PostgresStore
from oddsock.shop.orders.records import Change, Errand, KeyReused, Letter, Mark, OrderEvent, UnknownOrder
from oddsock.shop.orders.remedies import Remedies
from oddsock.shop.orders.sqlite_store import SCHEMA, SqliteStore
from oddsock.shop.orders.store import OrdersStore
from oddsock.shop.orders.tally import Tally
from oddsock.shop.service import Surroundings


class FixedBasket:
    """A cart with one sock, whoever asks."""

    async def fetch(self, links: Links, by: Correlation) -> Basket:
        """The basket."""
        items = [Item("i", "sock", 1, 15.0)]
        card = Card(long_num="5953580604169678", ccv="678")
        return Basket(links.customer_id, Customer(first_name="A"), Address(), card, items, "a@example.org")


class MemoryStore:
    """Keeps what a store keeps, in dictionaries: the same path without durability."""

    is_shared = False

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._journal: list[StatusChange] = []
        self._events: list[OrderEvent] = []
        self._marks: dict[str, list[Mark]] = {}
        self._errands: dict[str, Errand] = {}
        self._letters: dict[tuple[str, str], Letter] = {}
        self._requests: dict[str, tuple[str, str]] = {}

    async def create(self, *changes: Change) -> None:
        """Keep a new order."""
        if (request := changes[0].request) is not None:
            self._requests[request.key] = (request.fingerprint, changes[0].order.id)
        for change in changes:
            await self.apply(change)

    async def apply(self, change: Change) -> None:
        """Keep a change."""
        order, by = change.order, change.step.by
        self._orders[order.id] = order
        if change.enters:
            seq = len(self._journal) + 1
            self._journal.append(
                StatusChange(
                    seq=seq,
                    order_id=order.id,
                    status=order.status.value,
                    at=change.at,
                    cause=change.cause,
                    actor=change.step.actor,
                    request_id=by.request_id,
                    traceparent=by.traceparent,
                )
            )
        self._events += change.events
        if change.marks:
            self._marks.setdefault(order.id, []).extend(change.marks)
        for letter in change.letters:
            self._letters.setdefault((letter.order_id, letter.event), letter)
        if change.errand is not None:
            self._errands[order.id] = change.errand
        elif change.ends_errand:
            self._errands.pop(order.id, None)

    async def order(self, order_id: str) -> Order:
        """An order."""
        try:
            return self._orders[order_id]
        except KeyError:
            raise UnknownOrder(order_id) from None

    async def request_order(self, key: str, fingerprint: str) -> str:
        """The order of a request's key."""
        known, found = self._requests.get(key, (fingerprint, ""))
        if known != fingerprint:
            raise KeyReused(key)
        return found

    async def marks(self, order_id: str) -> list[Mark]:
        """The marks of an order."""
        return self._marks.get(order_id, [])

    async def errand(self, order_id: str) -> Errand | None:
        """The errand of an order."""
        return self._errands.get(order_id)

    async def end_errand(self, order_id: str) -> None:
        """No errand any more."""
        self._errands.pop(order_id, None)

    async def put_errand(self, errand: Errand) -> None:
        """Keep an errand."""
        self._errands[errand.order_id] = errand

    async def errand_counts(self) -> tuple[int, int]:
        """How many errands."""
        return len(self._errands), 0

    async def adopt_unfinished(self, untouched_since: str, errand: Errand) -> int:
        """Nothing outlives a memory."""
        return 0

    async def claim(self, holder: str, now: str, lease_until: str, rows_max: int) -> list[Errand]:
        """Nothing is parked while a bench of checkouts runs."""
        return []

    async def hasten(self, now: str) -> int:
        """As `claim`."""
        return 0

    async def give_back(self, holder: str) -> int:
        """As `adopt_unfinished`."""
        return 0

    async def claim_letters(self, kind: str, holder: str, now: str, lease_until: str, rows_max: int) -> list[Letter]:
        """The bench has no mailbox."""
        return []

    async def settle_letters(self, ids: Sequence[int], at: str) -> None:
        """As `claim_letters`."""

    def works(self) -> bool:
        """Always."""
        return True

    async def close(self) -> None:
        """Forget."""


async def serve(kind: str, port: int, folder: Path) -> None:
    """Serve orders until the process is killed."""
    clock, flags = SystemClock(), Flags()
    store: OrdersStore
    if kind == "sqlite":
        store = SqliteStore(Book.open(folder / "orders.sqlite", SCHEMA))
    elif kind == "postgres":
        store = await PostgresStore.connect(os.environ["ORDERS_DSN"])
    else:
        store = MemoryStore()  # type: ignore[assignment]  # the checkout asks for no more of a store than this
    lines = Lines(5.0)
    doors = Doors(FixedBasket(), PaymentOverHttp(lines), ShippingOverHttp(lines))
    narration = Narration(SpringLog("orders", 8080, clock))
    made = assemble(store, doors, narration, clock, Remedies.read(flags))
    made.lease_for(flags.seconds("ORDERS_LEASE_S"))
    surroundings = Surroundings("orders", 8080, {}, folder, flags, clock)
    app = web.Application()
    metrics = Metrics("orders", "java", clock)
    metrics.more += made.metrics
    app.add_routes(OrdersApi(surroundings, made, made.checkout, Tally()).routes())
    app.add_routes([web.get("/metrics", metrics.answer)])
    await made.begin()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
