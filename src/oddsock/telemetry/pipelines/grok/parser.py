"""The grok-parser processor: the first rule that matches a text, and the attributes it makes of it."""

import logging
from typing import Any

from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft, merged, written
from oddsock.telemetry.pipelines.errors import GrokError, PipelineError
from oddsock.telemetry.pipelines.grok.deadline import Overrun, fullmatch
from oddsock.telemetry.pipelines.grok.rules import Capture, Rule, read_rules
from oddsock.telemetry.pipelines.remappers import Step

_log = logging.getLogger(__name__)

TEXT_CHARACTERS_MAX = 256 * 1024
"""A longer text is not parsed."""

OVERRUNS_MAX = 3
"""So often may a rule take too long; it is then set aside until its pipeline is read again."""

SAMPLES_MAX = 5


class Grok:
    """The rules of one parser, tried in order."""

    def __init__(self, match_rules: str, support_rules: str = "") -> None:
        self._rules = read_rules(match_rules, support_rules)
        self._overruns = [0] * len(self._rules)

    def parse(self, text: str, at_ms: int = 0) -> dict[str, Any] | None:
        """The attributes of the first rule that matches the whole of *text*, None when none does."""
        if len(text) > TEXT_CHARACTERS_MAX:
            return None
        for index, rule in enumerate(self._rules):
            if self._overruns[index] >= OVERRUNS_MAX:
                continue
            try:
                found = fullmatch(rule.pattern, text)
                if found is not None:
                    return _attributes(rule, found.groups(), at_ms)
            except Overrun:
                self._note_overrun(index)
        return None

    def _note_overrun(self, index: int) -> None:
        self._overruns[index] += 1
        if self._overruns[index] == OVERRUNS_MAX:
            fields = {"rule": self._rules[index].name}
            _log.warning("a grok rule takes too long and is set aside", extra={"fields": fields})


def _attributes(rule: Rule, groups: tuple[str | None, ...], at_ms: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    taken: set[str] = set()
    for capture, text in zip(rule.captures, groups, strict=True):
        if text is None:
            continue
        value = _value(capture, text, at_ms)
        if value is None:
            continue
        path = capture.path
        if not path:
            if isinstance(value, dict):
                made = merged(made, value)
        elif "." not in path and path not in made:
            made[path] = value
        else:
            made = _placed(made, path, value, path in taken)
        taken.add(path)
    return made


def _value(capture: Capture, text: str, at_ms: int) -> Any:
    value: Any = text if capture.make is None else capture.make(text, at_ms)
    return value if capture.filter is None or value is None else capture.filter(value)


def _placed(made: dict[str, Any], path: str, value: Any, is_repeated: bool) -> dict[str, Any]:
    """*value* at *path*; a field that a rule captures twice becomes a list."""
    if is_repeated:
        there: Any = made
        for part in path.split("."):
            there = there.get(part) if isinstance(there, dict) else None
        if there is not None:
            value = [*(there if isinstance(there, list) else [there]), value]
    return written(made, path, value)


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
