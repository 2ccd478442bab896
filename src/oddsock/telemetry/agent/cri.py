"""Lines of container logs: `<RFC 3339 with nanoseconds> stdout|stderr F|P <text>`; the parts P of a line are joined.

Source of the format: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from dataclasses import dataclass

from oddsock.kit.clock import instant

TEXT_BYTES_MAX = 256 * 1024
"""A line whose parts are longer together is told in pieces: what Datadog takes of one log is about that."""


@dataclass(frozen=True, slots=True)
class Line:
    """One whole line: when it was written, on which stream ("" when nobody knows), where it stands in its file."""

    at_ms: int
    stream: str
    text: str
    begin: int
    end: int


class LineJoiner:
    """Makes whole lines of one file's raw lines."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[int, int, list[bytes], int]] = {}

    def take(self, raw: bytes, begin: int) -> Line | None:
        """The line that *raw* (at byte *begin*, without its end) is or completes; None for a part or an unreadable."""
        at_ms, stream, tag, text = split_line(raw)
        end = begin + len(raw) + 1
        if tag not in (b"F", b"P"):
            return None
        first_ms, first, parts, size = self._parts.pop(stream, (at_ms, begin, [], 0))
        parts.append(text)
        size += len(text)
        if tag == b"P" and size < TEXT_BYTES_MAX:
            self._parts[stream] = (first_ms, first, parts, size)
            return None
        return Line(first_ms, stream, b"".join(parts).decode("utf-8", "replace"), first, end)

    @property
    def open_from(self) -> int | None:
        """The byte at which the oldest unfinished line begins; None without one."""
        return min((begin for _, begin, _, _ in self._parts.values()), default=None)


def split_line(raw: bytes) -> tuple[int, str, bytes, bytes]:
    """(milliseconds since 1970, stream, F or P, text) of one raw line; an empty tag when it is no CRI line."""
    at, _, rest = raw.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tag, _, text = rest.partition(b" ")
    try:
        # Nine digits after the point are more than an instant of Python's holds.
        head, point, fraction = at.decode("ascii").rstrip("Z").partition(".")
        at_ms = round(instant(f"{head}Z").timestamp() * 1000) + int((fraction + "000")[:3] if point else "0")
    except (UnicodeDecodeError, ValueError):
        return 0, "", b"", b""
    return at_ms, stream.decode("ascii", "replace"), tag, text
