"""What is held back, read a second time and whole: the evidence and the course of those orders and of no other."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Shown
from oddsock.drill.evidence_files import BookEvidence, Row
from oddsock.drill.history import Entry
from oddsock.drill.row_files import read_head, read_picked
from oddsock.drill.sieve.standing import Sheet, Unfit


def held_book(sheet: Sheet, row: type[Row]) -> BookEvidence[Row]:
    """The book of *sheet* with the lines that are held back as *row*; Unfit when one is damaged."""
    return BookEvidence(**{**read_head(sheet.path), "rows": _held_rows(sheet, row)})


def _held_rows(sheet: Sheet, row: Any) -> list[Any]:
    decode = msgspec.json.Decoder(list[row]).decode
    try:
        picked = read_picked(sheet.path, sheet.held())
        return [row for lines in picked for row in decode(b"[" + b",".join(lines) + b"]")]
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise Unfit(f"A row of {sheet.path} is damaged: {cause}") from cause


def held_shown(sheets: Iterable[Sheet]) -> list[Shown]:
    """What pages showed of the orders held back, in all phases."""
    return [line for sheet in sheets for line in _held_rows(sheet, Shown)]


def held_entries(sheet: Sheet) -> Iterator[Entry]:
    """The lines of the history that are no checkout that passed; Unfit when one is damaged."""
    decode = msgspec.json.Decoder(Entry).decode
    try:
        for lines in read_picked(sheet.path, sheet.held()):
            yield from map(decode, lines)
    except msgspec.DecodeError as cause:
        raise Unfit(f"A line of {sheet.path} is damaged: {cause}") from cause
