"""A text of rules, one a line, each compiled with its helper rules written out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oddsock.telemetry.pipelines.errors import GrokError
from oddsock.telemetry.pipelines.grok.expression import Expression, RuleText, read_expression
from oddsock.telemetry.pipelines.grok.filters import Filter, read_filter
from oddsock.telemetry.pipelines.grok.matchers import NAMES, REFUSED, Make, Matcher, read_matcher
from oddsock.telemetry.pipelines.grok.pattern import rewrite

RULES_MAX = 100
RULE_CHARACTERS_MAX = 4096
PATTERN_CHARACTERS_MAX = 32_768
"""Length of a rule with its helpers written out: helpers that hold helpers grow fast."""

CAPTURES_MAX = 256
HELPERS_DEEP_MAX = 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SPACED = re.compile(r"\s+")
_LAST_DATA = re.compile(r"\(\.\*\?\)(\)*)\Z")

Place = Callable[[str, int], Any]


@dataclass(frozen=True)
class Capture:
    """One captured field: its name (none: its values are laid over the attributes) within *parents*, how it is made.

    *is_repeated* when an earlier capture of the rule goes to the same place.
    """

    parents: tuple[str, ...]
    name: str
    make: Make | None
    filter: Filter | None
    is_repeated: bool = False


@dataclass(frozen=True)
class Rule:
    """One compiled rule: group n + 1 of *pattern* belongs to capture n."""

    name: str
    pattern: re.Pattern[str]
    captures: tuple[Capture, ...]


def read_rules(text: str, helpers: str = "") -> list[Rule]:
    """The rules of *text*, in order; GrokError with rule, line and column of what is wrong, helpers included."""
    named = {rule.name: rule for rule in _texts(helpers, "support_rules")}
    made: list[Rule] = []
    for rule in _texts(text, "match_rules"):
        if rule.name in named and rule.name not in {known.name for known in made}:
            raise rule.refuse(-rule.column + 1, f"a helper rule is named {rule.name} too.")
        made.append(_Compiler(named).compile(rule))
        # A rule may use those above it, as Datadog has it.
        named[rule.name] = rule
    return made


def _texts(text: str, within: str) -> list[RuleText]:
    found: dict[str, RuleText] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue

        def refuse(name: str, column: int, sentence: str, number: int = number) -> GrokError:
            return GrokError(name, number, column, sentence, within=within)

        begin = len(line) - len(line.lstrip())
        name = _NAME.match(line, begin)
        if name is None:
            raise refuse("", begin + 1, "a rule begins with its name: letters, digits, _ and dots.")
        gap = _SPACED.match(line, name.end())
        if gap is None or gap.end() == len(line):
            raise refuse(name[0], name.end() + 1, "a blank and the rule itself are wanted behind the name.")
        if len(line) > RULE_CHARACTERS_MAX:
            raise refuse(name[0], 1, f"the rule has more than {RULE_CHARACTERS_MAX} characters.")
        if name[0] in found:
            raise refuse(name[0], begin + 1, f"line {found[name[0]].line} has a rule of this name already.")
        found[name[0]] = RuleText(name[0], line[gap.end() :], number, gap.end() + 1, within)
        if len(found) > RULES_MAX:
            raise refuse(name[0], 1, f"there are more than {RULES_MAX} rules.")
    return list(found.values())


class _Compiler:
    """Writes one rule out with its helpers."""

    def __init__(self, helpers: dict[str, RuleText]) -> None:
        self._helpers = helpers
        self._captures: list[Capture] = []
        self._within: list[str] = []
        self._size = 0

    def compile(self, rule: RuleText) -> Rule:
        # What nothing follows may take all at once what it would take sign by sign.
        regex = _LAST_DATA.sub(r"(.*)\1", self._written_out(rule))
        try:
            pattern = re.compile(regex, re.ASCII | re.DOTALL)
        except (re.error, OverflowError, RecursionError) as cause:
            raise rule.refuse(0, f"the rule cannot be compiled: {getattr(cause, 'msg', 'it is too large')}.") from cause
        return Rule(rule.name, pattern, tuple(self._captures))

    def _written_out(self, rule: RuleText) -> str:
        if rule.name in self._within:
            raise rule.refuse(0, f"the rule leads back to itself: {' -> '.join([*self._within, rule.name])}.")
        if len(self._within) >= HELPERS_DEEP_MAX:
            raise rule.refuse(0, f"helper rules go no deeper than {HELPERS_DEEP_MAX}.")
        self._within.append(rule.name)
        regex = rewrite(rule, lambda offset: self._expression(rule, offset))
        self._within.pop()
        self._grow(rule, 0, len(rule.text))
        return regex

    def _grow(self, rule: RuleText, offset: int, by: int) -> None:
        self._size += by
        if self._size > PATTERN_CHARACTERS_MAX:
            raise rule.refuse(offset, f"with its helpers the rule has more than {PATTERN_CHARACTERS_MAX} characters.")

    def _expression(self, rule: RuleText, offset: int) -> tuple[str, int]:
        found = read_expression(rule, offset)
        matcher = read_matcher(found.matcher, rule)
        made = None if found.filter is None else read_filter(found.filter, rule)
        if not found.extract and made is None:
            regex = self._helper(found, rule) if matcher is None else matcher.regex
            return f"(?:{regex})", found.end
        # The group is counted before those inside a helper, as its parenthesis opens before theirs.
        place = len(self._captures)
        *parents, name = found.extract.split(".")
        path = (tuple(parents), name)
        is_repeated = any((capture.parents, capture.name) == path for capture in self._captures)
        self._captures.append(Capture(*path, None, made, is_repeated))
        if len(self._captures) > CAPTURES_MAX:
            raise rule.refuse(offset, f"the rule captures more than {CAPTURES_MAX} fields.")
        if matcher is None:
            matcher = Matcher(self._helper(found, rule))
        self._captures[place] = Capture(*path, matcher.make, made, is_repeated)
        self._grow(rule, offset, len(matcher.regex))
        return f"({matcher.regex})", found.end

    def _helper(self, found: Expression, rule: RuleText) -> str:
        call = found.matcher
        helper = self._helpers.get(call.name)
        if helper is not None and not call.arguments:
            return self._written_out(helper)
        if call.name in REFUSED:
            raise rule.refuse(call.offset, f"the matcher {call.name} is Datadog's and not taken here.")
        known = ", ".join(sorted(NAMES))
        raise rule.refuse(call.offset, f"there is no matcher or helper rule {call.name[:40]!r}.", f"Known are {known}.")
