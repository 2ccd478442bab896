"""Terms of a log search, put into a query and taken out of it again: what a click on a facet does."""

import re
from typing import Literal

State = Literal["in", "out", ""]

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_AND = ("AND", "&&")
_OR = ("OR", "||")
_NOT = ("NOT", "!")


def write_term(key: str, value: str) -> str:
    """The term that finds exactly *value* of *key*.

    >>> write_term("service", "sock-shop-orders"), write_term("image", 'a:"1"')
    ('service:sock-shop-orders', 'image:"a:\\\\"1\\\\""')
    """
    if _PLAIN.fullmatch(value) and value not in (*_AND, *_OR, *_NOT):
        return f"{key}:{value}"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}:"{quoted}"'


def state_of(query: str, key: str, value: str) -> State:
    """Whether *query* asks for *value* of *key* ("in"), leaves it out ("out"), or says nothing of it."""
    parts, term = _split(query), write_term(key, value)
    if any(part in _OR for part in parts):
        return ""
    for place, part in enumerate(parts):
        if part in (f"-{term}", f"!{term}"):
            return "out"
        if part == term:
            return "out" if place and parts[place - 1] in _NOT else "in"
    return ""


def toggle(query: str, key: str, value: str, *, leave_out: bool = False) -> str:
    """*query* with that term in it, or without it when it is there already; with *leave_out* its opposite.

    >>> toggle("a OR b", "status", "error"), toggle("a status:error", "status", "error")
    ('(a OR b) status:error', 'a')
    """
    term = write_term(key, value)
    before = state_of(query, key, value)
    rest = _without(query, term)
    if before == ("out" if leave_out else "in"):
        return rest
    if any(part in _OR for part in _split(rest)):
        rest = f"({rest})"
    return f"{rest} {'-' if leave_out else ''}{term}".strip()


def _without(query: str, term: str) -> str:
    parts = _split(query)
    if any(part in _OR for part in parts):
        return query.strip()
    if parts == ["*"]:
        return ""
    kept: list[str] = []
    for part in parts:
        if part in (term, f"-{term}", f"!{term}"):
            # What joined it to the rest goes with it.
            while kept and kept[-1] in (*_AND, *_NOT):
                kept.pop()
        elif part not in _AND or kept:
            kept.append(part)
    return " ".join(kept)


def _split(query: str) -> list[str]:
    """The parts of *query* between the spaces that stand outside quotes and parentheses.

    >>> _split('a:"b c" (d OR e) f')
    ['a:"b c"', '(d OR e)', 'f']
    """
    parts, depth, is_quoted, is_escaped, current = [], 0, False, False, ""
    for sign in query:
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif sign == '"':
            is_quoted = not is_quoted
        elif not is_quoted and sign in "([{":
            depth += 1
        elif not is_quoted and sign in ")]}":
            depth -= 1
        elif sign.isspace() and not is_quoted and depth <= 0:
            parts.append(current)
            current = ""
            continue
        current += sign
    return [part for part in [*parts, current] if part]
