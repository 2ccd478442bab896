"""Journal, charges, shipments, shown pages and notices, line by line to the standings of their orders."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path

from oddsock.clients.sockshop.books import Charge, Customer, Shipment
from oddsock.drill.grouping import ChargeGroup, Parcel
from oddsock.drill.matching import SKEW_S
from oddsock.drill.row_files import Block
from oddsock.drill.sieve.attempts import TRACEPARENT
from oddsock.drill.sieve.blocks import lean_blocks, whole_rows
from oddsock.drill.sieve.lean import (
    Basket,
    DatedShown,
    LeanChange,
    LeanCharge,
    LeanNotice,
    LeanParcel,
    LeanShown,
    TimedCharge,
    TimedParcel,
)
from oddsock.drill.sieve.standing import FIRST_AT, NOBODY, Sheet, Standing, Unfit, orders_of
from oddsock.drill.sieve.ties import Ties

Standings = dict[str, Standing]

FIRST_SEQ = -(1 << 63)
"""Below every number of a line."""

SKEW = timedelta(seconds=SKEW_S)


def read_journal(path: Path, standings: Standings, ties: Ties) -> Sheet:
    """B3, B4: each order's way through its statuses, and whose calls led it."""
    sheet, last = Sheet(path), FIRST_SEQ
    for block, rows in lean_blocks(path, LeanChange):
        found = orders_of(rows, standings)
        sheet.add(block, found)
        for row, standing in zip(rows, found, strict=True):
            seq = row.seq
            if seq <= last:
                raise Unfit(f"Line {seq} stands behind line {last}.")
            last = seq
            if standing is NOBODY:
                ties.add_call(None, row.request_id, row.traceparent)
                continue
            if (
                row.request_id != standing.request_id
                or row.traceparent[3:35] != standing.trace_id
                or len(row.traceparent) != TRACEPARENT
            ):
                ties.add_call(standing, row.request_id, row.traceparent)
            step = standing.journal.get(row.status)
            if step is None or row.at < standing.at:
                standing.is_held = True
            else:
                standing.journal = step
                standing.at = row.at
    return sheet


def read_charges(path: Path, standings: Standings, ties: Ties, with_events: bool) -> Sheet:
    """C1, C4 to C9, R1 to R5, A7: one charge, of the total, of this customer, and B7 where there are events."""
    sheet, last = Sheet(path), FIRST_SEQ
    for block, rows in lean_blocks(path, TimedCharge if with_events else LeanCharge):
        found = orders_of(rows, standings)
        sheet.add(block, found)
        if NOBODY in found:
            _tie_orphan_charges(block, found, ties)
        for row, standing in zip(rows, found, strict=True):
            seq = row.seq
            if seq <= last:
                raise Unfit(f"Line {seq} stands behind line {last}.")
            last = seq
            if standing is NOBODY:
                continue
            if row.idempotency_key:
                ties.add_key(row.idempotency_key, standing)
            if row.charge_id != standing.charge_id:
                if standing.charge_id is not None:
                    ties.charge_ids.add(row.charge_id)
                    standing.is_held = True
                    continue
                if not row.charge_id:
                    raise Unfit("A charge has no id.")
                standing.charge_id = row.charge_id
            step = standing.charges.get(row.kind)
            if (
                step is None
                or row.amount_cents != standing.total_cents
                or (row.customer_id and row.customer_id != standing.customer_id)
                or (with_events and (standing.pending_at is None or row.at + SKEW < standing.pending_at))
            ):
                standing.is_held = True
            else:
                standing.charges = step
    return sheet


def _tie_orphan_charges(block: Block, found: list[Standing], ties: Ties) -> None:
    for line, standing in zip(whole_rows(block, Charge), found, strict=True):
        if standing is NOBODY:
            ties.charge_ids.add(line.charge_id or line.id)
            ties.add_orphan(ChargeGroup(charge_id=line.charge_id, lines=[line]).tie)
            if line.idempotency_key:
                ties.add_key(line.idempotency_key, None)


def read_shipments(path: Path, standings: Standings, ties: Ties, with_events: bool) -> tuple[Sheet, bool]:
    """S1 to S7, A7: one parcel, as ordered, dispatched; also whether shipping was told what any parcel holds."""
    sheet, last = Sheet(path), FIRST_SEQ
    tells = False
    for block, rows in lean_blocks(path, TimedParcel if with_events else LeanParcel):
        found = orders_of(rows, standings)
        sheet.add(block, found)
        if NOBODY in found:
            _tie_orphan_parcels(block, found, ties)
        for row, standing in zip(rows, found, strict=True):
            seq = row.seq
            if seq <= last:
                raise Unfit(f"Line {seq} stands behind line {last}.")
            last = seq
            if row.lines is not None or row.address:
                tells = True
                if standing is not NOBODY and not _is_as_ordered(row, standing):
                    standing.is_held = True
            if standing is NOBODY:
                continue
            step = standing.parcels.get(row.event)
            if row.shipment_id != standing.shipment_id:
                ties.shipment_ids.add(row.shipment_id)
                standing.is_held = True
            elif (
                step is None
                or (row.customer_id and row.customer_id != standing.customer_id)
                or (with_events and (standing.pending_at is None or row.at + SKEW < standing.pending_at))
            ):
                standing.is_held = True
            else:
                standing.parcels = step
    return sheet, tells


