"""The text of a monitor query while it is read: quoted texts, chains of calls, comparisons, errors with a column."""

import re
from dataclasses import dataclass

from oddsock.kit.errors import QueryError

LENGTH_MAX = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_DIGITS = re.compile(r"\d{1,18}")
_SPACE = re.compile(r"\s*")
_OPERATORS = (">=", "<=", "==", "!=", ">", "<")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quoted text without its escapes; *columns* says where each character, and the quote behind them, stands."""

    text: str
    columns: tuple[int, ...]

    @property
    def column(self) -> int:
        """Where the text begins."""
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)` at *column*; an argument is a quoted text or a number as it is written."""

    name: str
    column: int
    arguments: tuple[Quoted | str, ...]

    def texts(self, least: int, most: int) -> tuple[Quoted, ...]:
        """The arguments, which must be from *least* to *most* quoted texts."""
        quoted = tuple(argument for argument in self.arguments if isinstance(argument, Quoted))
        if len(quoted) != len(self.arguments) or not least <= len(quoted) <= most:
            wanted = "nothing" if most == 0 else f"{least} to {most} quoted texts" if most > least else "a quoted text"
            raise QueryError(f"{self.name}() takes {wanted}.", self.column)
        return quoted

    def number(self) -> int:
        """The one argument, which must be a whole number, quoted or not."""
        written = [a.text if isinstance(a, Quoted) else a for a in self.arguments]
        if len(written) != 1 or not _DIGITS.fullmatch(written[0]):
            raise QueryError(f"{self.name}() takes a whole number.", self.column)
        return int(written[0])


class QueryText:
    """A query and how far it is read."""

    def __init__(self, text: str) -> None:
        if len(text) > LENGTH_MAX:
            raise QueryError(f"A monitor's query has {LENGTH_MAX} characters at most.", LENGTH_MAX + 1)
        self._text = text
        self._place = 0
        self.parts = 0

    @property
    def column(self) -> int:
        """Where the next thing stands, from 1."""
        found = _SPACE.match(self._text, self._place)
        self._place = found.end() if found else self._place
        return self._place + 1

    def take(self, mark: str) -> bool:
        """Read *mark* when it stands next."""
        if not self._text.startswith(mark, self.column - 1):
            return False
        self._place += len(mark)
        return True

    def expect(self, mark: str, why: str) -> None:
        """Read *mark*, refuse the query when it does not stand next."""
        if not self.take(mark):
            raise QueryError(f"{mark!r} is missing {why}.", self.column)

    def end(self) -> None:
        """Refuse the query when something is left."""
        column = self.column
        if column <= len(self._text):
            raise QueryError(f"The query should end before {self._text[column - 1 : column + 19]!r}.", column)

    def text(self, otherwise: str) -> Quoted:
        """Read a text in double or single quotes; refuse the query with *otherwise* when none stands next."""
        column = self.column
        quote = self._text[column - 1 : column]
        if quote not in {'"', "'"}:
            raise QueryError(otherwise, column)
        letters: list[str] = []
        columns: list[int] = []
        place = column
        while place < len(self._text) and self._text[place] != quote:
            if self._text[place] == "\\" and self._text[place + 1 : place + 2] in {quote, "\\"}:
                # Datadog doubles backslashes inside the quotes; what is escaped for the search stays escaped.
                place += 1
            letters.append(self._text[place])
            columns.append(place + 1)
            place += 1
        if place >= len(self._text):
            raise QueryError(f"The text that begins here has no closing {quote}.", column)
        self._place = place + 1
        return Quoted("".join(letters), (*columns, place + 1))

    def whole_number(self, otherwise: str) -> int:
        """Read digits; refuse the query with *otherwise* when none stand next."""
        column = self.column
        found = _DIGITS.match(self._text, column - 1)
        if found is None:
            raise QueryError(otherwise, column)
        self._place = found.end()
        return int(found[0])

    def call(self, otherwise: str) -> Call:
        """Read `name(arguments)`; refuse the query with *otherwise* when no name stands next."""
        column = self.column
        name = _NAME.match(self._text, column - 1)
        if name is None:
            raise QueryError(otherwise, column)
        self._place = name.end()
        self.expect("(", f"after {name[0]}")
        arguments: list[Quoted | str] = []
        while not self.take(")"):
            if arguments:
                self.expect(",", "between two arguments")
            arguments.append(self._argument())
        return Call(name[0], column, tuple(arguments))

    def chain(self, names: tuple[str, ...]) -> dict[str, Call]:
        """Read `.name(...)` as often as it stands next; each of *names* at most once, others are refused."""
        calls: dict[str, Call] = {}
        while self.take("."):
            call = self.call("The name of a function is missing here.")
            if call.name not in names:
                raise QueryError(f".{call.name}() is not known here; there are {', '.join(names)}.", call.column)
            if call.name in calls:
                raise QueryError(f".{call.name}() stands here a second time.", call.column)
            calls[call.name] = call
        return calls

    def comparison(self) -> tuple[str, float]:
        """Read an operator and a number up to the end of the query."""
        operator = next((mark for mark in _OPERATORS if self.take(mark)), None)
        if operator is None:
            raise QueryError("The query ends with a comparison, such as > 0.", self.column)
        column = self.column
        found = _NUMBER.match(self._text, column - 1)
        if found is None:
            raise QueryError("The number to compare with is missing here.", column)
        self._place = found.end()
        self.end()
        return operator, float(found[0])

    def _argument(self) -> Quoted | str:
        column = self.column
        found = _NUMBER.match(self._text, column - 1)
        if found is not None:
            self._place = found.end()
            return found[0]
        return self.text("A quoted text or a number is missing here.")
