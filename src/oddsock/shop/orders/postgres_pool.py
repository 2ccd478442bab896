"""The connections of orders to PostgreSQL: opened at the start, the schema made, new ones when the server is back."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from oddsock.kit.errors import CannotRun, UsageError
from oddsock.shop.orders.postgres_schema import BARRIER, SCHEMA, SCHEMA_LOCK

try:
    import asyncpg
except ImportError:  # The extra `postgres` is not installed; `connect` says so.
    asyncpg = None  # type: ignore[assignment]  # a module or nothing, asked once in connect

CONNECTIONS_MAX = 8
"""How many connections a process has at most."""

ANSWER_WALL_S = 30.0
"""How long a statement may take, in wall seconds."""

CONNECT_WALL_S = 10.0

IDLE_WALL_MS = 5000
"""How long the server lets a reader that was frozen between two statements keep the barrier."""

OVER = "OD001"
"""The SQLSTATE with which the schema's functions refuse a change of an order that is in other hands."""

TAKEN = "OD002"
"""The SQLSTATE with which they refuse a new order whose request's key stands for another one."""

T = TypeVar("T")


def state_of(cause: BaseException) -> str:
    """The SQLSTATE of an error of the server, empty for any other."""
    return str(getattr(cause, "sqlstate", "") or "")


async def _make_schema(connection: Any) -> None:
    # A replica that starts while others work finds the schema made: to make it would wait for their locks.
    digest = hashlib.sha256(SCHEMA.encode()).hexdigest()
    is_there = await connection.fetchval("SELECT to_regclass('schema_made') IS NOT NULL")
    if is_there and await connection.fetchval("SELECT count(*) FROM schema_made WHERE digest=$1", digest):
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        await connection.execute(SCHEMA)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_made(digest TEXT PRIMARY KEY)")
        await connection.execute("INSERT INTO schema_made VALUES($1) ON CONFLICT DO NOTHING", digest)


class PostgresPool:
    """Statements on PostgreSQL, each a transaction of its own."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self.is_reachable = True

    @classmethod
    async def connect(cls, address: str) -> "PostgresPool":
        """The pool of the database at *address* (postgresql://…), its schema made; UsageError, CannotRun."""
        if asyncpg is None:
            raise CannotRun("ORDERS_STORE=postgres needs asyncpg.", "Install oddsock[postgres].")
        if not address:
            raise UsageError("ORDERS_STORE=postgres needs an address.", "Set ORDERS_DSN, as postgresql:///shop.")
        try:
            pool = await asyncpg.create_pool(
                address,
                min_size=1,
                max_size=CONNECTIONS_MAX,
                command_timeout=ANSWER_WALL_S,
                timeout=CONNECT_WALL_S,
                server_settings={"idle_in_transaction_session_timeout": str(IDLE_WALL_MS)},
            )
            async with pool.acquire() as connection:
                await _make_schema(connection)
        except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as cause:
            # The address may hold a password, so it is not repeated.
            hint = "Check ORDERS_DSN and whether the server runs."
            raise CannotRun(f"The orders' PostgreSQL cannot be used: {type(cause).__name__}.", hint) from None
        return cls(pool)

    async def rows(self, statement: str, *values: Any) -> "list[asyncpg.Record]":
        """The rows of *statement*."""
        return await self._noted(lambda: self._pool.fetch(statement, *values))

    async def value(self, statement: str, *values: Any) -> Any:
        """The first column of the first row of *statement*, None without a row."""
        return await self._noted(lambda: self._pool.fetchval(statement, *values))

    async def settled_rows(self, statement: str, *values: Any) -> "list[asyncpg.Record]":
        """The rows of *statement*, read between writers: no row with a lower number than one of them comes later."""

        async def read() -> "list[asyncpg.Record]":
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", BARRIER)
                return await connection.fetch(statement, *values)

        return await self._noted(read)

    async def _noted(self, act: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await act()
        except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            self.is_reachable = False
            raise
        self.is_reachable = True
        return answer

    async def close(self) -> None:
        """Let the connections go."""
        await self._pool.close()
