"""Text as a search sees it: tokens, folded, and the wildcards that are matched against them or against whole values.

A token is a run of Unicode letters, digits and `_`, so `PAYMENT_FAILED` is one and `/orders` holds the token `orders`.
Patterns become regular expressions with atomic groups, which cannot backtrack from one `*` into another.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from oddsock.telemetry.query.log_tree import Pattern, Phrase, TokenPatterns, Wildcard

_TOKEN = re.compile(r"\w+")
_WILD_TOKEN = re.compile(r"[\w\ue000\ue001]+")
_MARKS = {Wildcard.RUN: "\ue000", Wildcard.ONE: "\ue001"}
"""Private-use characters are no token characters, so they can stand for wildcards while a pattern is cut up."""


def tokens(text: str) -> list[str]:
    """The tokens of *text* in their order, case folded.

    >>> tokens('Order 42: PAYMENT_FAILED, see "http://payment"')
    ['order', '42', 'payment_failed', 'see', 'http', 'payment']
    """
    return [found.casefold() for found in _TOKEN.findall(text)]


def joined(text: str) -> str:
    """The tokens of *text* with one space between, before and after them: consecutive tokens are a substring of it."""
    return f" {' '.join(tokens(text))} "


def phrase_of(text: str) -> Phrase | None:
    """The tokens of a word or of quoted text as a test; None when it holds none."""
    found = tuple(tokens(text))
    return Phrase(found) if found else None


def patterns_of(pattern: Pattern) -> Phrase | TokenPatterns | None:
    """A word with wildcards as a test of tokens; None when nothing but wildcards and punctuation is in it.

    >>> patterns_of(("status-pay", Wildcard.RUN))
    Phrase(tokens=('status', 'pay'), open_end=True)
    """
    private = str.maketrans(dict.fromkeys(_MARKS.values(), " "))
    marked = "".join(_MARKS[part] if isinstance(part, Wildcard) else part.translate(private) for part in pattern)
    parts: list[Pattern | None] = []
    for found in _WILD_TOKEN.findall(marked):
        parts.append(None if set(found) == {_MARKS[Wildcard.RUN]} else _unmarked(found))
    while parts and parts[0] is None:
        parts.pop(0)
    while parts and parts[-1] is None:
        parts.pop()
    if not parts:
        return None
    *before, last = parts
    plain = [part[0] for part in before if part is not None and len(part) == 1 and isinstance(part[0], str)]
    if len(plain) == len(before) and last is not None and isinstance(last[0], str):
        if len(last) == 1:
            return Phrase((*plain, last[0]))
        if last[1:] == (Wildcard.RUN,):
            return Phrase((*plain, last[0]), open_end=True)
    return TokenPatterns(tuple(parts))


def _unmarked(marked: str) -> Pattern:
    """The folded pattern that *marked* stands for, literals joined, repeated `*` made one."""
    pattern: list[str | Wildcard] = []
    for piece in re.findall(r"\ue000+|\ue001|[^\ue000\ue001]+", marked):
        if piece[0] == _MARKS[Wildcard.RUN]:
            pattern.append(Wildcard.RUN)
        elif piece == _MARKS[Wildcard.ONE]:
            pattern.append(Wildcard.ONE)
        else:
            pattern.append(piece.casefold())
    return tuple(pattern)


def expression(pattern: Pattern) -> re.Pattern[str]:
    """A regular expression for the whole of a value; time grows with the length of the value times that of the pattern.

    >>> bool(expression(("pay", Wildcard.RUN, "9f", Wildcard.ONE)).fullmatch("payment-7d-9fx"))
    True
    """
    runs: list[str] = [""]
    for part in pattern:
        if part is Wildcard.RUN:
            runs.append("")
        elif isinstance(part, Wildcard):
            runs[-1] += "."
        else:
            runs[-1] += re.escape(part)
    if len(runs) == 1:
        return re.compile(runs[0], re.DOTALL)
    first, *middle, last = runs
    body = "".join(f"(?>.*?{run})" for run in middle if run)
    return re.compile(f"{first}{body}.*{last}", re.DOTALL)


def text_test(test: Phrase | TokenPatterns) -> Callable[[str], bool]:
    """A predicate over what `joined` answers."""
    if isinstance(test, Phrase):
        wanted = " " + " ".join(test.tokens) + ("" if test.open_end else " ")
        return lambda text: wanted in text
    groups = _groups(test.parts)
    return lambda text: _follow(groups, text.split())


def _groups(parts: Sequence[Pattern | None]) -> list[list[Callable[[str], object]]]:
    """Runs of tokens that follow each other directly; between two runs any number of tokens may stand."""
    groups: list[list[Callable[[str], object]]] = [[]]
    for part in parts:
        if part is None:
            groups.append([])
        else:
            groups[-1].append(expression(part).fullmatch)
    return [group for group in groups if group]


def _follow(groups: Iterable[list[Callable[[str], object]]], words: list[str]) -> bool:
    """Whether the groups are found one after the other; taking each at its first place loses nothing."""
    at = 0
    for group in groups:
        last = len(words) - len(group)
        while at <= last and not all(fits(words[at + i]) for i, fits in enumerate(group)):
            at += 1
        if at > last:
            return False
        at += len(group)
    return True
