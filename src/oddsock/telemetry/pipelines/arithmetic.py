"""The expression of an arithmetic processor: + - * / and parentheses over numbers and attribute names."""

import math
import re
from collections.abc import Callable

from oddsock.telemetry.pipelines.errors import PipelineError

Numbers = Callable[[str], float | None]
Expression = Callable[[Numbers], float | None]

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[@A-Za-z_][\w.@/-]*(?<![-/]))|(?P<sign>[-+*/()]))")
_DEPTH_MAX = 50
_CHARACTERS_MAX = 1000


def read_expression(text: str, place: str) -> Expression:
    """The function of *text* over attribute values; None of a missing attribute or a division by zero.

    A minus between names needs blanks around it, since a name may hold one.

    >>> read_expression("(a + b) * 2 - 1", "expression")({"a": 1.0, "b": 2.5}.get)
    6.0
    """
    if len(text) > _CHARACTERS_MAX:
        raise PipelineError(place, f"the expression has more than {_CHARACTERS_MAX} characters.")
    return _Reader(text, place).whole()


class _Reader:
    def __init__(self, text: str, place: str) -> None:
        self._text = text
        self._place = place
        self._at = 0
        self._depth = 0

    def _refuse(self, sentence: str) -> PipelineError:
        return PipelineError(self._place, f"column {self._at + 1}: {sentence}")

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self._text, self._at)

    def _take_sign(self, signs: str) -> str:
        found = self._peek()
        if found and found["sign"] and found["sign"] in signs:
            self._at = found.end()
            return found["sign"]
        return ""

    def whole(self) -> Expression:
        made = self._sum()
        if self._text[self._at :].strip():
            raise self._refuse("an operator or the end is wanted here.")
        return made

    def _sum(self) -> Expression:
        left = self._product()
        while sign := self._take_sign("+-"):
            left = _joined(left, sign, self._product())
        return left

    def _product(self) -> Expression:
        left = self._atom()
        while sign := self._take_sign("*/"):
            left = _joined(left, sign, self._atom())
        return left

    def _atom(self) -> Expression:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._refuse(f"the expression is nested more than {_DEPTH_MAX} deep.")
        try:
            if self._take_sign("-"):
                return _joined(lambda _read: 0.0, "-", self._atom())
            if self._take_sign("("):
                inner = self._sum()
                if not self._take_sign(")"):
                    raise self._refuse("a closing parenthesis is wanted here.")
                return inner
            return self._operand()
        finally:
            self._depth -= 1

    def _operand(self) -> Expression:
        found = self._peek()
        if found is None or found["sign"]:
            raise self._refuse("a number or an attribute name is wanted here.")
        self._at = found.end()
        if found["number"]:
            number = float(found["number"])
            return lambda _read: number
        name = found["name"].removeprefix("@")
        return lambda read: read(name)


def _joined(left: Expression, sign: str, right: Expression) -> Expression:
    def joined(read: Numbers) -> float | None:
        one, two = left(read), right(read)
        if one is None or two is None or (sign == "/" and two == 0):
            return None
        value = one + two if sign == "+" else one - two if sign == "-" else one * two if sign == "*" else one / two
        return value if math.isfinite(value) else None

    return joined
