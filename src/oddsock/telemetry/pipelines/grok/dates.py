"""Joda's date letters: the regular expression of a format, and the instant that a matched text names.

The parts of a date that stay the same within a second are looked up, not computed anew (most lines share them).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from oddsock.telemetry.pipelines.grok.names import LANGUAGES, days, months
from oddsock.telemetry.pipelines.grok.zones import read_zone

FORMAT_CHARACTERS_MAX = 100
_CACHED_MAX = 4096
_AHEAD_MS_MAX = 86_400_000
"""Clocks and zones differ: so far after its log's own instant may a date without a year lie."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LETTERS = re.compile(r"([A-Za-z])\1*|'(?:[^']|'')*'|.", re.DOTALL)
_OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})"
_ZONE = r"(?:[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,32}){0,2}|[+-]\d{2}:?\d{2})"

ToMs = Callable[[str, int], int | None]
"""A matched text and the log's own instant (ms) to the instant it names (ms), None when it names none."""


class WrongFormat(ValueError):
    """A date format, zone or locale that cannot be read; *offset* characters into the format."""

    def __init__(self, sentence: str, offset: int = 0) -> None:
        super().__init__(sentence)
        self.offset = offset


def read_format(text: str, zone: str = "", locale: str = "") -> tuple[str, ToMs]:
    """The regular expression (without named groups) of the Joda format *text*, and what reads a matched text.

    >>> regex, to_ms = read_format("yyyy-MM-dd HH:mm:ss.SSS")
    >>> to_ms("2025-10-30 08:24:46.328", 0)
    1761812686328
    """
    if len(text) > FORMAT_CHARACTERS_MAX:
        raise WrongFormat(f"the date format has more than {FORMAT_CHARACTERS_MAX} characters.")
    language = locale.replace("_", "-").partition("-")[0].lower() or "en"
    if language not in LANGUAGES:
        raise WrongFormat(f"the locale {locale[:20]!r} is not known: its language is none of {', '.join(LANGUAGES)}.")
    of = UTC if not zone else read_zone(zone)
    if of is None:
        raise WrongFormat(f"there is no time zone {zone[:60]!r}.")
    parts = [_part(found, language) for found in _LETTERS.finditer(text)]
    if not any(field for field, _ in parts):
        raise WrongFormat("the date format has no letter of a date.")
    fields = [field for field, _ in parts if field]
    repeated = next((field for field in fields if fields.count(field) > 1), None)
    if repeated:
        raise WrongFormat(f"the date format names its {repeated} twice.")
    plain = "".join(f"(?:{regex})" if field else regex for field, regex in parts)
    grouped = "".join(f"(?P<{field}>{regex})" if field else regex for field, regex in parts)
    return plain, _Reader(re.compile(grouped, re.ASCII), of, months(language)).to_ms


def _part(found: re.Match[str], language: str) -> tuple[str, str]:
    """The field (empty for a literal) and the regular expression of one run of letters."""
    run, letter, count = found[0], found[1], len(found[0])
    if run[0] == "'" and len(run) > 1:
        return "", re.escape(run[1:-1].replace("''", "'") or "'")
    number = r"\d{1,2}" if count == 1 else rf"\d{{{count}}}"
    match letter:
        case None:
            return "", re.escape(run)
        case "y" | "u" | "Y":
            return ("year2", r"\d{2}") if count == 2 else ("year", r"\d{4}")
        case "M" | "L" if count >= 3:
            return "name", _any_of(list(months(language)))
        case "M" | "L" if count <= 2:
            return "month", number
        case "E":
            return "weekday", _any_of(days(language))
        case "d" | "m" | "s" | "H" | "h" | "k" | "K" if count <= 2:
            return {"d": "day", "m": "minute", "s": "second", "h": "hour12", "k": "hour24", "K": "hour11"}.get(
                letter, "hour"
            ), number
        case "D" if count <= 3:
            return "yearday", r"\d{1,3}"
        case "S" if count <= 9:
            return "fraction", rf"\d{{1,{count}}}"
        case "a":
            return "half", r"[AaPp]\.?[Mm]\.?"
        case "Z" if count <= 2:
            return "zone", _OFFSET
        case "z" | "Z":
            return "zone", _ZONE
    raise WrongFormat(f"the date letters {run[:20]!r} are not known.", found.start())


