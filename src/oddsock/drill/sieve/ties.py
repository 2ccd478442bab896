"""Ids that tie an order to others: one that stands under two orders, or on a line that belongs to none.

Matching goes by these ids (drill/matching). Whoever shares one is held back, so that an order that passes is tied to
nothing but its own lines, and the others are matched among themselves as they would be among all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from oddsock.drill.grouping import Tie
from oddsock.drill.sieve.standing import Standing, Unfit
from oddsock.kit.ids import trace_id


class Ties:
    """What was found on lines that are not plainly their order's, until `hold` draws the consequence."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        """Attempts that belong to no standing."""
        self.calls: list[str] = []
        """Request and trace ids of such attempts."""
        self.foreign: dict[str, list[Standing]] = {}
        """Request and trace ids on lines of an order whose attempt has others."""
        self.charge_ids: set[str] = set()
        """Charges on lines of an order that has another, or of none."""
        self.shipment_ids: set[str] = set()
        """The same of parcels."""
        self.keys: dict[str, Standing | None] = {}
        """Whose charge was made under each idempotency key, None for an order that is not there."""

    def add_attempt(self, operation: str, request_id: str, traceparent: str) -> None:
        """An attempt that cannot pass."""
        self.operations.append(operation)
        self.calls += filter(None, (request_id, trace_id(traceparent)))

    def add_call(self, standing: Standing | None, request_id: str, traceparent: str) -> None:
        """The ids of a line of *standing*, where they are not its attempt's."""
        for known in (request_id, trace_id(traceparent)):
            if known and (standing is None or known not in (standing.request_id, standing.trace_id)):
                self.foreign.setdefault(known, []).extend([standing] if standing else [])

    def add_orphan(self, tie: Tie) -> None:
        """A line of an order that is not there; Unfit when it names nothing but a customer, an amount and a time."""
        if tie.is_loose:
            raise Unfit("The shop passes no ids on.")
        self.add_call(None, tie.request_id, tie.traceparent)

    def add_key(self, key: str, standing: Standing | None) -> None:
        """A charge of *standing* under *key*; whoever shares a key is held back. C6."""
        first = self.keys.setdefault(key, standing)
        if first is None or first is not standing:
            for one in filter(None, (first, standing)):
                one.is_held = True

    def hold(self, standings: Sequence[Standing]) -> None:
        """Hold every one of *standings* back that shares an id; Unfit when two attempts have one name."""
        tried = [one for one in standings if one.operation is not None]
        named = {one.operation for one in tried}
        if len(named) + len(set(self.operations)) != len(tried) + len(self.operations) or named & set(self.operations):
            raise Unfit("Two attempts have one name.")
        self._hold_calls(tried)
        charged = self.charge_ids | repeated([one.charge_id or "" for one in standings])
        sent = self.shipment_ids | repeated([one.shipment_id for one in standings])
        if charged:
            _hold_those(one for one in standings if one.charge_id in charged)
        if sent:
            _hold_those(one for one in standings if one.shipment_id in sent)

    def _hold_calls(self, tried: Sequence[Standing]) -> None:
        requests = {one.request_id for one in tried}
        traces = {one.trace_id for one in tried}
        shared: set[str] = set()
        if len(requests) + len(traces) != 2 * len(tried) or not requests.isdisjoint(traces):
            shared = repeated([*(one.request_id for one in tried), *(one.trace_id for one in tried)])
        strays = set(self.calls)
        shared |= {known for known in strays if known in requests or known in traces}
        met = {known for known in self.foreign if known in requests or known in traces or known in strays}
        for known in met:
            _hold_those(self.foreign[known])
        shared |= met
        if shared:
            _hold_those(one for one in tried if one.request_id in shared or one.trace_id in shared)


def _hold_those(standings: Iterable[Standing]) -> None:
    for one in standings:
        one.is_held = True


def repeated(names: list[str]) -> set[str]:
    """The *names* that are there more than once, those left empty aside.

    >>> sorted(repeated(["a", "b", "", "a", "", "b", "c"]))
    ['a', 'b']
    """
    given = list(filter(None, names))
    # They are only counted where something is there twice: a set is made faster.
    return {name for name, times in Counter(given).items() if times > 1} if len(set(given)) < len(given) else set()
