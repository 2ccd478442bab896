"""Instants as Datadog takes them: ISO 8601, milliseconds since 1970, and date math such as `now-3h` or `now-1d/d`."""

import re
from datetime import UTC, datetime, timedelta

from oddsock.kit.clock import instant
from oddsock.kit.errors import QueryError

AT_MS_MAX = 1 << 42
"""Instants go to the year 2109: an id holds the milliseconds in 43 bits, and dates must still be dates."""

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_EPOCH = re.compile(r"[0-9]{1,15}")
_STEP = re.compile(r"(?:([+-])([0-9]{1,9})|/)([smhdwMy])")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ms(text: str, now_ms: int) -> int:
    """Milliseconds since 1970 of *text*; QueryError when it is no instant.

    >>> instant_ms("2025-10-30T08:24:46.328Z", 0), instant_ms("now-3h", 10_800_000), instant_ms("1500", 0)
    (1761812686328, 0, 1500)
    """
    if not text.startswith("now"):
        return fixed_ms(text)
    at_ms, position = now_ms, 3
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise QueryError(f"{text!r} goes wrong here; write now, now-3h, now/d or now-1d/d.", position + 1)
        sign, count, unit = step.groups()
        moved = _floored(at_ms, unit) if sign is None else _moved(at_ms, int(sign + count), unit)
        if moved is None or not 0 <= moved < AT_MS_MAX:
            raise QueryError(f"{text!r} leads out of the years 1970 to 2109.", position + 1)
        at_ms, position = moved, step.end()
    return at_ms


def fixed_ms(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 instant or of digits that are milliseconds already; else QueryError."""
    if _EPOCH.fullmatch(text):
        at_ms = int(text)
    else:
        try:
            at_ms = (instant(text.strip()) - _ZERO) // timedelta(milliseconds=1)
        except (ValueError, OverflowError) as cause:
            raise QueryError(f"{text[:40]!r} is no instant; write ISO 8601, milliseconds or now-3h.", 1) from cause
    if not 0 <= at_ms < AT_MS_MAX:
        raise QueryError(f"{text[:40]!r} is out of the years 1970 to 2109.", 1)
    return at_ms


def _moved(at_ms: int, count: int, unit: str) -> int | None:
    """*at_ms* moved by *count* units, None when that is no date; months and years keep the day where it exists."""
    if unit in _UNIT_MS:
        return at_ms + count * _UNIT_MS[unit]
    at = _ZERO + timedelta(milliseconds=at_ms)
    year, month = divmod(at.year * 12 + at.month - 1 + count * (12 if unit == "y" else 1), 12)
    if not 1970 <= year < 2110:
        return None
    for day in range(at.day, 27, -1):
        try:
            return (at.replace(year=year, month=month + 1, day=day) - _ZERO) // timedelta(milliseconds=1)
        except ValueError:
            continue
    return (at.replace(year=year, month=month + 1) - _ZERO) // timedelta(milliseconds=1)


def _floored(at_ms: int, unit: str) -> int:
    """The beginning of the second, minute, hour, day, week (Monday), month or year of *at_ms*, in UTC."""
    if unit in "smhd":
        return at_ms - at_ms % _UNIT_MS[unit]
    day = (_ZERO + timedelta(milliseconds=at_ms)).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        day -= timedelta(days=day.weekday())
    elif unit == "M":
        day = day.replace(day=1)
    else:
        day = day.replace(month=1, day=1)
    return max(0, (day - _ZERO) // timedelta(milliseconds=1))
