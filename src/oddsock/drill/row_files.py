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

BLOCK_BYTES = 1 << 16
"""About how much of a file is in memory at once."""

COMMA = ord(",")
ROWS_BEGIN, BETWEEN, ROWS_END = b'"rows":[\n', b",\n", b"\n]}\n"


class NoBlocks(OddsockError):
    """The file is not laid out in lines, or is torn: read it whole."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """Whole lines of a file that stood at *offset* for *size* bytes; *text* holds good until the next block is read."""

    offset: int
    size: int
    text: memoryview


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
    """The rows of *path*, block after block, each a JSON array of whole rows.

    NoBlocks when the file is not laid out in lines or its end is missing.
    """
    with path.open("rb") as source:
        begin = len(source.readline())
    is_whole = False
    for offset, buffer, end in _whole_lines(path, begin):
        if is_whole or end is None:
            raise NoBlocks(f"Something stands behind the end of {path}, or its last line is torn.")
        if buffer[1:end] == ROWS_END[1:]:
            is_whole = True
            continue
        is_whole = buffer.endswith(ROWS_END, 1, end)
        stop = end - (len(ROWS_END) if is_whole else len(BETWEEN) if buffer.endswith(BETWEEN, 1, end) else 1)
        buffer[0], buffer[stop] = b"["[0], b"]"[0]
        yield Block(offset, end - 1, memoryview(buffer)[: stop + 1])
    if not is_whole:
        raise NoBlocks(f"{path} is not laid out a row a line, or its end is missing.")


def read_line_blocks(path: Path) -> Iterator[Block]:
    """The whole lines of *path*, block after block; a torn last line is left out."""
    for offset, buffer, end in _whole_lines(path, 0):
        if end is not None:
            yield Block(offset, end - 1, memoryview(buffer)[1:end])


def _whole_lines(path: Path, offset: int) -> Iterator[tuple[int, bytearray, int | None]]:
    """From *offset* on: where a block begins, and a buffer that holds it from 1 to the end; None for a torn end.

    One buffer serves for all blocks: to copy them would cost about as much as to decode them.
    """
    buffer, held = bytearray(BLOCK_BYTES + 1), 1
    with path.open("rb", buffering=0) as source:
        source.seek(offset)
        while True:
            if held == len(buffer):
                # A row that is longer than a block.
                buffer = buffer + bytearray(len(buffer))
            got = source.readinto(memoryview(buffer)[held:])
            if not got:
                break
            held += got
            end = buffer.rfind(b"\n", held - got, held) + 1
            if end:
                yield offset, buffer, end
                offset += end - 1
                buffer[1 : 1 + held - end] = buffer[end:held]
                held = 1 + held - end
    if held > 1:
        yield offset, buffer, None


class Pick(msgspec.Struct, frozen=True, gc=False):
    """Some of the *lines* lines of a block at *offset* of *size* bytes: their *numbers*, in order, from 0."""

    offset: int
    size: int
    lines: int
    numbers: list[int]


def read_picked(path: Path, picks: Iterable[Pick]) -> Iterator[list[bytes]]:
    """The picked lines of *path*, block by block, without the comma and the newline behind them."""
    with path.open("rb", buffering=0) as source:
        for pick in picks:
            if pick.numbers:
                source.seek(pick.offset)
                text = source.read(pick.size) or b""
                yield list(_picked_lines(text, pick))


def _picked_lines(text: bytes, pick: Pick) -> Iterator[bytes]:
    """Each picked line: by counting newlines up to shortly before it, which is faster than splitting."""
    mean = 0.9 * len(text) / pick.lines
    at = line = 0
    for number in pick.numbers:
        while line < number:
            before, passed = 0, 0
            if number - line > 2:
                before = text.rfind(b"\n", at, at + int(mean * (number - line))) + 1
                passed = text.count(b"\n", at, before)
            if passed and line + passed <= number:
                at, line = before, line + passed
            else:
                at, line = text.find(b"\n", at) + 1, line + 1
        end = text.find(b"\n", at)
        # The last row of a file has no comma behind it.
        yield text[at : end - 1 if text[end - 1] == COMMA else end]
        at, line = end + 1, line + 1
