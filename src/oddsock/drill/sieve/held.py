"""What is held back, read a second time and whole: the evidence and the course of those orders and of no other."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from oddsock.clients.sockshop.books import Shown
from oddsock.drill.evidence_files import BookEvidence, Row
from oddsock.drill.history import Entry
from oddsock.drill.row_files import read_head, read_some
from oddsock.drill.sieve.standing import Sheet, Unfit


def held_book(sheet: Sheet, row: type[Row]) -> BookEvidence[Row]:
    """The book of *sheet* with the lines that are held back as *row*; Unfit when one is damaged."""
    return BookEvidence(**{**read_head(sheet.path), "rows": _held_rows(sheet, row)})


def _held_rows(sheet: Sheet, row: Any) -> list[Any]:
    decode = msgspec.json.Decoder(list[row]).decode
    try:
        return [line for text in read_some(sheet.path, sheet.held()) for line in decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise Unfit(f"A row of {sheet.path} is damaged: {cause}") from cause


def held_shown(sheets: Iterable[Sheet]) -> list[Shown]:
    """What pages showed of the orders held back, in all phases."""
    return [line for sheet in sheets for line in _held_rows(sheet, Shown)]


def held_entries(sheet: Sheet) -> Iterator[Entry]:
    """The lines of the history that are no checkout that passed; Unfit when one is damaged."""
    decode = msgspec.json.Decoder(Entry).decode
    try:
        for line in _held_lines(sheet.path, sheet.held()):
            yield decode(line)
    except msgspec.DecodeError as cause:
        raise Unfit(f"A line of {sheet.path} is damaged: {cause}") from cause


def _held_lines(path: Path, wanted: Iterable[tuple[int, int, list[int]]]) -> Iterator[bytes]:
    with path.open("rb") as source:
        for offset, size, numbers in wanted:
            if numbers:
                source.seek(offset)
                lines = source.read(size).split(b"\n")
                yield from (lines[n] for n in numbers)
