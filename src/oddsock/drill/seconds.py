"""Durations as a plan writes them: a number of plan seconds, or text such as 4m32s."""

import re

_SHAPE = re.compile(r"^(?=.)(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s)?$")

PATTERN = _SHAPE.pattern
"""The shape of the textual form, for the plan's JSON Schema."""


class Seconds(float):
    """Plan seconds, at least 0."""

    @classmethod
    def parse(cls, value: object) -> "Seconds":
        """The duration that *value* names; TypeError or ValueError with a clear text when it names none.

        >>> Seconds.parse("4m32s"), Seconds.parse(46.3), Seconds.parse("1h")
        (272.0, 46.3, 3600.0)
        """
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError("a duration is plan seconds as a number, or text such as 4m32s")
        if isinstance(value, str):
            found = _SHAPE.match(value.strip())
            if not found:
                raise ValueError(f"{value!r} is no duration: write plan seconds as a number, or text such as 4m32s")
            hours, minutes, seconds = (float(part or 0) for part in found.groups())
            return cls(hours * 3600 + minutes * 60 + seconds)
        if not 0 <= value < float("inf"):
            raise ValueError(f"{value} is no duration: it must be 0 or more plan seconds")
        return cls(value)
