"""A container's output as a CRI log: `<RFC 3339 with nanoseconds> stdout|stderr F|P <line>`, a file a run.

Source of the format: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from oddsock.kit.clock import Clock

LINE_BYTES_MAX = 16 * 1024
"""A longer line is split into parts marked P."""
FILE_BYTES_MAX = 10 * 1024 * 1024
"""A file that is larger is moved to `<name>.old`, which is overwritten: the kubelet's containerLogMaxSize."""

_log = logging.getLogger(__name__)


class ContainerLog:
    """Writes the log of one run of one container."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self._is_losing = False
        self._rest = {"stdout": b"", "stderr": b""}

    def write(self, stream: str, data: bytes) -> None:
        """Log what came on *stream* (stdout, stderr); a line without its end waits for it."""
        if self._file.closed:
            return
        *lines, rest = (self._rest[stream] + data).split(b"\n")
        head = f"{cri_instant(self._clock.now())} {stream} ".encode()
        out = []
        for line in lines:
            out += [head + part for part in _parts(line)]
        while len(rest) >= LINE_BYTES_MAX:
            out.append(head + b"P " + rest[:LINE_BYTES_MAX] + b"\n")
            rest = rest[LINE_BYTES_MAX:]
        self._rest[stream] = rest
        if out:
            self._append(b"".join(out))

    def close(self) -> None:
        """Log unfinished lines and close the file."""
        if self._file.closed:
            return
        for stream, rest in self._rest.items():
            if rest:
                self._append(f"{cri_instant(self._clock.now())} {stream} F ".encode() + rest + b"\n")
        self._file.close()

    def _append(self, data: bytes) -> None:
        if self._size + len(data) > FILE_BYTES_MAX and self._size:
            self._file.close()
            self.path.replace(self.path.with_suffix(".old"))
            self._file = self.path.open("ab", buffering=0)
            self._size = 0
        try:
            self._file.write(data)
        except OSError as cause:
            # A full disk loses log lines; it must not close the pipe, which would end the container.
            if not self._is_losing:
                _log.warning("lines of %s are lost: %s", self.path, cause)
            self._is_losing = True
        else:
            self._size += len(data)
            self._is_losing = False


def cri_instant(at: datetime) -> str:
    """An instant with nine digits after the point, as container runtimes write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _parts(line: bytes) -> list[bytes]:
    parts = []
    while len(line) > LINE_BYTES_MAX:
        parts.append(b"P " + line[:LINE_BYTES_MAX] + b"\n")
        line = line[LINE_BYTES_MAX:]
    return [*parts, b"F " + line + b"\n"]