def _tie_orphan_parcels(block: Block, found: list[Standing], ties: Ties) -> None:
    for line, standing in zip(whole_rows(block, Shipment), found, strict=True):
        if standing is NOBODY:
            ties.shipment_ids.add(line.shipment_id)
            ties.add_orphan(Parcel(shipment_id=line.shipment_id, lines=[line]).tie)


def _is_as_ordered(row: LeanParcel, standing: Standing) -> bool:
    is_there = not (row.address and standing.address) or row.address == standing.address
    return is_there and (row.lines is None or _pieces(row.lines) == _pieces(standing.basket))


def _pieces(basket: Basket) -> dict[str, int]:
    pieces: dict[str, int] = {}
    for line in basket:
        pieces[line.item_id] = pieces.get(line.item_id, 0) + line.quantity
    return pieces


TRUE_OF = {
    "shipped": frozenset({"PAID", "SHIPPED", "DELIVERED"}),
    "paid": frozenset({"PAID"}),
    "delivered": frozenset({"DELIVERED"}),
}
"""The labels that are true of an order as it stands now, whose parcel is on its way, by its status. V1, V2."""


class ShownReader:
    """V1 to V5: what the pages show, now and whenever earlier evidence was taken."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._spelt: dict[str, str] = {}
        self.read_at: dict[str, str] = {}

    @property
    def labels(self) -> frozenset[str]:
        """Every label that was met, in small letters."""
        return frozenset(self._spelt.values())

    def _spell(self, label: str) -> str:
        spelt = self._spelt.get(label)
        if spelt is None:
            spelt = self._spelt[label] = label.strip().lower()
        return spelt

    def read(self, path: Path, with_pages: bool) -> Sheet:
        """The pages of this phase; with those kept, when each customer's was read is kept too."""
        sheet = Sheet(path)
        for block, rows in lean_blocks(path, DatedShown if with_pages else LeanShown):
            found = orders_of(rows, self._standings)
            sheet.add(block, found)
            for row, standing in zip(rows, found, strict=True):
                label = self._spelt.get(row.label) or self._spell(row.label)
                if standing is NOBODY:
                    continue
                if (
                    standing.label is not None
                    or standing.status not in TRUE_OF.get(label, ())
                    or (row.amount_cents is not None and row.amount_cents != standing.total_cents)
                ):
                    standing.is_held = True
                standing.label = label
            if with_pages:
                for row in rows:
                    if row.at < self.read_at.get(row.customer_id, "~"):
                        self.read_at[row.customer_id] = row.at
        return sheet

    def read_earlier(self, path: Path) -> Sheet:
        """The pages of another phase: an order that was shown otherwise then may have gone back. V3."""
        sheet = Sheet(path)
        for block, rows in lean_blocks(path, LeanShown):
            found = orders_of(rows, self._standings)
            sheet.add(block, found)
            for row, standing in zip(rows, found, strict=True):
                if standing is not NOBODY and row.label.strip().lower() != standing.label:
                    standing.is_held = True
        return sheet


PAID_MAIL, DELAY_MAIL = 1, 2
GOOD_MAILS = {"paid": PAID_MAIL, "delayed": DELAY_MAIL}
"""The mails that a bought order may have, each once. N2 to N4."""


def read_notices(path: Path, standings: Standings, customers: list[Customer] | None, with_events: bool) -> Sheet:
    """N2 to N5: that an order is delayed or paid, once each and to its customer; None when nobody knows addresses."""
    sheet, last = Sheet(path), FIRST_SEQ
    # N5 reads the address out of a mail's header; one that is no more than its address needs no reading.
    known = {one.id: one.email for one in customers or () if parseaddr(one.email)[1] == one.email}
    for block, rows in lean_blocks(path, LeanNotice):
        found = orders_of(rows, standings)
        sheet.add(block, found)
        for row, standing in zip(rows, found, strict=True):
            seq = row.seq
            if seq <= last:
                raise Unfit(f"Line {seq} stands behind line {last}.")
            last = seq
            if standing is NOBODY:
                continue
            mail = GOOD_MAILS.get(row.event, 0)
            announced_at = (standing.paid_at if mail == PAID_MAIL else standing.pending_at) if with_events else FIRST_AT
            if (
                not mail
                or standing.mails & mail
                or announced_at is None
                or row.at + SKEW < announced_at
                or (customers is not None and known.get(standing.customer_id) != row.to)
            ):
                standing.is_held = True
            elif mail == PAID_MAIL:
                standing.is_told = True
            standing.mails |= mail
    return sheet
