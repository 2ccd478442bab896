"""The events of orders, where a shop makes orders of them: they fold into the order and announce its effects."""

from pathlib import Path

from oddsock.drill.sieve.blocks import lean_blocks
from oddsock.drill.sieve.lean import Basket, LeanBirth, LeanEvent, LeanItem
from oddsock.drill.sieve.lines import FIRST_SEQ, Standings
from oddsock.drill.sieve.standing import FIRST_AT, NOBODY, Sheet, Standing, orders_of
from oddsock.kit.money import cents

Pieces = dict[tuple[str, int], int]


def read_events(path: Path, standings: Standings) -> Sheet:
    """B6, and B7's announcements; each order's own events must stand in their order, and its first makes it."""
    for one in standings.values():
        one.event_seq, one.event_status, one.event_shipment = FIRST_SEQ, None, None
        one.pending_at = one.paid_at = None
    sheet = Sheet(path)
    is_same = _SamePieces()
    for block, rows in lean_blocks(path, LeanEvent):
        found = orders_of(rows, standings)
        sheet.add(block, found)
        for row, standing in zip(rows, found, strict=True):
            if standing is NOBODY:
                continue
            if row.seq <= standing.event_seq or row.at < standing.at:
                standing.is_held = True
            standing.event_seq, standing.at = row.seq, row.at
            born, status = row.data.order, row.data.status
            is_first = standing.event_status is None
            if row.kind == "created":
                if not isinstance(born, LeanBirth) or not is_first or not _is_born_so(born, standing, is_same):
                    standing.is_held = True
                    continue
                standing.event_status, standing.event_shipment = born.status, born.shipment_id
            elif is_first:
                standing.is_held = True
            elif row.kind in ("moved", "shipped"):
                if isinstance(status, str):
                    standing.event_status = status
                    if row.kind == "moved":
                        _announce(standing, status, row)
                if row.data.shipment_id is None or isinstance(row.data.shipment_id, str):
                    standing.event_shipment = row.data.shipment_id
    for one in standings.values():
        one.at = FIRST_AT
        if one.event_status != one.status or one.event_shipment != one.shipment_id:
            one.is_held = True
    return sheet


def _announce(standing: Standing, status: str, row: LeanEvent) -> None:
    if status == "PENDING" and standing.pending_at is None:
        standing.pending_at = row.at
    elif status == "PAID" and standing.paid_at is None:
        standing.paid_at = row.at


def _is_born_so(born: LeanBirth, standing: Standing, is_same: "_SamePieces") -> bool:
    is_whose = born.customer_id == standing.customer_id and born.total_cents == standing.total_cents
    return is_whose and bool(born.status) and is_same(born.items, standing.basket)


class _SamePieces:
    """Whether an event's items are an order's lines; what was once compared is remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[LeanItem, ...], Basket], bool] = {}

    def __call__(self, items: tuple[LeanItem, ...], basket: Basket) -> bool:
        known = self._known.get((items, basket))
        if known is None:
            held: Pieces = {}
            named: Pieces = {}
            for line in basket:
                _add(held, (line.item_id, line.unit_cents), line.quantity)
            for item in items:
                _add(named, (item.itemId, cents(item.unitPrice)), item.quantity)
            known = self._known[items, basket] = held == named
        return known


def _add(pieces: Pieces, key: tuple[str, int], quantity: int) -> None:
    pieces[key] = pieces.get(key, 0) + quantity
