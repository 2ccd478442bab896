"""The rows of a file, block by block, as lean rows; what cannot be read so makes the books unfit for the sieve."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from oddsock.drill.row_files import Block, NoBlocks, read_blocks
from oddsock.drill.sieve.standing import Unfit


def lean_blocks(path: Path, row: Any) -> Iterator[tuple[Block, list[Any]]]:
    """Each block of the book at *path* with its rows as *row*; Unfit when it is not laid out so or not as expected."""
    decode = msgspec.json.Decoder(list[row]).decode
    try:
        for block in read_blocks(path):
            yield block, decode(block.text)
    except (NoBlocks, msgspec.DecodeError, UnicodeDecodeError, OSError) as cause:
        raise Unfit(f"{path} cannot be sifted: {cause}") from cause


def whole_rows(block: Block, row: Any) -> list[Any]:
    """The rows of *block* in full; Unfit when they are not what the book's reader expects."""
    try:
        return msgspec.json.decode(block.text, type=list[row])
    except msgspec.DecodeError as cause:
        raise Unfit(f"A row is damaged: {cause}") from cause
