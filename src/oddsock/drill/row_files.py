"""How a book's evidence lies in its file: one JSON document, its head on the first line, then one row a line.

    {"book":"charges","phase":"after-heal",...,"missing":null,"rows":[
    {"seq":1,...},
    {"seq":2,...}
    ]}

Any JSON reader takes it whole. Because no JSON text holds a bare newline within a row, it can be read in blocks of
whole rows too, so that a book of millions of rows need not be in memory. Cases of earlier releases are laid out
otherwise: they have no blocks.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from oddsock.kit.errors import OddsockError
from oddsock.kit.files import write_whole

BLOCK_BYTES = 1 << 17
"""About how much of a file is in memory at once."""

ROWS_BEGIN, BETWEEN, ROWS_END = b'"rows":[\n', b",\n", b"\n]}\n"


class NoBlocks(OddsockError):
    """The file is not laid out in lines, or is torn: read it whole."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """Whole rows of a file: *text* is a JSON array of them, which stood at *offset* for *size* bytes."""

    offset: int
    size: int
    text: bytes


def write_rows(path: Path, head: dict[str, Any], rows: Iterable[object]) -> None:
    """Put *head* and *rows* at *path*, whole and durable, a row a line; OSError when the disk refuses."""
    write_whole(path, _lines(head, rows))


def _lines(head: dict[str, Any], rows: Iterable[object]) -> Iterator[str]:
    encode = msgspec.json.Encoder().encode
    yield encode({**head, "rows": []}).decode().removesuffix("]}")
    between = "\n"
    for row in rows:
        yield between + encode(row).decode()
        between = ",\n"
    yield "\n]}\n"


def read_head(path: Path) -> dict[str, Any]:
    """What *path* says before its rows; NoBlocks when it is not laid out in lines, OSError when it is not there."""
    with path.open("rb") as source:
        line = source.readline()
    if not line.endswith(ROWS_BEGIN):
        raise NoBlocks(f"{path} is not laid out a row a line.")
    try:
        head: dict[str, Any] = msgspec.json.decode(line + b"]}", type=dict[str, Any])
    except msgspec.DecodeError as cause:
        raise NoBlocks(f"The head of {path} is damaged: {cause}.") from cause
    return head


def read_blocks(path: Path) -> Iterator[Block]:
    """The rows of *path*, block after block; NoBlocks when it is not laid out in lines or its end is missing."""
    with path.open("rb") as source:
        offset = len(source.readline())
        is_whole = False
        while text := source.read(BLOCK_BYTES):
            text += source.readline()
            size = len(text)
            if text.endswith(ROWS_END) or text == ROWS_END[1:]:
                is_whole = not source.read(1)
                text = text.removesuffix(ROWS_END) if text != ROWS_END[1:] else b""
            if text:
                yield Block(offset, size, array_of(text))
            offset += size
    if not is_whole:
        raise NoBlocks(f"{path} is not laid out a row a line, or its end is missing.")


def array_of(text: bytes) -> bytes:
    """The JSON array of the rows in *text*, which may end with the comma before the next block."""
    return b"[" + text.removesuffix(BETWEEN) + b"]"


def read_some(path: Path, wanted: Iterable[tuple[int, int, list[int]]]) -> Iterator[bytes]:
    """JSON arrays of single rows: of each block (offset, size) those at the given indexes, in order."""
    with path.open("rb") as source:
        for offset, size, indexes in wanted:
            if indexes:
                source.seek(offset)
                lines = source.read(size).split(BETWEEN)
                lines[-1] = lines[-1].removesuffix(ROWS_END)
                yield b"[" + b",".join([lines[n] for n in indexes]) + b"]"
