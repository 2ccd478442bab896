"""The words of a log search as fields and tests: which key means what, and which tests a field can bear."""

from oddsock.kit.date_math import fixed_ms
from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.log_scanner import Scanner, literal_of
from oddsock.telemetry.query.log_tree import (
    RESERVED,
    Equals,
    Exists,
    Field,
    Like,
    Pattern,
    Range,
    Test,
    Wildcard,
)
from oddsock.telemetry.query.log_words import patterns_of, phrase_of

ALIASES = {"sources": "source"}
"""Spellings of the old event stream."""

TIMESTAMP = Field("reserved", "timestamp")
_NOTHING = "There is no letter, digit or _ to search for."


def field_of(scanner: Scanner, key: Pattern, started: int) -> Field:
    """The field that *key*, written at position *started*, names."""
    if key == (Wildcard.RUN,):
        return Field("anywhere")
    name = literal_of(key)
    if name is None:
        raise scanner.error("A key takes no wildcards; *:text searches everything.", started)
    return _named(scanner, name, started)


def _named(scanner: Scanner, name: str, started: int) -> Field:
    name = ALIASES.get(name, name)
    if name == "message":
        return Field("message")
    if name in RESERVED:
        return Field("reserved", name)
    if name.startswith("@"):
        if "[" in name:
            raise scanner.error("Any member of a list matches; write @items.id, without an index.", started)
        if not name.strip("@."):
            raise scanner.error("The name of an attribute is missing behind @.", started)
        return Field("attribute", name[1:])
    if not name or name.startswith("#"):
        raise scanner.error("A key is missing before this colon." if not name else "# names nothing here.", started)
    return Field("tag", name)


def exists_of(scanner: Scanner) -> tuple[Field, Test]:
    """The field that `_exists_:` and `_missing_:` name, and the test for it."""
    started = scanner.at
    key = literal_of(scanner.word())
    if not key:
        raise scanner.error("_exists_: and _missing_: take the name of a key.", started)
    return _named(scanner, key, started), Exists()


def quoted_test(scanner: Scanner, field: Field) -> Test:
    """The test that the quoted text at the scanner asks of *field*; wildcards in quotes are plain characters."""
    started = scanner.at
    text = scanner.quoted()
    if field.kind in ("message", "anywhere"):
        phrase = phrase_of(text)
        if phrase is None:
            raise scanner.error(_NOTHING, started)
        return phrase
    return _instant(scanner, text, started) if field == TIMESTAMP else Equals(text)


def word_test(scanner: Scanner, field: Field, pattern: Pattern, started: int) -> Test | None:
    """The test that an unquoted word asks of *field*; None when any log passes it."""
    text = literal_of(pattern)
    if field.kind in ("message", "anywhere"):
        if text is None and not any(isinstance(part, str) for part in pattern):
            return None if field.kind == "anywhere" else Exists()
        test = phrase_of(text) if text is not None else patterns_of(pattern)
        if test is None:
            raise scanner.error(_NOTHING, started)
        return test
    if pattern == (Wildcard.RUN,):
        return Exists()
    if field == TIMESTAMP:
        if text is None:
            raise scanner.error("timestamp takes an instant or a range of instants.", started)
        return _instant(scanner, text, started)
    return Like(pattern) if text is None else Equals(text)


def compared(scanner: Scanner, field: Field, written: Range | None = None, opened: int | None = None) -> Test:
    """A range of *field*: the one *written*, or what `>`, `>=`, `<` or `<=` at the scanner says."""
    started = scanner.at if opened is None else opened
    if field.kind in ("message", "anywhere") or field == Field("reserved", "tags"):
        raise scanner.error("A range needs an attribute, a tag's key or timestamp.", started)
    test = written or _half_open(scanner)
    if field == TIMESTAMP:
        low, high = (None if end is None else str(_fixed(scanner, end, started)) for end in (test.low, test.high))
        return Range(low, high, test.low_closed, test.high_closed)
    return test


def _half_open(scanner: Scanner) -> Range:
    sign = scanner.peek()
    scanner.at += 1
    closed = scanner.takes("=")
    started = scanner.at
    bound = scanner.quoted() if scanner.peek() == '"' else literal_of(scanner.word())
    if not bound:
        raise scanner.error(f"{sign}{'=' if closed else ''} takes a number or a text.", started)
    return Range(bound, None, low_closed=closed) if sign == ">" else Range(None, bound, high_closed=closed)


def _instant(scanner: Scanner, text: str, started: int) -> Range:
    at_ms = str(_fixed(scanner, text, started))
    return Range(at_ms, at_ms)


def _fixed(scanner: Scanner, text: str, started: int) -> int:
    try:
        return fixed_ms(text)
    except QueryError as cause:
        raise scanner.error("timestamp takes ISO 8601 or milliseconds since 1970.", started) from cause
