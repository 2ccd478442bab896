"""The keyvalue filter: key=value pairs anywhere in a text, logfmt among them."""

import re
from collections.abc import Callable
from typing import Any

from oddsock.telemetry.pipelines.grok.values import read_scalar

PAIRS_MAX = 256
_QUOTES = ('""', "''", "<>")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_keyvalue(separator: str, allowed: str, quotes: str, delimiter: str) -> Callable[[str], dict[str, Any]]:
    r"""What takes the pairs out of a text; *allowed* is the inside of a character class, checked by the caller.

    Numbers become numbers, true and false booleans; empty and null values are left out.

    >>> read_keyvalue("=", "", "", "")('user=john id=123 at=11/08 note="a \\"b\\""')
    {'user': 'john', 'id': 123, 'note': 'a "b"'}
    """
    pairs = [(pair[0], pair[1]) for pair in ([quotes] if len(quotes) == 2 else _QUOTES)]
    between = re.escape(delimiter) if delimiter else r"[\s,;]"
    bare = rf"[\w.\-@{allowed}]"
    keys = "|".join(f"{re.escape(left)}({bare}++){re.escape(right)}" for left, right in pairs)
    values = "|".join(
        rf"{re.escape(left)}((?:\\.|[^\\{re.escape(right)}])*+){re.escape(right)}" for left, right in pairs
    )
    # A value ends at a delimiter: `at=11/08` is no pair when `/` is not allowed.
    pattern = re.compile(
        rf"(?:\A|(?<={between}))[ \t]*+(?:({bare}++)|{keys}){re.escape(separator)}[ \t]*+"
        rf"(?:{values}|({bare}++))(?=[ \t]*(?:\Z|{between}))",
        re.ASCII | re.DOTALL,
    )
    count = len(pairs)

    def read(text: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for found in pattern.finditer(text):
            groups = found.groups()
            key = next(group for group in groups[: count + 1] if group is not None)
            quoted = next((group for group in groups[count + 1 : -1] if group is not None), None)
            value = read_scalar(groups[-1]) if quoted is None else _ESCAPED.sub(_unescaped, quoted)
            if value is not None and value != "":
                made[key] = value
                if len(made) >= PAIRS_MAX:
                    break
        return made

    return read


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1])
