"""The zones a date may be in: Z, offsets in their several spellings, names of the tz database, some abbreviations."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
_OFFSET_S_MAX = 18 * 3600
_ABBREVIATIONS = {
    "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
    "AEST": 10, "AEDT": 11,
}  # fmt: skip
"""Hours from UTC of abbreviations that the tz database does not say or says for one place only."""


def read_zone(text: str) -> tzinfo | None:
    """The zone that *text* names, None when it names none.

    >>> [str(read_zone(text)) for text in ("Z", "UTC+5", "-0330", "+3", "Europe/Paris", "ADT", "Mars")]
    ['UTC', 'UTC+05:00', 'UTC-03:30', 'UTC+03:00', 'Europe/Paris', 'UTC-03:00', 'None']
    """
    if text.upper() in ("Z", "UTC", "GMT", "UT"):
        return UTC
    if found := _OFFSET.fullmatch(text):
        sign, hours, minutes, seconds = found.groups()
        offset_s = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        if offset_s > _OFFSET_S_MAX:
            return None
        return timezone(timedelta(seconds=-offset_s if sign == "-" else offset_s))
    if text.upper() in _ABBREVIATIONS:
        return timezone(timedelta(hours=_ABBREVIATIONS[text.upper()]))
    if not _NAME.fullmatch(text):
        return None
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
