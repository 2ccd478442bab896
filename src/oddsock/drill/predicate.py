"""A numeric predicate, `impact.orders_failed == 5`: what a plan expects or what makes it stop, never an adjective."""

import operator
import re
from collections.abc import Callable

_SHAPE = re.compile(r"^\s*([a-z][a-z0-9_.-]*)\s*(==|!=|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

PATTERN = _SHAPE.pattern
"""The shape for the plan's JSON Schema."""


class Predicate:
    """*figure* compared by *comparison* (==, !=, <=, >=, <, >) with *number*; equal when all three are."""

    __slots__ = ("comparison", "figure", "number")

    def __init__(self, figure: str, comparison: str, number: float) -> None:
        self.figure = figure
        self.comparison = comparison
        self.number = number

    @classmethod
    def parse(cls, text: str) -> "Predicate":
        """The predicate that *text* spells; ValueError when it spells none.

        >>> Predicate.parse("impact.at_risk_cents==37422")
        Predicate(impact.at_risk_cents == 37422)
        """
        found = _SHAPE.match(text)
        if not found:
            raise ValueError(f"{text!r} is no predicate: write FIGURE == NUMBER (or !=, <=, >=, <, >)")
        return cls(found[1], found[2], float(found[3]))

    def holds(self, value: float) -> bool:
        """Whether *value* satisfies it.

        >>> Predicate.parse("orders_failed >= 5").holds(4)
        False
        """
        return _COMPARE[self.comparison](value, self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predicate) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"Predicate({self})"

    def __str__(self) -> str:
        number = int(self.number) if self.number.is_integer() else self.number
        return f"{self.figure} {self.comparison} {number}"
