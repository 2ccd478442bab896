"""A processor's JSON, read field by field; what is wrong is refused by its place."""

from typing import Any

from oddsock.telemetry.pipelines.errors import PipelineError

SOURCES_MAX = 100
NAME_CHARACTERS_MAX = 1000
NAME_LEVELS_MAX = 20


class Body:
    """One JSON object at *place* of a pipeline; each reader answers a checked value or raises PipelineError."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise PipelineError(place, "an object is wanted here.")
        self.value: dict[str, Any] = value
        self.place = place

    def within(self, name: str) -> str:
        """The place of field *name*."""
        return f"{self.place}.{name}" if self.place else name

    def text(self, name: str, default: str | None = None) -> str:
        """The string *name*; without a *default* it must be there and not be empty."""
        value = self.value.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value):
            raise PipelineError(self.within(name), "a string is wanted here.")
        return value

    def path(self, name: str) -> str:
        """The attribute path *name*."""
        return _checked_path(self.text(name), self.within(name))

    def paths(self, name: str) -> list[str]:
        """The list of attribute paths *name*, at least one."""
        value = self.value.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(entry, str) and entry for entry in value):
            raise PipelineError(self.within(name), "a list of attribute names is wanted here, at least one.")
        if len(value) > SOURCES_MAX:
            raise PipelineError(self.within(name), f"there are more than {SOURCES_MAX} names.")
        return [_checked_path(entry, f"{self.within(name)}[{index}]") for index, entry in enumerate(value)]

    def flag(self, name: str, default: bool) -> bool:
        """The boolean *name*."""
        value = self.value.get(name, default)
        if not isinstance(value, bool):
            raise PipelineError(self.within(name), "true or false is wanted here.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """The string *name*, one of *choices*; the first one when it is not given."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise PipelineError(self.within(name), f"one of {', '.join(choices)} is wanted here, not {value[:40]!r}.")
        return value

    def inner(self, name: str) -> "Body":
        """The object *name*."""
        return Body(self.value.get(name), self.within(name))

    def list(self, name: str) -> list[object]:
        """The list *name*, empty when it is not given."""
        value = self.value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise PipelineError(self.within(name), "a list is wanted here.")
        return value


def _checked_path(path: str, place: str) -> str:
    if len(path) > NAME_CHARACTERS_MAX:
        raise PipelineError(place, f"the name has more than {NAME_CHARACTERS_MAX} characters.")
    if path.count(".") >= NAME_LEVELS_MAX:
        raise PipelineError(place, f"the name has more than {NAME_LEVELS_MAX} levels.")
    return path
