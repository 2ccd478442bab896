"""The text of a metric query as it is read: a place in it, what stands there, errors that name the column."""

import re
from typing import NoReturn

from oddsock.kit.errors import QueryError

SPACE = re.compile(r"\s*")
NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TEXT_LENGTH_MAX = 8_000
DEPTH_MAX = 50


class Text:
    """A query and how far it has been read."""

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_LENGTH_MAX:
            raise QueryError(f"A query has {TEXT_LENGTH_MAX} characters at most.", TEXT_LENGTH_MAX + 1)
        self.text = text
        self.place = 0
        self.depth = 0
        self.links = 0

    @property
    def column(self) -> int:
        """Where the next thing stands, from 1."""
        self._skip()
        return self.place + 1

    def fail(self, sentence: str, column: int | None = None) -> NoReturn:
        """Refuse the query at *column*, at the next thing when None."""
        at = self.column if column is None else column
        raise QueryError(sentence, at)

    def ends(self) -> bool:
        """Whether nothing but space is left."""
        self._skip()
        return self.place >= len(self.text)

    def next(self) -> str:
        """The next character that is no space, empty at the end."""
        self._skip()
        return self.text[self.place : self.place + 1]

    def shown(self) -> str:
        """The next thing as an error shows it."""
        if self.ends():
            return "the end of the query"
        word = NAME.match(self.text, self.place)
        return f"'{word.group() if word else self.text[self.place]}'"

    def take(self, mark: str) -> bool:
        """Read *mark* when it stands next."""
        self._skip()
        if self.text.startswith(mark, self.place):
            self.place += len(mark)
            return True
        return False

    def expect(self, mark: str, where: str) -> None:
        """Read *mark*, refuse the query when it does not stand next."""
        if not self.take(mark):
            self.fail(f"Expected '{mark}' {where}, found {self.shown()}.")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Read what *pattern* finds next, None when it finds nothing."""
        self._skip()
        found = pattern.match(self.text, self.place)
        if found is None:
            return None
        self.place = found.end()
        return found.group()

    def deepen(self) -> None:
        """Go one parenthesis or function deeper; refused past `DEPTH_MAX`."""
        self.depth += 1
        if self.depth > DEPTH_MAX:
            self.fail(f"A query nests {DEPTH_MAX} deep at most.")

    def rise(self) -> None:
        """Come back from where `deepen` went."""
        self.depth -= 1

    def _skip(self) -> None:
        found = SPACE.match(self.text, self.place)
        if found:
            self.place = found.end()
