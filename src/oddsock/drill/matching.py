"""Which order an attempt, a charge or a parcel belongs to.

First by the ids that travel with every call: order id, request id, trace id. Where a shop dropped them, by customer,
time and amount; a match that could be two is ambiguous and never guessed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from oddsock.clients.sockshop.books import Order, StatusChange
from oddsock.drill.grouping import Tie
from oddsock.drill.operation import Attempt
from oddsock.kit.clock import instant
from oddsock.kit.ids import trace_id

Thing = TypeVar("Thing")

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
    loose: dict[tuple[str, int], Moments[str]] = {}
    for o in {o.id: o for o in orders if o.id not in claimed and o.id not in correlated}.values():
        loose.setdefault((o.customer_id, o.total_cents), Moments()).add(o.placed_at, o.id)
    free = {n: _candidates(attempts[n], loose) for n, match in enumerate(matches) if not match.order_ids}
    claimants: dict[str, set[int]] = {}
    for n, candidates in free.items():
        for order_id in candidates:
            claimants.setdefault(order_id, set()).add(n)
    ambiguous_orders: dict[str, str] = {}
    for n, candidates in free.items():
        rivals = set().union(*(claimants[order_id] for order_id in candidates))
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


def _candidates(attempt: Attempt, loose: dict[tuple[str, int], "Moments[str]"]) -> set[str]:
    """The orders of the same customer and amount that were placed while *attempt* lasted."""
    moments = loose.get((attempt.customer_id, attempt.total_cents))
    if moments is None:
        return set()
    from_at, to_at = attempt.invoked_at, attempt.completed_at
    near = moments.between(instant(from_at), lasted_s(from_at, to_at))
    return {order_id for at, order_id in near if is_between(at, from_at, to_at)}


def is_between(at: str, from_at: str, to_at: str) -> bool:
    """Whether *at* lies between both instants, give or take the clocks; an open end lasts `ANSWER_S_MAX`."""
    since_s = (instant(at) - instant(from_at)).total_seconds()
    return -SKEW_S <= since_s <= lasted_s(from_at, to_at) + SKEW_S


def lasted_s(from_at: str, to_at: str) -> float:
    """Wall seconds between both instants; an open end lasts `ANSWER_S_MAX`."""
    return (instant(to_at) - instant(from_at)).total_seconds() if to_at else ANSWER_S_MAX


class Moments(Generic[Thing]):
    """Things by the instant they happened, so that those near an instant are found without looking at all."""

    def __init__(self) -> None:
        self._things: list[tuple[str, Thing]] = []
        self._sorted: list[tuple[datetime, str, Thing]] | None = None
        self.longest_s = 0.0

    def add(self, at: str, thing: Thing, lasts_s: float = 0.0) -> None:
        """One more *thing* that began at *at*."""
        self._things.append((at, thing))
        self._sorted = None
        self.longest_s = max(self.longest_s, lasts_s)

    def between(self, from_at: datetime, for_s: float) -> Iterator[tuple[str, Thing]]:
        """All that began within *for_s* wall seconds after *from_at*, and some just outside of that."""
        if self._sorted is None:
            found = [(instant(at), at, thing) for at, thing in self._things]
            self._sorted = sorted(found, key=lambda each: each[0])
        slack = timedelta(seconds=2 * SKEW_S)
        low = bisect_left(self._sorted, from_at - slack, key=lambda each: each[0])
        high = bisect_right(self._sorted, from_at + timedelta(seconds=for_s) + slack, key=lambda each: each[0])
        return ((at, thing) for _, at, thing in self._sorted[low:high])


class Places:
    """The rows of the ledger, found by any id that a book's lines may carry."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._by_order = {place.order_id: place for place in places if place.order_id}
        self._by_shipment = {place.shipment_id: place for place in places if place.shipment_id}
        self._by_request = {known: place for place in places for known in place.request_ids}
        self._by_trace = {known: place for place in places for known in place.trace_ids}
        self._near: dict[tuple[bool, bool], dict[tuple[str, int], Moments[int]]] = {}

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
        return [place.key for place in self._around(tie) if _could_hold(tie, place)], False

    def _around(self, tie: Tie) -> list[Place]:
        """The places of the same customer and amount about the time of *tie*, as far as it names them, in order."""
        named = bool(tie.customer_id), tie.amount_cents is not None
        if named not in self._near:
            self._near[named] = self._indexed(*named)
        found: set[int] = set()
        for customer_id in {tie.customer_id, ""}:
            moments = self._near[named].get((customer_id, tie.amount_cents or 0))
            if moments is not None:
                before = timedelta(seconds=moments.longest_s)
                found.update(n for _, n in moments.between(instant(tie.at) - before, moments.longest_s))
        return [self._places[n] for n in sorted(found)]

    def _indexed(self, by_customer: bool, by_amount: bool) -> dict[tuple[str, int], Moments[int]]:
        index: dict[tuple[str, int], Moments[int]] = {}
        for n, place in enumerate(self._places):
            key = (place.customer_id if by_customer else "", place.total_cents if by_amount else 0)
            lasts_s = lasted_s(place.from_at, place.to_at)
            index.setdefault(key, Moments()).add(place.from_at, n, lasts_s)
        return index


def _could_hold(tie: Tie, place: Place) -> bool:
    if tie.customer_id and place.customer_id and tie.customer_id != place.customer_id:
        return False
    if tie.amount_cents is not None and tie.amount_cents != place.total_cents:
        return False
    return is_between(tie.at, place.from_at, place.to_at)
