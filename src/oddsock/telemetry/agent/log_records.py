"""Lines joined to records: what a Java program writes below a record (blank lines, exceptions, frames) belongs to it.

The real Agent joins only where it is told to, by a pattern of a record's beginning, and then takes every line up to the
next beginning; ours leaves bare prints between two records alone, for they are no part of either.
"""

import re
from dataclasses import dataclass, field

from oddsock.telemetry.agent.cri import Line

LINES_MAX = 500
"""A record ends here even when it goes on."""

BEGINNING = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3}")
"""How a record of Spring Boot begins."""

CONTINUATION = re.compile(r"\s*$|\s+(at |\.\.\. \d+ )|Caused by: |Suppressed: |[\w$]+(\.[\w$]+)+(Exception|Error)\b")
"""How a line below it begins."""


@dataclass(slots=True)
class Record:
    """One record: its lines' text, the first line's instant and stream, the bytes it takes in its file."""

    at_ms: int
    stream: str
    begin: int
    end: int
    texts: list[str] = field(default_factory=list)

    @property
    def message(self) -> str:
        """The text of the record."""
        return "\n".join(self.texts).rstrip()


class RecordJoiner:
    """Makes records of one file's lines; a record that may go on is held until the next line or `flush`."""

    def __init__(self) -> None:
        self._open: dict[str, Record] = {}

    def take(self, line: Line) -> list[Record]:
        """The records that *line* ends."""
        held = self._open.get(line.stream)
        if held is not None and len(held.texts) < LINES_MAX and CONTINUATION.match(line.text):
            held.texts.append(line.text)
            held.end = line.end
            return []
        done = [held] if held is not None else []
        self._open.pop(line.stream, None)
        record = Record(line.at_ms, line.stream, line.begin, line.end, [line.text])
        if BEGINNING.match(line.text):
            self._open[line.stream] = record
        else:
            done.append(record)
        return [one for one in done if one.message]

    def flush(self) -> list[Record]:
        """The records that were held."""
        done = sorted(self._open.values(), key=lambda record: record.begin)
        self._open.clear()
        return [one for one in done if one.message]

    @property
    def open_from(self) -> int | None:
        """The byte at which the oldest held record begins; None without one."""
        return min((record.begin for record in self._open.values()), default=None)
