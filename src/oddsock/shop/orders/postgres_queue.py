"""Errands and letters in PostgreSQL: claimed under a lease by FOR UPDATE SKIP LOCKED, one statement each.

Each instance remembers the leases it was given; what it writes of an order that it holds is fenced by the lease, so
that a process that slept through its lease writes nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from oddsock.shop.orders.records import Errand, Letter, Superseded

if TYPE_CHECKING:
    from asyncpg import Record

    from oddsock.shop.orders.postgres_pool import PostgresPool

_ERRAND = (
    "order_id, stage, dead, parked_at, due_at, deadline_at, attempts, uncertain, cause, traceparent, request_id, "
    "holder, lease_until"
)
NOBODY = ("", "")


class PostgresQueue:
    """The part of the orders' port about errands and letters, over *pool*; PostgresStore is the rest."""

    def __init__(self, pool: "PostgresPool") -> None:
        self.pool = pool
        self._leases: dict[str, tuple[str, str]] = {}

    def lease(self, order_id: str) -> tuple[str, str]:
        """Holder and end of the lease under which this process has the order, two empty texts without one."""
        return self._leases.get(order_id, NOBODY)

    def forget(self, order_id: str) -> None:
        """The lease of an order is over, or was taken by another."""
        self._leases.pop(order_id, None)

    async def put_errand(self, errand: Errand) -> None:
        """As the port says; Superseded when this process's lease is over."""
        await self._replace(errand.order_id, msgspec.json.encode(errand).decode())

    async def end_errand(self, order_id: str) -> None:
        """As the port says; Superseded when this process's lease is over."""
        await self._replace(order_id, None)

    async def _replace(self, order_id: str, errand: str | None) -> None:
        done = await self.pool.value("SELECT replace_errand($1,$2,$3,$4)", order_id, *self.lease(order_id), errand)
        self.forget(order_id)
        if not done:
            raise Superseded(order_id)

    async def errand(self, order_id: str) -> Errand | None:
        """As the port says."""
        rows = await self.pool.rows(f"SELECT {_ERRAND} FROM errands WHERE order_id=$1", order_id)
        if not rows or (rows[0]["holder"], rows[0]["lease_until"]) != self.lease(order_id):
            self.forget(order_id)
        return _errand(rows[0]) if rows else None

    async def errands(self, dead: bool, after: str, rows_max: int) -> list[Errand]:
        """As the port says."""
        found = await self.pool.rows(
            f"SELECT {_ERRAND} FROM errands WHERE dead=$1 AND order_id>$2 ORDER BY order_id LIMIT $3",
            dead,
            after,
            rows_max,
        )
        return [_errand(row) for row in found]

    async def errand_counts(self) -> tuple[int, int]:
        """As the port says."""
        found = await self.pool.rows(
            "SELECT count(*) FILTER (WHERE NOT dead), count(*) FILTER (WHERE dead) FROM errands"
        )
        return int(found[0][0]), int(found[0][1])

    async def adopt_unfinished(self, untouched_since: str, errand: Errand) -> int:
        """As the port says."""
        adopted = await self.pool.value(
            "WITH left_over AS (SELECT id FROM orders WHERE is_open AND touched_at<=$1 AND NOT EXISTS "
            "(SELECT 1 FROM errands WHERE order_id=orders.id) ORDER BY n), "
            "taken AS (INSERT INTO errands SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', '' FROM left_over "
            "ON CONFLICT(order_id) DO NOTHING RETURNING 1) SELECT count(*) FROM taken",
            untouched_since,
            errand.stage,
            errand.dead,
            errand.parked_at,
            errand.due_at,
            errand.deadline_at,
            errand.attempts,
            errand.uncertain,
            errand.cause,
            errand.traceparent,
            errand.request_id,
        )
        return int(adopted)

    async def claim(self, holder: str, now: str, lease_until: str, rows_max: int) -> list[Errand]:
        """As the port says, those that are due longest first; an expired lease is taken over."""
        found = await self.pool.rows(
            f"UPDATE errands SET holder=$1, lease_until=$3 WHERE order_id IN (SELECT order_id FROM errands "
            f"WHERE NOT dead AND due_at<=$2 AND (holder='' OR lease_until<=$2) ORDER BY due_at LIMIT $4 "
            f"FOR UPDATE SKIP LOCKED) RETURNING {_ERRAND}",
            holder,
            now,
            lease_until,
            rows_max,
        )
        claimed = sorted((_errand(row) for row in found), key=lambda errand: errand.due_at)
        self._leases.update({errand.order_id: (holder, lease_until) for errand in claimed})
        return claimed

    async def hasten(self, now: str) -> int:
        """As the port says."""
        hastened = await self.pool.value(
            "WITH done AS (UPDATE errands SET due_at=$1 WHERE order_id IN (SELECT order_id FROM errands WHERE "
            "NOT dead AND holder='' AND due_at>$1 FOR UPDATE SKIP LOCKED) RETURNING 1) SELECT count(*) FROM done",
            now,
        )
        return int(hastened)

    async def give_back(self, holder: str) -> int:
        """As the port says; the lease of a holder that lives is over as well."""
        given = await self.pool.value(
            "WITH done AS (UPDATE errands SET holder='', lease_until='' WHERE order_id IN (SELECT order_id FROM "
            "errands WHERE holder<>'' AND holder<>$1 ORDER BY order_id FOR UPDATE) RETURNING 1) "
            "SELECT count(*) FROM done",
            holder,
        )
        return int(given)

    async def claim_letters(self, kind: str, holder: str, now: str, lease_until: str, rows_max: int) -> list[Letter]:
        """As the port says; a letter in the hands of another is not due until its lease is over."""
        found = await self.pool.rows(
            "UPDATE outbox SET holder=$2, lease_until=$4 WHERE id IN (SELECT id FROM outbox AS one WHERE done_at='' "
            "AND kind=$1 AND due_at<=$3 AND lease_until<=$3 AND NOT EXISTS (SELECT 1 FROM outbox AS older WHERE "
            "older.order_id=one.order_id AND older.kind=one.kind AND older.done_at='' AND older.id<one.id) "
            "ORDER BY id LIMIT $5 FOR UPDATE SKIP LOCKED) RETURNING id, kind, order_id, event, body, attempts, due_at",
            kind,
            holder,
            now,
            lease_until,
            rows_max,
        )
        return sorted((msgspec.convert(dict(row), Letter) for row in found), key=lambda letter: letter.id)

    async def settle_letters(self, ids: Sequence[int], at: str) -> None:
        """As the port says."""
        await self.pool.rows(
            "UPDATE outbox SET done_at=$2, holder='', lease_until='' WHERE id IN "
            "(SELECT id FROM outbox WHERE id=ANY($1::bigint[]) ORDER BY id FOR UPDATE)",
            list(ids),
            at,
        )

    async def postpone_letter(self, letter_id: int, due_at: str) -> None:
        """As the port says."""
        await self.pool.rows(
            "UPDATE outbox SET attempts=attempts+1, due_at=$2, holder='', lease_until='' WHERE id=$1",
            letter_id,
            due_at,
        )

    async def letters_waiting(self, kind: str) -> int:
        """As the port says."""
        return int(await self.pool.value("SELECT count(*) FROM outbox WHERE done_at='' AND kind=$1", kind))


def _errand(row: "Record") -> Errand:
    return msgspec.convert(dict(row), Errand)
