"""What a pipeline is refused with when it is made."""

from oddsock.kit.errors import UsageError


class PipelineError(UsageError):
    """A pipeline's JSON is wrong at *place* (`processors[2].source`)."""

    def __init__(self, place: str, sentence: str, hint: str = "") -> None:
        super().__init__(f"{place}: {sentence}" if place else sentence, hint)
        self.place = place


class GrokError(UsageError):
    """A grok rule is wrong: *rule* by name, *line* of the text *within* and *column* of that line, both from 1.

    *within* is `match_rules` or `support_rules`; a pipeline puts the place of its processor before it.
    """

    def __init__(self, rule: str, line: int, column: int, sentence: str, hint: str = "", within: str = "") -> None:
        named = f"{within}, " if within else ""
        named += f"rule {rule}, " if rule else ""
        super().__init__(f"{named}line {line}, column {column}: {sentence}", hint)
        self.rule = rule
        self.line = line
        self.column = column
        self.within = within
        self._plain = sentence

    def placed(self, place: str) -> "GrokError":
        """The same error with the *place* of its parser."""
        within = f"{place}.{self.within}" if self.within else place
        return GrokError(self.rule, self.line, self.column, self._plain, self.hint, within)
