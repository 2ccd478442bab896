"""What a page's query string asks for, read and checked: a bad value is one sentence, not a 500."""

from collections.abc import Mapping

from oddsock.kit.errors import UsageError


def number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """The whole number *name* of *query*, *default* when absent; UsageError unless low <= it <= high.

    >>> number({"limit": "20"}, "limit", 100, 1, 1000)
    20
    """
    told = query.get(name, "").strip()
    if not told:
        return default
    try:
        value = int(told)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise UsageError(f"{name} cannot be {told!r}.", f"It is a whole number between {low} and {high}.")
    return value


def choice(query: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    """The word *name* of *query*, *default* when absent; UsageError unless it is one of *allowed*.

    >>> choice({}, "sort", "newest", ("newest", "oldest"))
    'newest'
    """
    value = query.get(name, "").strip() or default
    if value not in allowed:
        raise UsageError(f"{name} cannot be {value!r}.", f"It is one of {', '.join(allowed)}.")
    return value
