"""Container log files below one folder, as a kubelet lays them out: `namespace_pod_uid/container/run.log`.

What was appended is read from where reading had stopped. A file is known by its path and the instant of its first
line, so that one that was rotated to `run.old` is read to its end and its successor from its beginning.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oddsock.telemetry.agent.cri import LineJoiner
from oddsock.telemetry.agent.log_records import Record, RecordJoiner

BLOCK_BYTES = 256 * 1024
"""How much of one file is read at once."""

HEAD_BYTES = 64
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LogFile:
    """One file of one run of a container, wherever it has been moved to since; *offset* is read up to."""

    key: str
    namespace: str
    pod: str
    uid: str
    container: str
    offset: int = 0
    lines: LineJoiner = field(default_factory=LineJoiner)
    records: RecordJoiner = field(default_factory=RecordJoiner)
    is_silent: bool = False
    """Whether the last look found nothing new."""

    def take(self, data: bytes) -> list[Record]:
        """The records that *data*, which follows what was read before, completes; an unfinished line is left."""
        done: list[Record] = []
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            if line := self.lines.take(data[begin:end], self.offset + begin):
                done += self.records.take(line)
            begin = end + 1
        self.offset += begin
        return done

    @property
    def told_to(self) -> int:
        """The byte up to which everything has left as a record: where to go on after a restart."""
        opens = (self.lines.open_from, self.records.open_from)
        return min((one for one in opens if one is not None), default=self.offset)


class LogFiles:
    """Every log file below *folder*; *positions* say where reading had stopped in an earlier life."""

    def __init__(self, folder: Path, positions: Mapping[str, int]) -> None:
        self._folder = folder
        self._positions = dict(positions)
        self._files: dict[str, LogFile] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._at: dict[str, LogFile] = {}

    def look(self) -> Iterator[tuple[LogFile, Path]]:
        """Files with something unread, and where they are now, older ones of a container first."""
        found: dict[str, tuple[int, int]] = {}
        for path in self._paths():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            place = str(path)
            found[place] = stamp = (status.st_ino, status.st_size)
            if self._seen.get(place) == stamp:
                if known := self._at.get(place):
                    known.is_silent = True
                continue
            if (file := self._identify(path)) is None:
                continue
            self._at[place] = file
            file.is_silent = False
            if file.offset < status.st_size:
                yield file, path
            if file.offset >= status.st_size:
                self._seen[place] = stamp
        self._seen = {place: stamp for place, stamp in self._seen.items() if place in found}
        self._at = {place: file for place, file in self._at.items() if place in found}

    def read(self, file: LogFile, path: Path) -> list[Record]:
        """The next block of *file*, which is at *path*, as records; nothing when it has just gone."""
        try:
            with path.open("rb") as source:
                if self._key(path, source.read(HEAD_BYTES)) != file.key:
                    return []
                source.seek(file.offset)
                return file.take(source.read(BLOCK_BYTES))
        except FileNotFoundError:
            return []

    def silent(self) -> list[LogFile]:
        """Files that hold a record back though nothing more came since the last look, and those that are gone."""
        here = set(map(id, self._at.values()))
        return [
            file
            for file in self._files.values()
            if file.records.open_from is not None and (file.is_silent or id(file) not in here)
        ]

    def forget_gone(self) -> list[str]:
        """Keys of files that are no longer there and have nothing left to tell, which are known no more."""
        here = {file.key for file in self._at.values()}
        gone = [key for key, file in self._files.items() if key not in here and file.records.open_from is None]
        for key in gone:
            del self._files[key]
        forgotten = [key for key in self._positions if key not in self._files and not self._exists(key)]
        for key in forgotten:
            del self._positions[key]
        return [*gone, *forgotten]

    def _exists(self, key: str) -> bool:
        return (self._folder / key.rpartition("@")[0]).parent.is_dir()

    def _paths(self) -> Iterator[Path]:
        for pod in _entries(self._folder):
            for container in _entries(pod):
                files = [path for path in _entries(container) if path.suffix in (".old", ".log")]
                yield from sorted(files, key=lambda path: (path.stem, path.suffix != ".old"))

    def _identify(self, path: Path) -> LogFile | None:
        try:
            with path.open("rb") as source:
                head = source.read(HEAD_BYTES)
        except FileNotFoundError:
            return None
        parts = path.parent.parent.name.split("_")
        if (key := self._key(path, head)) is None or len(parts) != 3:
            return None
        if key not in self._files:
            namespace, pod, uid = parts
            offset = self._positions.get(key, 0)
            self._files[key] = LogFile(key, namespace, pod, uid, path.parent.name, offset)
        return self._files[key]

    def _key(self, path: Path, head: bytes) -> str | None:
        # The first instant: until a whole one is there the file has nothing to tell.
        first, blank, _ = head.partition(b" ")
        if not blank:
            return None
        return f"{path.relative_to(self._folder).with_suffix('')}@{first.decode('ascii', 'replace')}"


def _entries(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return sorted(Path(entry.path) for entry in found)
    except (FileNotFoundError, NotADirectoryError):
        return []
