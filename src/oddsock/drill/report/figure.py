"""Figures: every number of a report once, under its path in report.json, with the files and the rule it comes from."""

import msgspec

from oddsock.kit.money import dollars


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure was computed from: case files (relative to the case folder) and the rule in words."""

    files: list[str]
    rule: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number: its *value* in *unit*, as *text* a person reads, and its source."""

    value: int | float | str | None
    unit: str
    text: str
    source: Source


class Duration(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in wall and in plan seconds; *text* holds both."""

    wall_s: float
    plan_s: float
    text: str


def spell_seconds(seconds: float) -> str:
    """Seconds as a person reads them, exact to 0.1 s below a minute and to the second above.

    >>> spell_seconds(4.25), spell_seconds(272), spell_seconds(3600), spell_seconds(59.97)
    ('4.2 s', '4 min 32 s', '1 h 00 min 00 s', '1 min 00 s')
    """
    if round(abs(seconds), 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{sign}{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours} h {minutes:02d} min {rest:02d} s"


def duration(wall_s: float, speed: float) -> Duration:
    """The duration of *wall_s* wall seconds in a run at *speed*, in both times."""
    plan_s = wall_s * speed
    if speed == 1:
        text = f"{spell_seconds(wall_s)} (wall and plan time)"
    else:
        text = f"{spell_seconds(plan_s)} of plan time ({spell_seconds(wall_s)} wall)"
    return Duration(wall_s=round(wall_s, 3), plan_s=round(plan_s, 3), text=text)


def plural(number: int, noun: str, many: str = "") -> str:
    """*number* with its noun.

    >>> plural(1, "order"), plural(5, "order"), plural(0, "entry", "entries")
    ('1 order', '5 orders', '0 entries')
    """
    return f"{number} {noun if number == 1 else many or noun + 's'}"


class Figures:
    """The collection a report is built with; a path is taken once, a second value under it is an error of ours."""

    def __init__(self) -> None:
        self.rows: dict[str, Figure] = {}

    def _keep(self, path: str, figure: Figure) -> None:
        known = self.rows.get(path)
        if known is not None and known != figure:
            raise ValueError(f"figure {path} was computed twice with different results")
        self.rows[path] = figure

    def count(self, path: str, value: int, unit: str, files: list[str], rule: str) -> int:
        """Keep a count of *unit* and return it."""
        source = Source(files=files, rule=rule)
        self._keep(path, Figure(value=value, unit=unit, text=f"{value:,}", source=source))
        return value

    def money(self, path: str, cents: int, files: list[str], rule: str) -> int:
        """Keep an amount in whole cents and return it."""
        source = Source(files=files, rule=rule)
        self._keep(path, Figure(value=cents, unit="cents", text=dollars(cents), source=source))
        return cents

    def percent(self, path: str, part: int, whole: int, files: list[str], rule: str) -> float:
        """Keep *part* of *whole* in percent, one digit after the point; 0.0 when there is no whole."""
        value = round(100 * part / whole, 1) if whole else 0.0
        source = Source(files=files, rule=rule)
        self._keep(path, Figure(value=value, unit="percent", text=f"{value:g} %", source=source))
        return value

    def duration(self, path: str, wall_s: float, speed: float, files: list[str], rule: str) -> Duration:
        """Keep a duration given in wall seconds (the value kept is plan seconds) and return it."""
        result = duration(wall_s, speed)
        source = Source(files=files, rule=rule)
        self._keep(path + ".plan_s", Figure(value=result.plan_s, unit="plan s", text=result.text, source=source))
        return result
