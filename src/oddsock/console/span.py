"""The span of time that a page shows: `from` and `to` of its query string, as telemetry takes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from oddsock.kit.clock import Clock, iso
from oddsock.kit.date_math import instant_ms
from oddsock.kit.errors import QueryError, UsageError

HINT = "Write now-15m, now-3h, now/d, or an instant such as 2025-10-30T08:24:00Z."

PRESETS = ("now-15m", "now-1h", "now-4h", "now-1d")
"""What a page offers besides instants; each ends now."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """*from_ms* up to before *to_ms*, and the words that said so, which stay in the address."""

    from_text: str
    to_text: str
    from_ms: int
    to_ms: int

    @property
    def from_at(self) -> str:
        """Its begin as an instant."""
        return write_instant(self.from_ms)

    @property
    def to_at(self) -> str:
        """Its end as an instant."""
        return write_instant(self.to_ms)

    def document(self) -> dict[str, object]:
        """What a page tells of it."""
        told = {"from": self.from_text, "to": self.to_text, "from_ms": self.from_ms, "to_ms": self.to_ms}
        return {**told, "from_at": self.from_at, "to_at": self.to_at}


def read_span(query: Mapping[str, str], clock: Clock, default: str = PRESETS[0]) -> Span:
    """The span that *query* asks for, from *default* until now when it says nothing; UsageError when it makes none."""
    from_text = query.get("from", "").strip() or default
    to_text = query.get("to", "").strip() or "now"
    now_ms = int(clock.now().timestamp() * 1000)
    from_ms, to_ms = _read("from", from_text, now_ms), _read("to", to_text, now_ms)
    if from_ms >= to_ms:
        raise UsageError(f"from ({from_text}) does not lie before to ({to_text}).", "Give them the other way round.")
    return Span(from_text=from_text, to_text=to_text, from_ms=from_ms, to_ms=to_ms)


def write_instant(at_ms: int) -> str:
    """Milliseconds since 1970 as the house writes an instant.

    >>> write_instant(1761812686328)
    '2025-10-30T08:24:46.328Z'
    """
    return iso(datetime.fromtimestamp(at_ms / 1000, UTC))


def _read(name: str, text: str, now_ms: int) -> int:
    try:
        return instant_ms(text, now_ms)
    except QueryError as cause:
        raise UsageError(f"{name}: {cause.reason}", HINT) from cause
