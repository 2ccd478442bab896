"""Sifts a phase's evidence: which orders pass, and the evidence and the course of all others for the checks."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Charge, Notice, Order, OrderEvent, Shipment, Shown, StatusChange
from oddsock.drill.case import Case
from oddsock.drill.checks.telemetry import FAILED_LINE
from oddsock.drill.course import Course
from oddsock.drill.course_files import load_course, orders_logs
from oddsock.drill.evidence_files import BookEvidence, Evidence, Row, assemble, phases_taken, read_book
from oddsock.drill.ledger import ANYTHING, Aside, is_never_kept
from oddsock.drill.row_files import NoBlocks, read_head
from oddsock.drill.sieve.attempts import AttemptReader
from oddsock.drill.sieve.events import read_events
from oddsock.drill.sieve.held import held_book, held_entries, held_shown
from oddsock.drill.sieve.lean import Baskets
from oddsock.drill.sieve.lines import ShownReader, read_charges, read_journal, read_notices, read_shipments
from oddsock.drill.sieve.orders import read_orders
from oddsock.drill.sieve.standing import Sheet, Standing, Unfit
from oddsock.drill.sieve.ties import Ties
from oddsock.drill.telemetry_files import ORDERS_LINES, load_answers
from oddsock.kit.clock import instant

SIFTED: dict[str, Any] = {
    "orders": Order, "journal": StatusChange, "charges": Charge, "shipments": Shipment, "notices": Notice,
    "shown": Shown, "order_events": OrderEvent,
}  # fmt: skip
"""The books that are read line by line and the rows they are made of; all others are small and read whole."""

NEEDED = ("orders", "journal", "charges", "shipments", "shown", "carts")
"""The books without which no order is balanced."""

AFTER_MEND = "after-mend"
FAILED_WORD = "PAYMENT_FAILED"
"""What stands in every line that FAILED_LINE finds."""


class Sifted(msgspec.Struct, frozen=True, kw_only=True):
    """All *standings* in the order of their book; what is held back as *evidence* and *course*; what the rest means."""

    standings: list[Standing]
    evidence: Evidence
    course: Course
    aside: Aside


def sift(case: Case, phase: str) -> Sifted | None:
    """Sift what *case* kept in *phase*; None when it is not fit for it and must be judged whole; reads files only.

    After a mend all orders are compared with what they were, so that none can be set aside.
    """
    if phase == AFTER_MEND:
        return None
    try:
        return _Sieve(case, phase).sift()
    except (Unfit, NoBlocks, OSError, ValueError, msgspec.DecodeError):
        return None


class _Sieve:
    """One sifting of *case*'s *phase*."""

    def __init__(self, case: Case, phase: str) -> None:
        self._case = case
        self._phase = phase
        self._ties = Ties()
        self._sheets: dict[str, Sheet] = {}

    def sift(self) -> Sifted:
        """All of it; Unfit, NoBlocks, OSError or ValueError when it cannot be."""
        whole = assemble(self._case, self._phase, self._read_head)
        _check_books(whole)
        baskets = Baskets()
        standings, self._sheets["orders"] = read_orders(self._path("orders"), whole.owners.rows, baskets)
        taken_at = instant(whole.orders.taken_at or whole.taken_at)
        attempts = AttemptReader(
            self._case.path / "history.jsonl", standings, baskets, self._ties, taken_at, whole.carts.rows
        )  # fmt: skip
        attempts.read()
        aside = self._read_lines(whole, standings)
        shown = ShownReader(standings)
        self._sheets["shown"] = shown.read(self._path("shown"), bool(whole.pages))
        earlier = [shown.read_earlier(path) for path in self._other_shown()]
        logs = orders_logs(self._case)
        for order_id in _failed_orders(self._case, logs):
            if order_id in standings:
                standings[order_id].is_held = True
        listed = list(standings.values())
        self._ties.hold(listed)
        for standing in listed:
            standing.close()
        course = load_course(
            self._case, held_entries(attempts.sheet), held_shown([self._sheets["shown"], *earlier]), logs
        )
        customer_ids = {attempt.customer_id for attempt in course.attempts}
        return Sifted(
            standings=listed,
            evidence=assemble(self._case, self._phase, lambda name, row: self._read_held(whole, name, row)),
            course=course,
            aside=Aside(
                tells_parcels=aside.tells_parcels,
                labels=shown.labels,
                read_at=shown.read_at,
                tried_at=partial(_tried_at, listed, customer_ids),
            ),
        )

    def _path(self, book: str) -> Path:
        return self._case.evidence_dir(self._phase) / f"{book}.json"

    def _read_lines(self, whole: Evidence, standings: dict[str, Standing]) -> Aside:
        """The books that are read line by line, but for what was shown."""
        sheets, ties = self._sheets, self._ties
        with_events = whole.order_events.present
        if with_events:
            sheets["order_events"] = read_events(self._path("order_events"), standings)
        sheets["journal"] = read_journal(self._path("journal"), standings, ties)
        sheets["charges"] = read_charges(self._path("charges"), standings, ties, with_events)
        sheets["shipments"], tells = read_shipments(self._path("shipments"), standings, ties, with_events)
        if whole.notices.present:
            known = whole.customers.rows if whole.customers.present else None
            sheets["notices"] = read_notices(self._path("notices"), standings, known, with_events)
        return Aside(tells_parcels=tells)

    def _read_head(self, name: str, row: type[Row]) -> BookEvidence[Row]:
        """A small book whole, of any other what it says before its rows."""
        path = self._path(name)
        if name not in SIFTED or not path.exists():
            return read_book(path, name, self._phase, row)
        return BookEvidence(**read_head(path))

    def _read_held(self, whole: Evidence, name: str, row: type[Row]) -> BookEvidence[Row]:
        """A small book as it was read, of any other the lines that are held back."""
        if name in self._sheets:
            return held_book(self._sheets[name], row)
        kept: BookEvidence[Row] = getattr(whole, name)
        return kept

    def _other_shown(self) -> list[Path]:
        """What pages showed in the other phases, where any were read."""
        paths = [self._case.evidence_dir(one) / "shown.json" for one in phases_taken(self._case) if one != self._phase]
        return [path for path in paths if path.exists() and read_head(path)["missing"] is None]


def _check_books(whole: Evidence) -> None:
    lost = [name for name in NEEDED if not getattr(whole, name).present]
    if lost or not (whole.notices.present or is_never_kept(whole.notices.missing or "")):
        raise Unfit(f"No order is balanced without {', '.join(lost) or 'notices'}.")


def _failed_orders(case: Case, logs: dict[str, list[str]]) -> set[str]:
    """The orders whose payment failed once by the log or by telemetry. G3, E1."""
    lines = [line for kept in logs.values() for line in kept if FAILED_WORD in line]
    for answer in load_answers(case, ORDERS_LINES).values():
        lines += [str(row.get("message")) for row in answer.rows]
    return {found[1] for line in lines if (found := FAILED_LINE.search(line))}


def _tried_at(standings: list[Standing], customer_ids: set[str]) -> dict[str, dict[str, datetime]]:
    """When *customer_ids* last tried to order each sock, by the attempts that passed. K1, K2."""
    tried: dict[str, dict[str, datetime]] = {}
    for standing in standings:
        at = standing.invoked_at
        if at is not None and not standing.is_held and standing.customer_id in customer_ids:
            last = tried.setdefault(standing.customer_id, {})
            for line in standing.basket:
                last[line.item_id] = max(at, last.get(line.item_id, at))
            last[ANYTHING] = max(at, last.get(ANYTHING, at))
    return tried
