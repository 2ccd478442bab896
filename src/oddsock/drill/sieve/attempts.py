"""The history: each checkout with its end, given to the standing of the order that it made."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from oddsock.clients.sockshop.books import CartLine
from oddsock.drill.row_files import read_line_blocks
from oddsock.drill.sieve.lean import ENTRIES, Basket, Baskets, LeanEntry
from oddsock.drill.sieve.standing import NOBODY, Sheet, Standing, Unfit
from oddsock.drill.sieve.ties import Ties

TRACEPARENT = 55
"""Characters of a traceparent of version 00; its trace id are those from 3 to 35. Source: W3C Trace Context 3.2."""

Place = tuple[list[Standing], int]
"""Where a line of the history stands: the standings of its block's lines, and its number among them."""


class AttemptReader:
    """Reads the history of *path* to *standings*; attempts that are not plainly one order's go to *ties*."""

    def __init__(
        self,
        path: Path,
        standings: dict[str, Standing],
        baskets: Baskets,
        ties: Ties,
        taken_at: datetime,
        carts: list[CartLine],
    ) -> None:
        self.sheet = Sheet(path)
        self._standings = standings
        self._baskets = baskets
        self._ties = ties
        self._taken_at = taken_at
        self._carts: dict[str, set[str]] = {}
        for line in carts:
            self._carts.setdefault(line.customer_id, set()).add(line.item_id)
        self._begun: dict[str, tuple[LeanEntry, Basket, list[Standing], int]] = {}
        self._edges: list[Place] = []
        self._last_main: Place | None = None

    def read(self) -> None:
        """Read it all; Unfit when it is not as the house writes it."""
        begun_by, read_basket = self._begun, self._baskets.read
        for block in read_line_blocks(self.sheet.path):
            entries = decode_entries(block.text)
            found: list[Standing] = [NOBODY] * len(entries)
            for n, entry in enumerate(entries):
                if entry is None or entry.verb != "checkout":
                    continue
                kind = entry.kind
                if kind == "invoke":
                    if entry.operation in begun_by:
                        raise Unfit(f"Attempt {entry.operation} begins twice.")
                    # Its spelling is gone with the block.
                    basket = read_basket(bytes(entry.value.lines))
                    begun_by[entry.operation] = entry, basket, found, n
                elif kind != "note":
                    begun = begun_by.pop(entry.operation, None)
                    if begun is None:
                        raise Unfit(f"Attempt {entry.operation} ends and did not begin.")
                    first, basket, place, number = begun
                    standing = self._settle(first, basket, entry)
                    if standing is not None:
                        found[n] = place[number] = standing
            self._keep_edges(entries, found)
            self.sheet.add(block, found)
        for entry, *_ in self._begun.values():
            self._ties.add_attempt(entry.operation, entry.value.request_id, entry.value.traceparent)
        self._hold_edges()

    def _settle(self, first: LeanEntry, basket: Basket, last: LeanEntry) -> Standing | None:
        """The standing of the order that one attempt made, when all about it is plain."""
        wanted, got = first.value, last.value
        standing = self._standings.get(got.order_id)
        trace = wanted.traceparent
        trace_id = trace[3:35]
        if (
            standing is None
            or last.kind != "ok"
            or standing.operation is not None
            or wanted.customer_id != standing.customer_id  # A7
            or basket != standing.basket  # B2
            or wanted.synthetic
            or wanted.form  # A3
            or first.at > self._taken_at
            or last.at > self._taken_at
            or (trace and (len(trace) != TRACEPARENT or trace[2] != "-" or trace[35] != "-" or "-" in trace_id))
            # K2: what was ordered is out of the cart.
            or (self._carts and bytes(got.cart_after) != b"[]" and self._is_in_cart(standing))
        ):
            if standing is not None:
                standing.is_held = True
            self._ties.add_attempt(first.operation, wanted.request_id, trace)
            return None
        standing.operation = first.operation
        standing.invoked_at = first.at
        standing.request_id = wanted.request_id
        standing.trace_id = trace_id
        standing.is_told = got.told == "confirmation"  # N2
        return standing

    def _is_in_cart(self, standing: Standing) -> bool:
        held = self._carts.get(standing.customer_id)
        return held is not None and any(line.item_id in held for line in standing.basket)

    def _keep_edges(self, entries: list[LeanEntry | None], found: list[Standing]) -> None:
        """Mind the first line of all and the first and the last of the main part: the course is told by their times."""
        if not self._edges and entries:
            self._edges.append((found, 0))
        if self._last_main is None:
            self._edges += [(found, n) for n in _main(entries, range(len(entries)))]
        for n in _main(entries, range(len(entries) - 1, -1, -1)):
            self._last_main = found, n

    def _hold_edges(self) -> None:
        for found, n in [*self._edges, *([self._last_main] if self._last_main else [])]:
            found[n].is_held = True


def _main(entries: list[LeanEntry | None], numbers: Iterable[int]) -> list[int]:
    """The first of *numbers* whose entry is of the main part, none when none is."""
    return list(islice((n for n in numbers if (entry := entries[n]) is not None and entry.phase == "main"), 1))


def decode_entries(text: memoryview) -> list[LeanEntry | None]:
    """The lines of *text*, None for one whose value is another verb's and reads otherwise; Unfit for a damaged one."""
    try:
        return list(ENTRIES.decode_lines(text))
    except msgspec.DecodeError:
        return [_decode_entry(line) for line in bytes(text).split(b"\n")[:-1]]


def _decode_entry(line: bytes) -> LeanEntry | None:
    try:
        return ENTRIES.decode(line)
    except msgspec.ValidationError as cause:
        if b'"checkout"' in line:
            raise Unfit(f"A checkout is written otherwise: {cause}") from cause
        return None
    except msgspec.DecodeError as cause:
        raise Unfit(f"A line of the history is damaged: {cause}") from cause