def _any_of(names: list[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return rf"(?i:{'|'.join(map(re.escape, longest_first))})\.?"


class _Reader:
    """Turns texts of one format into instants."""

    def __init__(self, pattern: re.Pattern[str], zone: tzinfo, month_numbers: dict[str, int]) -> None:
        self._pattern = pattern
        self._zone = zone
        self._months = month_numbers
        self._fields = tuple(pattern.groupindex)
        self._cached: dict[str, int] = {}

    def to_ms(self, text: str, beside_ms: int) -> int | None:
        """Milliseconds since 1970; a date without a year is the last such date up to *beside_ms*."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        if "year" not in self._fields and "year2" not in self._fields:
            return self._without_year(found, beside_ms)
        if "fraction" not in self._fields:
            key, fraction_ms = text, 0
        else:
            begin, end = found.span("fraction")
            key = text[:begin] + text[end:]
            fraction_ms = int(text[begin:end].ljust(3, "0")[:3])
        second_ms = self._cached.get(key)
        if second_ms is None:
            second_ms = self._whole_second_ms(found.groupdict(), None)
            if second_ms is None:
                return None
            if len(self._cached) >= _CACHED_MAX:
                self._cached.clear()
            self._cached[key] = second_ms
        return second_ms + fraction_ms

    def _without_year(self, found: re.Match[str], beside_ms: int) -> int | None:
        parts = found.groupdict()
        fraction_ms = int((parts.get("fraction") or "").ljust(3, "0")[:3])
        if not {"month", "name", "day", "yearday"} & set(self._fields):
            second_ms = self._whole_second_ms(parts, 1970)
            return None if second_ms is None else second_ms + fraction_ms
        beside = (_EPOCH + timedelta(milliseconds=beside_ms)).year
        years = [self._whole_second_ms(parts, year) for year in (beside - 1, beside, beside + 1) if 1 < year < 9999]
        past = [at for at in years if at is not None and at <= beside_ms + _AHEAD_MS_MAX]
        return max(past) + fraction_ms if past else None

    def _whole_second_ms(self, parts: dict[str, str | None], year: int | None) -> int | None:
        try:
            return _second_ms(parts, year, self._months, self._zone)
        except (ValueError, OverflowError):
            return None


def _second_ms(parts: dict[str, str | None], year: int | None, names: dict[str, int], zone: tzinfo) -> int:
    def number(name: str, default: int) -> int:
        return int(parts.get(name) or default)

    if year is None:
        short = number("year2", 0)
        year = number("year", 0) if parts.get("year") else short + (1900 if short >= 70 else 2000)
    name = parts.get("name")
    month = names[name.lower().rstrip(".")] if name else number("month", 1)
    hour = number("hour", 0)
    half = (parts.get("half") or "").lower()
    if parts.get("hour12"):
        hour = number("hour12", 0) % 12
    elif parts.get("hour11"):
        hour = number("hour11", 0)
    elif parts.get("hour24"):
        hour = number("hour24", 0) % 24
    if half.startswith("p") and hour < 12:
        hour += 12
    if parts.get("zone"):
        of = read_zone(str(parts["zone"]))
        if of is None:
            raise ValueError(parts["zone"])
        zone = of
    second = min(number("second", 0), 59)
    at = datetime(year, month, number("day", 1), hour, number("minute", 0), second, tzinfo=zone)
    if parts.get("yearday"):
        at = at.replace(month=1, day=1) + timedelta(days=number("yearday", 1) - 1)
    return (at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
