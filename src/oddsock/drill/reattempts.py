"""Suspected re-attempts: a customer whose order failed and who tried a sock of it again. Charging both may charge twice
for one wish, so a mend asks, or takes the latest of each chain, or is told to take all.
"""

from collections.abc import Iterable

import msgspec

from oddsock.drill.ledger import Ledger, Row
from oddsock.drill.operation import Attempt


class Reattempt(msgspec.Struct, frozen=True, kw_only=True):
    """Order *order_id* failed, and its customer tried the *shared* socks (item ids) again, in *again_in*.

    *again_in* is the later order's id, or the attempt's where it left none.
    """

    order_id: str
    again_in: str
    customer_id: str
    shared: list[str]


def find_reattempts(ledger: Ledger, order_ids: Iterable[str]) -> list[Reattempt]:
    """For each of *order_ids* that was tried again, by whichever attempt came next; in the order they were placed."""
    wanted = set(order_ids)
    rows = [row for row in ledger.rows if row.order_id in wanted and row.attempts]
    holders = {attempt.operation: row for row in reversed(ledger.rows) for attempt in row.attempts}
    found = [_next_try(ledger, row, holders) for row in rows]
    return [reattempt for reattempt in found if reattempt is not None]


def _next_try(ledger: Ledger, row: Row, holders: dict[str, Row]) -> Reattempt | None:
    last = row.attempts[-1]
    theirs = ledger.attempts_of(last.customer_id)
    again = min((other for other in theirs if _is_again(last, other)), key=lambda other: other.invoked_at, default=None)
    if again is None:
        return None
    holder = holders.get(again.operation)
    return Reattempt(
        order_id=row.order_id,
        again_in=(holder.order_id if holder else "") or again.operation,
        customer_id=row.customer_id,
        shared=sorted(_items(last) & _items(again)),
    )


def _items(attempt: Attempt) -> set[str]:
    return {line.item_id for line in attempt.lines}


def _is_again(first: Attempt, other: Attempt) -> bool:
    is_later = other.invoked_at > first.invoked_at and other.operation != first.operation
    is_same = other.customer_id == first.customer_id and not other.synthetic
    return is_later and is_same and bool(_items(first) & _items(other))


def chains(reattempts: Iterable[Reattempt]) -> list[list[str]]:
    """The orders that hang together by re-attempts, each chain from its first to its latest.

    >>> one = Reattempt(order_id="3", again_in="4", customer_id="p", shared=[])
    >>> two = Reattempt(order_id="4", again_in="5", customer_id="p", shared=[])
    >>> chains([one, two])
    [['3', '4', '5']]
    """
    again = {reattempt.order_id: reattempt.again_in for reattempt in reattempts}
    heads = [order_id for order_id in again if order_id not in again.values()]
    found = []
    for head in heads:
        chain = [head]
        while chain[-1] in again:
            chain.append(again[chain[-1]])
        found.append(chain)
    return found
