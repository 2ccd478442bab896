"""The grok-parser processor: the first rule that matches a text, and the attributes it makes of it."""

import logging
from typing import Any

from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft, merged
from oddsock.telemetry.pipelines.errors import GrokError, PipelineError
from oddsock.telemetry.pipelines.grok.deadline import Deadline, Overrun
from oddsock.telemetry.pipelines.grok.rules import Capture, Rule, read_rules
from oddsock.telemetry.pipelines.remappers import Step

_log = logging.getLogger(__name__)

TEXT_CHARACTERS_MAX = 256 * 1024
"""A longer text is not parsed."""

OVERRUNS_MAX = 3
"""So often may a rule take too long; it is then set aside until its pipeline is read again."""

SAMPLES_MAX = 5

_DEADLINE = Deadline()


class Grok:
    """The rules of one parser, tried in order."""

    def __init__(self, match_rules: str, support_rules: str = "") -> None:
        self._rules = read_rules(match_rules, support_rules)
        self._overruns = [0] * len(self._rules)

    def parse(self, text: str, at_ms: int = 0) -> dict[str, Any] | None:
        """The attributes of the first rule that matches the whole of *text*, None when none does."""
        if len(text) > TEXT_CHARACTERS_MAX:
            return None
        first = 0
        while first < len(self._rules):
            index = first
            try:
                with _DEADLINE:
                    for index in range(first, len(self._rules)):
                        rule = self._rules[index]
                        if self._overruns[index] < OVERRUNS_MAX and (found := rule.pattern.fullmatch(text)):
                            return _attributes(rule, found.groups(), at_ms)
                    return None
            except Overrun:
                self._note_overrun(index)
                first = index + 1
        return None

    def _note_overrun(self, index: int) -> None:
        self._overruns[index] += 1
        if self._overruns[index] == OVERRUNS_MAX:
            fields = {"rule": self._rules[index].name}
            _log.warning("a grok rule takes too long and is set aside", extra={"fields": fields})


def _attributes(rule: Rule, groups: tuple[str | None, ...], at_ms: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for capture, text in zip(rule.captures, groups, strict=True):
        if text is None:
            continue
        value: Any = text if capture.make is None else capture.make(text, at_ms)
        if capture.filter is not None and value is not None:
            value = capture.filter(value)
        if value is None:
            continue
        # Most fields stand at the top or one level down: the intake's speed hangs on these lines.
        if capture.parents == () and not capture.is_repeated and capture.name:
            made[capture.name] = value
        elif capture.name:
            _place(made, capture, value)
        elif isinstance(value, dict):
            made = merged(made, value)
    return made


def _place(made: dict[str, Any], capture: Capture, value: Any) -> None:
    """Put *value* at the capture's path of *made*; a field that a rule captures twice becomes a list."""
    inner, name = made, capture.name
    for part in capture.parents:
        there = inner.get(part)
        if not isinstance(there, dict):
            there = inner[part] = {}
        inner = there
    if capture.is_repeated and name in inner:
        there = inner[name]
        value = [*there, value] if isinstance(there, list) else [there, value]
    inner[name] = value


def grok_parser(body: Body) -> Step:
    """Parse the text of *source* (the message, where nothing is said) and lay what it yields over the attributes."""
    source = body.text("source", "message")
    rules = body.inner("grok")
    samples = body.list("samples")
    if len(samples) > SAMPLES_MAX or not all(isinstance(sample, str) for sample in samples):
        raise PipelineError(body.within("samples"), f"a list of up to {SAMPLES_MAX} texts is wanted here.")
    try:
        grok = Grok(rules.text("match_rules"), rules.text("support_rules", ""))
    except GrokError as cause:
        raise cause.placed(rules.place) from cause

    def apply(draft: Draft) -> None:
        text = draft.read(source)
        if isinstance(text, str):
            found = grok.parse(text, draft.at_ms)
            if found:
                draft.merge(found)

    return apply
