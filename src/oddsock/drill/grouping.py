"""Lines of a book that belong together: the lines of one charge, the events of one parcel."""

from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

import msgspec

from oddsock.clients.sockshop.books import Charge, Shipment

Line = TypeVar("Line", Charge, Shipment)


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """What connects a book's lines with an order: ids where the shop passed them on, else who, when and how much."""

    order_id: str
    request_id: str
    traceparent: str
    customer_id: str
    at: str
    amount_cents: int | None = None
    shipment_id: str = ""

    @property
    def is_loose(self) -> bool:
        """Whether the shop dropped every id, so that only customer, time and amount are left."""
        return not (self.order_id or self.request_id or self.traceparent)


class ChargeGroup(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All lines of one charge: its authorisation or decline, captures, refunds and voids; amounts in cents."""

    charge_id: str
    lines: list[Charge]

    def of_kind(self, kind: str) -> list[Charge]:
        """The lines of one *kind*, in the order payment wrote them."""
        return self._by_kind.get(kind, [])

    @cached_property
    def _by_kind(self) -> dict[str, list[Charge]]:
        kinds: dict[str, list[Charge]] = {}
        for line in self.lines:
            kinds.setdefault(line.kind, []).append(line)
        return kinds

    def sum_of(self, kind: str) -> int:
        """What the lines of one *kind* add up to."""
        return sum(line.amount_cents for line in self.of_kind(kind))

    @cached_property
    def captured_cents(self) -> int:
        """What was taken from the customer, before refunds."""
        return self.sum_of("capture")

    @cached_property
    def net_cents(self) -> int:
        """Captures less refunds; 0 where nothing was captured, whatever was refunded (a void ends an authorisation)."""
        return self.captured_cents - self.sum_of("refund") if self.of_kind("capture") else 0

    @property
    def is_live(self) -> bool:
        """Whether the charge still holds the customer's money."""
        return self.net_cents > 0

    @property
    def tie(self) -> Tie:
        """What connects this charge with an order."""
        first = self.lines[0]
        return Tie(
            order_id=_first(line.order_id for line in self.lines),
            request_id=_first(line.request_id for line in self.lines),
            traceparent=_first(line.traceparent for line in self.lines),
            customer_id=_first(line.customer_id for line in self.lines),
            at=first.at,
            amount_cents=first.amount_cents,
        )


class Parcel(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All events of one shipment, in the order shipping wrote them."""

    shipment_id: str
    lines: list[Shipment]

    def count(self, event: str) -> int:
        """How often *event* stands in the book for this parcel."""
        return self._events.count(event)

    @cached_property
    def _events(self) -> list[str]:
        return [line.event for line in self.lines]

    @cached_property
    def is_live(self) -> bool:
        """Whether the parcel is on its way or delivered: nobody recalled it."""
        return not self.count("recalled")

    @property
    def reached_queue(self) -> bool:
        """Whether the task was queued or taken, not merely accepted."""
        return bool(self.count("queued") or self.count("dispatched"))

    @property
    def tie(self) -> Tie:
        """What connects this parcel with an order."""
        return Tie(
            order_id=_first(line.order_id for line in self.lines),
            request_id=_first(line.request_id for line in self.lines),
            traceparent=_first(line.traceparent for line in self.lines),
            customer_id=_first(line.customer_id for line in self.lines),
            at=self.lines[0].at,
            shipment_id=self.shipment_id,
        )


def group_charges(lines: Iterable[Charge]) -> list[ChargeGroup]:
    """The charges that *lines* of payment's book make up, in the order they began; a line read twice counts once."""
    groups: dict[str, list[Charge]] = {}
    for line in _once(lines):
        groups.setdefault(line.charge_id or line.id, []).append(line)
    return [ChargeGroup(charge_id=charge_id, lines=group) for charge_id, group in groups.items()]


def group_parcels(lines: Iterable[Shipment]) -> list[Parcel]:
    """The parcels that *lines* of shipping's book make up, in the order they began; a line read twice counts once."""
    groups: dict[str, list[Shipment]] = {}
    for line in _once(lines):
        groups.setdefault(line.shipment_id, []).append(line)
    return [Parcel(shipment_id=shipment_id, lines=group) for shipment_id, group in groups.items()]


def _once(lines: Iterable[Line]) -> list[Line]:
    by_seq = {line.seq: line for line in lines}
    return [by_seq[seq] for seq in sorted(by_seq)]


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")
