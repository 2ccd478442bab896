"""Characters of a log search: where a word ends, what a backslash escapes, what stands in quotes."""

import re

from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.log_tree import Pattern, Wildcard

TEXT_LENGTH_MAX = 8192
_SURROGATE = re.compile("[\ud800-\udfff]")
_KEYWORD_ENDS = frozenset(' \t\r\n()"')


class Scanner:
    """A position in *text*; every refusal names a column from 1 to one past the end."""

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_LENGTH_MAX:
            raise QueryError(f"A query is at most {TEXT_LENGTH_MAX} characters long.", TEXT_LENGTH_MAX + 1)
        self.text = _SURROGATE.sub("\ufffd", text)
        self.at = 0

    @property
    def column(self) -> int:
        """The column of the next character."""
        return self.at + 1

    def error(self, sentence: str, at: int | None = None) -> QueryError:
        """A refusal at position *at*, by default at the next character."""
        return QueryError(sentence, min(self.at if at is None else at, len(self.text)) + 1)

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> None:
        """Go on to the next character that is no white space."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def takes(self, literal: str) -> bool:
        """Whether *literal* comes next; it is passed then."""
        found = self.text.startswith(literal, self.at)
        if found:
            self.at += len(literal)
        return found

    def sees_keyword(self, word: str) -> bool:
        """Whether the operator *word* comes next, as a whole word."""
        end = self.at + len(word)
        return self.text.startswith(word, self.at) and (end >= len(self.text) or self.text[end] in _KEYWORD_ENDS)

    def quoted(self) -> str:
        """The text between the quote that comes next and the one that closes it; a backslash takes what follows."""
        opened = self.at
        said: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            mark = self.text[self.at]
            self.at += 1
            if mark == '"':
                return "".join(said)
            if mark == "\\" and self.at < len(self.text):
                mark = self.text[self.at]
                self.at += 1
            said.append(mark)
        raise self.error("This quote is never closed.", opened)

    def word(self, ends: str = "") -> Pattern:
        """Characters and wildcards up to white space, a parenthesis, a quote, `&&`, `||` or one of *ends*."""
        pieces: list[str | Wildcard] = []
        while self.at < len(self.text):
            mark = self.text[self.at]
            if mark.isspace() or mark in '()"' or mark in ends:
                break
            if mark in "&|" and self.text.startswith(mark * 2, self.at):
                break
            self.at += 1
            if mark == "\\":
                if self.at == len(self.text):
                    raise self.error("A backslash stands before the character it escapes.", self.at - 1)
                _append(pieces, self.text[self.at])
                self.at += 1
            elif mark in "*?":
                wildcard = Wildcard(mark)
                if wildcard is not Wildcard.RUN or pieces[-1:] != [Wildcard.RUN]:
                    pieces.append(wildcard)
            else:
                _append(pieces, mark)
        return tuple(pieces)


def _append(pieces: list[str | Wildcard], character: str) -> None:
    if pieces and isinstance(pieces[-1], str):
        pieces[-1] += character
    else:
        pieces.append(character)


def literal_of(pattern: Pattern) -> str | None:
    """The text of a pattern without wildcards, None when it has some."""
    if not pattern:
        return ""
    return pattern[0] if len(pattern) == 1 and isinstance(pattern[0], str) else None
