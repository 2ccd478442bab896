"""The day files of a folder: which there are, opened when time leads there, deleted when they are too old."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from oddsock.telemetry.store.logs_day import DayFile

DAY_MS = 86_400_000
_NAME = re.compile(r"logs-([0-9]{4}-[0-9]{2}-[0-9]{2})\.sqlite")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class Days:
    """Files by day number (days since 1970), safe to ask from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._open: dict[int, DayFile] = {}
        self._known = {number for path in folder.iterdir() if (number := _number(path)) is not None}

    def made(self, day: int) -> DayFile:
        """The file of *day*, made when there is none."""
        with self._lock:
            self._known.add(day)
            return self._opened(day)

    def between(self, first: int, last: int) -> list[DayFile]:
        """The files of the days from *first* to *last*, oldest first."""
        with self._lock:
            return [self._opened(day) for day in sorted(self._known) if first <= day <= last]

    def drop_before(self, day: int) -> int:
        """Delete the files of all days before *day*; how many there were."""
        with self._lock:
            old = [number for number in self._known if number < day]
            for number in old:
                self._opened(number).delete()
                self._known.discard(number)
                del self._open[number]
        return len(old)

    def close(self) -> None:
        """Let every file go."""
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()

    def _opened(self, day: int) -> DayFile:
        if day not in self._open:
            name = f"logs-{(_ZERO + timedelta(days=day)).date().isoformat()}.sqlite"
            self._open[day] = DayFile.open(self._folder / name)
        return self._open[day]


def _number(path: Path) -> int | None:
    """The day whose logs a file of this name holds."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        return (datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC) - _ZERO).days
    except ValueError:
        return None
