"""What a verb puts on stdout: a table for people, JSON for scripts, colours only on a terminal."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import Console

WIDTH_PIPED = 160
"""Columns of a table when stdout is no terminal: wide enough that no cell is cut."""


def console() -> "Console":
    """A console on stdout; without a terminal it writes plain text and does not wrap early."""
    from rich.console import Console

    made = Console(highlight=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = WIDTH_PIPED
    return made


def say(text: str = "") -> None:
    """One line on stdout."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """One line on stderr: progress, or something a user should know while stdout stays for the answer."""
    _write(sys.stderr, text)


def say_json(document: object) -> None:
    """One indented JSON document on stdout; Structs are written by their fields."""
    import msgspec

    say(msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2).decode())


def say_table(headings: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> None:
    """A table with *headings*; the columns of *right* (from 0) hold numbers and are aligned so."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


def _write(stream: "TextIO", text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
