"""What stands between %{ and }: a matcher, where its text goes, and what becomes of it on the way."""

import re
from dataclasses import dataclass

from oddsock.telemetry.pipelines.errors import GrokError

Argument = str | float | bool | None

ARGUMENTS_MAX = 8
EXTRACT_LEVELS_MAX = 20
CALLS_DEEP_MAX = 5

_BLANKS = re.compile(r"[ \t]*")
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)
_EXTRACT = re.compile(r"[\w.@$/-]*", re.ASCII)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:true|false|null)\b")
_ESCAPE = re.compile(r"""\\(["'\\])""")
_WORDS: dict[str, Argument] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class RuleText:
    """One rule as it was written: *text* begins at *column* of *line* of *within*, match_rules or support_rules."""

    name: str
    text: str
    line: int
    column: int
    within: str = ""

    def refuse(self, offset: int, sentence: str, hint: str = "") -> GrokError:
        """The error of what stands *offset* characters into the text."""
        return GrokError(self.name, self.line, self.column + offset, sentence, hint, self.within)


@dataclass(frozen=True)
class Call:
    """A matcher or filter by *name* with its arguments, *offset* characters into the rule."""

    name: str
    arguments: "tuple[Argument | Call, ...]"
    offset: int


@dataclass(frozen=True)
class Expression:
    """One %{...}: *extract* is empty when its text goes nowhere by name; *end* is the offset behind the brace."""

    matcher: Call
    extract: str
    filter: Call | None
    end: int


def read_expression(rule: RuleText, offset: int) -> Expression:
    """The expression that begins at *offset* of *rule*; GrokError where it is wrong.

    >>> read_expression(RuleText("r", '%{date("HH:mm"):at} x', 1, 3), 0).extract
    'at'
    """
    reader = _Reader(rule, offset + 2)
    matcher = reader.call("matcher")
    extract, made = "", None
    if reader.take(":"):
        extract = reader.extract()
        if reader.take(":"):
            made = reader.call("filter")
    return Expression(matcher, extract, made, reader.closing())


class _Reader:
    def __init__(self, rule: RuleText, at: int) -> None:
        self._rule = rule
        self.at = at
        self._depth = 0

    def refuse(self, sentence: str) -> GrokError:
        return self._rule.refuse(self.at, sentence)

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._rule.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def take(self, sign: str) -> bool:
        self._match(_BLANKS)
        if not self._rule.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self._match(_BLANKS)
        return True

    def closing(self) -> int:
        """The offset behind the closing brace."""
        self._match(_BLANKS)
        if not self._rule.text.startswith("}", self.at):
            raise self.refuse("the closing brace of %{ is wanted here.")
        return self.at + 1

    def extract(self) -> str:
        begin = self.at
        path = self._match(_EXTRACT) or ""
        if path.count(".") >= EXTRACT_LEVELS_MAX or (path and not all(path.split("."))):
            self.at = begin
            raise self.refuse(f"the name {path[:40]!r} has an empty part, or more than {EXTRACT_LEVELS_MAX} of them.")
        return path

    def call(self, what: str) -> Call:
        self._match(_BLANKS)
        offset = self.at
        name = self._match(_NAME)
        if name is None:
            raise self.refuse(f"the name of a {what} is wanted here.")
        arguments: list[Argument | Call] = []
        if self.take("(") and not self.take(")"):
            arguments.append(self._argument())
            while self.take(","):
                arguments.append(self._argument())
                if len(arguments) > ARGUMENTS_MAX:
                    raise self.refuse(f"{name} has more than {ARGUMENTS_MAX} arguments.")
            if not self.take(")"):
                raise self.refuse("a comma or the closing parenthesis is wanted here.")
        return Call(name, tuple(arguments), offset)

    def _argument(self) -> "Argument | Call":
        string = self._match(_STRING)
        if string is not None:
            # Other backslashes stay: "\d" and "\\d" both mean a digit to regex().
            return _ESCAPE.sub(r"\1", string[1:-1])
        word = self._match(_WORD)
        if word is not None:
            return _WORDS[word] if word in _WORDS else float(word)
        if _NAME.match(self._rule.text, self.at):
            self._depth += 1
            if self._depth > CALLS_DEEP_MAX:
                raise self.refuse(f"filters inside filters go no deeper than {CALLS_DEEP_MAX}.")
            return self.call("filter")
        raise self.refuse("an argument is wanted here: a string in double quotes, a number, true, false or null.")
