"""A numeric predicate, `impact.orders_failed == 5`: what a plan expects or what makes it stop, never an adjective.

What a plan expects may hang on the remedies that are in force: `... unless retry or payment_queue` is not judged when
any of them is, `... with retry and idempotency` only when all of them are.
"""

import operator
import re
from collections.abc import Callable, Collection

_SHAPE = re.compile(
    r"^\s*([a-z][a-z0-9_.-]*)\s*(==|!=|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)"
    r"(?:\s+with\s+([a-z_]+(?:\s+and\s+[a-z_]+)*))?(?:\s+unless\s+([a-z_]+(?:\s+or\s+[a-z_]+)*))?\s*$"
)
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
    """*figure* compared by *comparison* (==, !=, <=, >=, <, >) with *number*; equal when they are spelled alike.

    It is judged when all the remedies of *needed* are in force and none of *unless* is.
    """

    __slots__ = ("comparison", "figure", "needed", "number", "unless")

    def __init__(
        self, figure: str, comparison: str, number: float, needed: tuple[str, ...] = (), unless: tuple[str, ...] = ()
    ) -> None:
        self.figure = figure
        self.comparison = comparison
        self.number = number
        self.needed = needed
        self.unless = unless

    @classmethod
    def parse(cls, text: str) -> "Predicate":
        """The predicate that *text* spells; ValueError when it spells none.

        >>> Predicate.parse("impact.at_risk_cents==37422")
        Predicate(impact.at_risk_cents == 37422)
        >>> Predicate.parse("odd.before_total == 0 with retry and idempotency unless webhooks").needed
        ('retry', 'idempotency')
        """
        found = _SHAPE.match(text)
        if not found:
            raise ValueError(
                f"{text!r} is no predicate: write FIGURE == NUMBER (or !=, <=, >=, <, >), "
                "and behind it `with REMEDY and REMEDY` or `unless REMEDY or REMEDY`"
            )
        needed, unless = (
            tuple(re.split(r"\s+(?:and|or)\s+", names or "")) if names else () for names in found.groups()[3:]
        )
        return cls(found[1], found[2], float(found[3]), needed, unless)

    def is_asked(self, remedies: Collection[str]) -> bool:
        """Whether it is judged where *remedies* are in force.

        >>> [Predicate.parse("odd.before_total == 5 unless retry").is_asked(on) for on in ([], ["retry"])]
        [True, False]
        """
        return all(name in remedies for name in self.needed) and not any(name in remedies for name in self.unless)

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
        needed = f" with {' and '.join(self.needed)}" if self.needed else ""
        unless = f" unless {' or '.join(self.unless)}" if self.unless else ""
        return f"{self.figure} {self.comparison} {number}{needed}{unless}"
