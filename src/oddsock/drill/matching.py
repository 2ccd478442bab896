"""Which order an attempt, a charge or a parcel belongs to.

First by the ids that travel with every call: order id, request id, trace id. Where a shop dropped them, by customer,
time and amount; a match that could be two is ambiguous and never guessed.
"""

from collections.abc import Iterable, Sequence

import msgspec

from oddsock.clients.sockshop.books import Order, StatusChange
from oddsock.drill.grouping import Tie
from oddsock.drill.operation import Attempt
from oddsock.kit.clock import instant
from oddsock.kit.ids import trace_id

SKEW_S = 2.0
"""How far two services' clocks may be apart, in wall seconds."""

ANSWER_S_MAX = 60.0
"""How long after it began an attempt without an answer may still have made an order, in wall seconds."""


class AttemptMatch(msgspec.Struct, kw_only=True):
    """The orders one attempt made, its own first; *ambiguous* says why they could not be told."""

    order_ids: list[str]
    ambiguous: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger as matching sees it: an order with its attempts' ids, or an attempt without an order."""

    key: str
    order_id: str
    shipment_id: str
    customer_id: str
    total_cents: int
    from_at: str
    to_at: str
    request_ids: frozenset[str]
    trace_ids: frozenset[str]


def match_attempts(
    attempts: Sequence[Attempt], orders: Sequence[Order], journal: Sequence[StatusChange]
) -> tuple[list[AttemptMatch], dict[str, str]]:
    """One match an attempt, in their order, and for each order that could be anybody's of several the reason."""
    told_by = _told_by(journal)
    matches = [AttemptMatch(order_ids=_told_ids(attempt, told_by)) for attempt in attempts]
    claimed = {order_id for match in matches for order_id in match.order_ids}
    correlated = {change.order_id for change in journal if change.request_id or change.traceparent}
    loose = {o.id: o for o in orders if o.id not in claimed and o.id not in correlated}
    free = {
        n: {o.id for o in loose.values() if _could_be(attempts[n], o)}
        for n, match in enumerate(matches)
        if not match.order_ids
    }
    ambiguous_orders: dict[str, str] = {}
    for n, candidates in free.items():
        rivals = [other for other, theirs in free.items() if theirs & candidates]
        if len(candidates) == 1 and len(rivals) == 1:
            matches[n].order_ids = sorted(candidates)
        elif candidates:
            reason = (
                f"the shop passes no ids on, and {len(candidates)} orders and {len(rivals)} attempts have the same "
                "customer, time and amount"
            )
            matches[n].ambiguous = reason
            ambiguous_orders.update(dict.fromkeys(candidates, reason))
    return matches, ambiguous_orders


def _told_by(journal: Iterable[StatusChange]) -> dict[str, list[str]]:
    """The order ids under each request id and each trace id."""
    told_by: dict[str, list[str]] = {}
    for change in journal:
        for known in filter(None, (change.request_id, trace_id(change.traceparent))):
            told_by.setdefault(known, []).append(change.order_id)
    return told_by


def _told_ids(attempt: Attempt, told_by: dict[str, list[str]]) -> list[str]:
    told = [attempt.order_id] if attempt.order_id else []
    told += told_by.get(attempt.request_id, []) + told_by.get(trace_id(attempt.traceparent), [])
    return list(dict.fromkeys(told))


def _could_be(attempt: Attempt, order: Order) -> bool:
    if attempt.customer_id != order.customer_id or attempt.total_cents != order.total_cents:
        return False
    return is_between(order.placed_at, attempt.invoked_at, attempt.completed_at)


def is_between(at: str, from_at: str, to_at: str) -> bool:
    """Whether *at* lies between both instants, give or take the clocks; an open end lasts `ANSWER_S_MAX`."""
    since_s = (instant(at) - instant(from_at)).total_seconds()
    lasted_s = (instant(to_at) - instant(from_at)).total_seconds() if to_at else ANSWER_S_MAX
    return -SKEW_S <= since_s <= lasted_s + SKEW_S


class Places:
    """The rows of the ledger, found by any id that a book's lines may carry."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._by_order = {place.order_id: place for place in places if place.order_id}
        self._by_shipment = {place.shipment_id: place for place in places if place.shipment_id}
        self._by_request = {known: place for place in places for known in place.request_ids}
        self._by_trace = {known: place for place in places for known in place.trace_ids}

    def match(self, tie: Tie) -> tuple[list[str], bool]:
        """The keys of the places that lines with *tie* may belong to, and whether ids said so; none makes an orphan.

        Several keys are an ambiguous match, which only lines without any id can have.
        """
        found = self._by_order.get(tie.order_id) or self._by_shipment.get(tie.shipment_id)
        asked = self._by_request.get(tie.request_id) or self._by_trace.get(trace_id(tie.traceparent))
        # A line that names another order than its request made is not that order's, whoever asked for it.
        if not found and asked and not (tie.order_id and asked.order_id):
            found = asked
        if found:
            return [found.key], True
        if not tie.is_loose:
            return [], True
        return [place.key for place in self._places if _could_hold(tie, place)], False


def _could_hold(tie: Tie, place: Place) -> bool:
    if tie.customer_id and place.customer_id and tie.customer_id != place.customer_id:
        return False
    if tie.amount_cents is not None and tie.amount_cents != place.total_cents:
        return False
    return is_between(tie.at, place.from_at, place.to_at)
