"""The scope of a metric query, what stands in its braces.

`*`, or a comma list whose members all hold (`!` leaves out), or words: `AND`, `OR`, `NOT`, `key IN (a, b)`,
`key NOT IN (a, b)`, parentheses. Datadog takes one of the two spellings, never both in one scope; so do we.
"""

import re

from oddsock.telemetry.query.metric_text import Text
from oddsock.telemetry.query.metric_tree import Every, Everything, HasTag, Not, Scope, Some

TAG = re.compile(r"[^\s,!(){}\"'$]+")
KEY_IN = re.compile(r"([^\s,!(){}\"'$:]+)\s+(NOT\s+IN|IN)\s*\(", re.IGNORECASE)
WORD = re.compile(r"(AND|OR|NOT)(?=[\s(]|$)", re.IGNORECASE)
WORDS_INSIDE = re.compile(r"(?:^|[\s(])(?:AND|OR|NOT|IN)(?=[\s(])", re.IGNORECASE)
BOTH = "A scope is a comma list with '!' or words (AND, OR, NOT, IN), not both"


def parse_scope(text: Text) -> tuple[Scope, str]:
    """Read `{...}`; the scope and its text without the braces."""
    text.expect("{", "before the scope, such as {*}")
    begin = text.place
    if text.next() == "}":
        text.fail("A scope may not be empty; everything is {*}.")
    end = text.text.find("}", begin)
    words = WORDS_INSIDE.search(text.text[begin : end if end >= 0 else None]) is not None
    scope = _any_of(text) if words else _list(text)
    shown = text.text[begin : text.place].strip()
    text.expect("}", "after the scope")
    return scope, shown


def _list(text: Text) -> Scope:
    terms = [_member(text)]
    while text.take(","):
        terms.append(_member(text))
    terms = [term for term in terms if not isinstance(term, Everything)]
    if len(terms) == 1:
        return terms[0]
    return Every(tuple(terms)) if terms else Everything()


def _member(text: Text) -> Scope:
    return Not(_tag(text)) if text.take("!") else _tag(text)


def _tag(text: Text) -> Scope:
    if text.next() == "$":
        text.fail("A template variable ($name) belongs to a dashboard; put a tag in its place.")
    if text.next() in {'"', "'"}:
        text.fail("Tags are written without quotes.")
    found = text.match(TAG)
    if found is None:
        text.fail(f"Expected a tag such as key:value, found {text.shown()}.")
    return Everything() if found == "*" else HasTag.of(found)


def _any_of(text: Text) -> Scope:
    terms = [_all_of(text)]
    while _word(text, "OR"):
        terms.append(_all_of(text))
    return terms[0] if len(terms) == 1 else Some(tuple(terms))


def _all_of(text: Text) -> Scope:
    terms = [_term(text)]
    while _word(text, "AND"):
        terms.append(_term(text))
    return terms[0] if len(terms) == 1 else Every(tuple(terms))


def _term(text: Text) -> Scope:
    if text.next() in {",", "!"}:
        text.fail(f"{BOTH}.")
    if _word(text, "NOT"):
        text.deepen()
        scope: Scope = Not(_term(text))
        text.rise()
        return scope
    if text.take("("):
        text.deepen()
        scope = _any_of(text)
        text.expect(")", "to close '('")
        text.rise()
        return scope
    text.next()
    found = KEY_IN.match(text.text, text.place)
    if found:
        text.place = found.end()
        among = Some(_values(text, found.group(1)))
        return Not(among) if found.group(2).upper() != "IN" else among
    if WORD.match(text.text, text.place):
        text.fail(f"Expected a tag such as key:value, found {text.shown()}.")
    tag = _tag(text)
    if text.next() == ",":
        text.fail(f"{BOTH}.")
    return tag


def _values(text: Text, key: str) -> tuple[Scope, ...]:
    values: list[Scope] = []
    while True:
        value = text.match(TAG)
        if value is None:
            text.fail(f"Expected a value of {key}, found {text.shown()}.")
        values.append(HasTag.of(f"{key}:{value}"))
        if not text.take(","):
            text.expect(")", "after the values")
            return tuple(values)


def _word(text: Text, word: str) -> bool:
    text.next()
    found = WORD.match(text.text, text.place)
    if found is None or found.group().upper() != word:
        return False
    text.place = found.end()
    return True
