"""Values as a search sees them: attributes laid flat by dotted path, numbers as numbers, and tests of one value.

Both evaluators use these functions, the SQL one for what SQLite cannot say itself.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from oddsock.telemetry.query.log_tree import Equals, Exists, Like, Range, Test, Within
from oddsock.telemetry.query.log_words import expression

Scalar: TypeAlias = str | int | float | bool

DEPTH_MAX = 20
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_UNSPEAKABLE = re.compile(r'["\\\x00-\x1f\x7f]')
_INTEGER_MAX = 1 << 63


def path_key(path: str) -> str:
    """A dotted path as flat attributes hold it: what a JSON path cannot quote becomes `_`."""
    return _UNSPEAKABLE.sub("_", path)


def flatten(attributes: Mapping[str, Any]) -> dict[str, list[Scalar]]:
    """Every value by its dotted path; members of lists stand under the path of the list, nulls nowhere.

    >>> flatten({"http": {"status_code": 500}, "items": [{"id": "a"}, {"id": "b"}], "none": None})
    {'http.status_code': [500], 'items.id': ['a', 'b']}
    """
    flat: dict[str, list[Scalar]] = {}
    for name, value in attributes.items():
        _lay(flat, path_key(name), value, 1)
    return flat


def _lay(flat: dict[str, list[Scalar]], path: str, value: Any, depth: int) -> None:
    if isinstance(value, bool | str):
        flat.setdefault(path, []).append(value)
    elif isinstance(value, int | float):
        kept = _storable(value)
        if kept is not None:
            flat.setdefault(path, []).append(kept)
    elif depth < DEPTH_MAX and isinstance(value, Mapping):
        for name, inner in value.items():
            _lay(flat, f"{path}.{path_key(name)}", inner, depth + 1)
    elif depth < DEPTH_MAX and isinstance(value, list | tuple):
        for member in value:
            _lay(flat, path, member, depth + 1)


def _storable(value: int | float) -> int | float | None:
    """A number as SQLite holds it: whole ones of 64 bits, others as doubles, what is not finite not at all."""
    if isinstance(value, int) and -_INTEGER_MAX <= value < _INTEGER_MAX:
        return value
    try:
        real = float(value)
    except OverflowError:
        return None
    return real if abs(real) < float("inf") else None


def number(text: str) -> int | float | None:
    """The number that *text* writes, None when it writes none.

    >>> number("-5"), number("1.50"), number("1_000"), number("nan")
    (-5, 1.5, None, None)
    """
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    return _storable(float(text) if any(mark in text for mark in ".eE") else int(text))


def shown(value: Scalar) -> str:
    """A value as text, the way its JSON writes it.

    >>> shown(True), shown(1.5), shown("a")
    ('true', '1.5', 'a')
    """
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def value_test(test: Test) -> Callable[[Scalar], bool]:
    """*test* as a predicate over one value."""
    if isinstance(test, Equals):
        return _equality(test.text)
    if isinstance(test, Like):
        fits = expression(test.pattern).fullmatch
        return lambda value: fits(shown(value)) is not None
    if isinstance(test, Range):
        return _range(test)
    if isinstance(test, Within):
        return _membership(test.networks)
    if isinstance(test, Exists):
        return lambda value: True
    raise TypeError(f"{type(test).__name__} asks for tokens, not for a value")


def _equality(text: str) -> Callable[[Scalar], bool]:
    wanted = number(text)

    def equal(value: Scalar) -> bool:
        if isinstance(value, str | bool):
            return shown(value) == text
        return wanted is not None and value == wanted

    return equal


def range_numbers(test: Range) -> tuple[int | float | None, int | float | None] | None:
    """Both ends as numbers, None for an open one; None in place of the pair when the range goes by text."""
    low = None if test.low is None else number(test.low)
    high = None if test.high is None else number(test.high)
    by_text = (test.low is not None and low is None) or (test.high is not None and high is None)
    return None if by_text else (low, high)


def _range(test: Range) -> Callable[[Scalar], bool]:
    numbers = range_numbers(test)

    def inside(value: Scalar) -> bool:
        if numbers is None:
            return isinstance(value, str) and _between(value, test.low, test.high, test)
        measured = number(value) if isinstance(value, str) else None if isinstance(value, bool) else value
        return measured is not None and _between(measured, *numbers, test)

    return inside


def _between(value: Any, low: Any, high: Any, test: Range) -> bool:
    if low is not None and (value < low or (value == low and not test.low_closed)):
        return False
    return high is None or value < high or (value == high and test.high_closed)


def _membership(networks: tuple[str, ...]) -> Callable[[Scalar], bool]:
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]

    def member(value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return any(address in network for network in parsed)

    return member
