"""What a pipeline is refused with when it is made."""

from oddsock.kit.errors import UsageError


class PipelineError(UsageError):
    """A pipeline's JSON is wrong at *place* (`processors[2].source`)."""

    def __init__(self, place: str, sentence: str, hint: str = "") -> None:
        super().__init__(f"{place}: {sentence}" if place else sentence, hint)
        self.place = place


class GrokError(UsageError):
    """A grok rule is wrong: *rule* by name, *line* of the rules and *column* of that line, both from 1."""

    def __init__(self, rule: str, line: int, column: int, sentence: str, hint: str = "") -> None:
        named = f"rule {rule}, " if rule else ""
        super().__init__(f"{named}line {line}, column {column}: {sentence}", hint)
        self.rule = rule
        self.line = line
        self.column = column
