"""The orders' store on PostgreSQL: several orders processes share it, its queue and its outbox.

A change is one call of a function in the server (`postgres_schema`), so it is written whole or not at all, whatever
becomes of the process. Whoever changes an order under a lease writes only while the lease is its own.
"""

import asyncio
from functools import cache
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import StatusChange
from oddsock.shop.orders.order import Order, is_open
from oddsock.shop.orders.postgres_pool import OVER, TAKEN, PostgresPool, state_of
from oddsock.shop.orders.postgres_queue import PostgresQueue
from oddsock.shop.orders.records import Change, KeyReused, KeyTaken, Mark, OrderEvent, Superseded, UnknownOrder

VALUES = 10
"""How many values `write_change` takes."""

_EVENT = "seq, order_id, kind, at, cause, actor, request_id, traceparent, data"
_JOURNAL = "seq, order_id, status, at, cause, actor, request_id, traceparent, idempotency_key"


class PostgresStore(PostgresQueue):
    """The orders of the shop in one PostgreSQL database."""

    is_shared = True

    def __init__(self, pool: PostgresPool) -> None:
        super().__init__(pool)
        self._looks: set[asyncio.Task[Any]] = set()

    @classmethod
    async def connect(cls, address: str) -> "PostgresStore":
        """The store at *address* (postgresql://…); UsageError, CannotRun."""
        return cls(await PostgresPool.connect(address))

    async def create(self, *changes: Change) -> None:
        """As the port says; Superseded when another process stored an order of that id."""
        first, request = self._values(changes[0], is_new=True), changes[0].request
        try:
            await self._write(changes[-1], *first, *(value for change in changes[1:] for value in self._values(change)))
        except Exception as cause:
            if state_of(cause) != TAKEN or request is None:
                raise
            raise KeyTaken(await self.request_order(request.key, request.fingerprint)) from cause

    async def apply(self, change: Change) -> None:
        """As the port says; Superseded as well when the order is, or has come, into another process's hands."""
        await self._write(change, *self._values(change))

    def _values(self, change: Change, is_new: bool = False) -> tuple[Any, ...]:
        order = change.order
        head = (is_new, order.id, order.customer_id, msgspec.json.encode(order), order.revision, is_open(order))
        return (*head, change.at, *self.lease(order.id), _rest(change))

    async def _write(self, change: Change, *values: Any) -> None:
        order = change.order
        try:
            done = await self.pool.value(_writing(len(values) // VALUES), *values)
        except Exception as cause:
            if state_of(cause) != OVER:
                raise
            done = False
        if not done:
            self.forget(order.id)
            raise Superseded(order.id)
        if change.errand is not None or change.ends_errand:
            self.forget(order.id)

    async def order(self, order_id: str) -> Order:
        """As the port says."""
        document = await self.pool.value("SELECT document FROM orders WHERE id=$1", order_id)
        if document is None:
            raise UnknownOrder(order_id)
        return _order(document)

    async def orders(self, first: int, rows_max: int, newest_first: bool = False) -> list[Order]:
        """As the port says."""
        direction = "DESC" if newest_first else "ASC"
        found = await self.pool.settled_rows(
            f"SELECT document FROM orders ORDER BY n {direction} LIMIT $1 OFFSET $2", rows_max, first
        )
        return [_order(row[0]) for row in found]

    async def orders_of(self, customer_id: str, rows_max: int, newest_first: bool = False) -> list[Order]:
        """As the port says."""
        direction = "DESC" if newest_first else "ASC"
        found = await self.pool.rows(
            f"SELECT document FROM orders WHERE customer_id=$1 ORDER BY n {direction} LIMIT $2", customer_id, rows_max
        )
        return [_order(row[0]) for row in found]

    async def count(self) -> int:
        """As the port says."""
        return int(await self.pool.value("SELECT count(*) FROM orders"))

    async def journal(self, after: int, rows_max: int, order_id: str = "") -> list[StatusChange]:
        """As the port says."""
        return [
            msgspec.convert(dict(row), StatusChange)
            for row in await self._after("journal", _JOURNAL, after, rows_max, order_id)
        ]

    async def events(self, after: int, rows_max: int, order_id: str = "") -> list[OrderEvent]:
        """As the port says."""
        return [
            msgspec.convert({**dict(row), "data": msgspec.json.decode(row["data"])}, OrderEvent)
            for row in await self._after("events", _EVENT, after, rows_max, order_id)
        ]

    async def _after(self, table: str, columns: str, after: int, rows_max: int, order_id: str) -> list[Any]:
        if order_id:  # The rows of one order are numbered under the lock of its row: no barrier is needed.
            return await self.pool.rows(
                f"SELECT {columns} FROM {table} WHERE seq>$1 AND order_id=$2 ORDER BY seq LIMIT $3",
                after,
                order_id,
                rows_max,
            )
        return await self.pool.settled_rows(
            f"SELECT {columns} FROM {table} WHERE seq>$1 ORDER BY seq LIMIT $2", after, rows_max
        )

    async def marks(self, order_id: str) -> list[Mark]:
        """As the port says."""
        found = await self.pool.rows("SELECT leg, state, at FROM marks WHERE order_id=$1 ORDER BY seq", order_id)
        return [msgspec.convert(dict(row), Mark) for row in found]

    async def open_key(self, key: str, kind: str, order_id: str) -> None:
        """As the port says."""
        await self.pool.rows("INSERT INTO keys VALUES($1,$2,$3,NULL) ON CONFLICT(key) DO NOTHING", key, kind, order_id)
        await self.key_answer(key, kind, order_id)

    async def is_key_open(self, key: str) -> bool:
        """As the port says."""
        return bool(await self.pool.value("SELECT EXISTS(SELECT 1 FROM keys WHERE key=$1)", key))

    async def key_answer(self, key: str, kind: str, order_id: str) -> Order | None:
        """As the port says."""
        found = await self.pool.rows("SELECT kind, order_id, answer FROM keys WHERE key=$1", key)
        if not found:
            return None
        if (found[0]["kind"], found[0]["order_id"]) != (kind, order_id):
            raise KeyReused(key)
        return _order(found[0]["answer"]) if found[0]["answer"] is not None else None

    async def close_key(self, key: str, order: Order) -> None:
        """As the port says."""
        await self.pool.rows(
            "UPDATE keys SET answer=$2 WHERE key=$1 AND answer IS NULL", key, msgspec.json.encode(order)
        )

    async def request_order(self, key: str, fingerprint: str) -> str:
        """As the port says."""
        found = await self.pool.rows("SELECT fingerprint, order_id FROM requests WHERE key=$1", key)
        if found and found[0]["fingerprint"] != fingerprint:
            raise KeyReused(key)
        return str(found[0]["order_id"]) if found else ""

    def works(self) -> bool:
        """As the port says, as far as the last statement told; asking looks again for the next time."""
        look = asyncio.ensure_future(self.pool.value("SELECT 1"))
        self._looks.add(look)
        look.add_done_callback(self._looked)
        return self.pool.is_reachable

    def _looked(self, look: "asyncio.Task[Any]") -> None:
        self._looks.discard(look)
        if not look.cancelled():
            look.exception()  # What it found stands in is_reachable.

    async def close(self) -> None:
        """As the port says."""
        for look in self._looks:
            look.cancel()
        await self.pool.close()


@cache
def _writing(changes: int) -> str:
    """One statement, and so one transaction, that writes so many changes one after the other."""
    numbers = [",".join(f"${VALUES * n + at + 1}" for at in range(VALUES)) for n in range(changes)]
    written = f"write_change({numbers[-1]})"
    for one in reversed(numbers[:-1]):
        written = f"CASE WHEN write_change({one}) THEN {written} ELSE false END"
    return f"SELECT {written}"


def _rest(change: Change) -> str:
    step, by = change.step, change.step.by
    entered = {
        "status": change.order.status.value,
        "cause": change.cause,
        "actor": step.actor,
        "request_id": by.request_id,
        "traceparent": by.traceparent,
        "idempotency_key": by.idempotency_key,
    }
    rest = {
        "journal": [entered] if change.enters else [],
        "events": [
            {**msgspec.structs.asdict(event), "data": msgspec.json.encode(event.data).decode()}
            for event in change.events
        ],
        "marks": change.marks,
        "letters": change.letters,
        "errand": change.errand,
        "ends_errand": change.ends_errand,
        "request": change.request,
        "closes_key": by.idempotency_key if change.closes_key else "",
    }
    return msgspec.json.encode(rest).decode()


def _order(document: bytes) -> Order:
    return msgspec.json.decode(document, type=Order)
