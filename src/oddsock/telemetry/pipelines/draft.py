"""A log on its way through the pipelines, changed by one step after the other."""

from typing import Any

from oddsock.telemetry.records import Log

RESERVED = frozenset({"message", "service", "status", "host", "source", "trace_id"})


class Draft:
    """A working copy of one log; the log it came from, and every object inside it, stays as it was."""

    def __init__(self, log: Log) -> None:
        self._log: Log | None = log
        self.at_ms = log.at_ms
        self.fields: dict[str, str] = {
            "message": log.message,
            "service": log.service,
            "status": log.status,
            "host": log.host,
            "source": log.source,
            "trace_id": log.trace_id,
        }
        self.tags = log.tags
        self.attributes = log.attributes
        self._id = log.id
        self._claimed: set[str] = set()

    def log(self) -> Log:
        """The log as it stands now."""
        if self._log is None:
            self._log = Log(id=self._id, at_ms=self.at_ms, tags=self.tags, attributes=self.attributes, **self.fields)
        return self._log

    def claim(self, what: str) -> bool:
        """True for the first remapper of *what* only: Datadog takes the first date, status, message, service, trace."""
        if what in self._claimed:
            return False
        self._claimed.add(what)
        return True

    def read(self, path: str) -> Any:
        """The attribute at dotted *path*, else the reserved field of that name; None when there is neither."""
        found = self._attribute(path)
        return self.fields.get(path) if found is None else found

    def _attribute(self, path: str) -> Any:
        if path in self.attributes:
            return self.attributes[path]
        found: Any = self.attributes
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                return None
            found = found[part]
        return found

    def write(self, path: str, value: Any) -> None:
        """Set the attribute at dotted *path*, making the objects on the way; a scalar in the way gives way."""
        self._log = None
        self.attributes = written(self.attributes, path, value)

    def remove(self, path: str) -> None:
        """Take the attribute at dotted *path* away, if it is there."""
        self._log = None
        self.attributes = _without(self.attributes, path)

    def merge(self, values: dict[str, Any]) -> None:
        """Lay *values* over the attributes, object by object."""
        if values:
            self._log = None
            self.attributes = merged(self.attributes, values)

    def set_field(self, name: str, value: str) -> None:
        """Set a reserved field."""
        self._log = None
        self.fields[name] = value

    def set_time(self, at_ms: int) -> None:
        """Set the log's instant."""
        self._log = None
        self.at_ms = at_ms

    def set_tag(self, name: str, value: str, override: bool) -> bool:
        """Add the tag *name*:*value*; one of that name stays unless *override*."""
        beginning = f"{name}:"
        if any(tag.startswith(beginning) for tag in self.tags) and not override:
            return False
        self._log = None
        self.tags = (*(tag for tag in self.tags if not tag.startswith(beginning)), f"{name}:{value}")
        return True

    def drop_tag(self, name: str) -> None:
        """Take every tag of *name* away."""
        self._log = None
        self.tags = tuple(tag for tag in self.tags if not tag.startswith(f"{name}:"))

    def tag(self, name: str) -> str | None:
        """The value of the first tag of *name*."""
        beginning = f"{name}:"
        return next((tag[len(beginning) :] for tag in self.tags if tag.startswith(beginning)), None)


def written(attributes: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of *attributes* with *value* at dotted *path*; only the objects on the way are copied."""
    first, _, rest = path.partition(".")
    copy = dict(attributes)
    if not rest:
        copy[first] = value
        return copy
    inner = copy.get(first)
    copy[first] = written(inner if isinstance(inner, dict) else {}, rest, value)
    return copy


def merged(attributes: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A copy of *attributes* with *over* laid on it, object by object."""
    copy = dict(attributes)
    for name, value in over.items():
        there = copy.get(name)
        copy[name] = merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return copy


def _without(attributes: dict[str, Any], path: str) -> dict[str, Any]:
    if path in attributes:
        return {name: value for name, value in attributes.items() if name != path}
    first, _, rest = path.partition(".")
    inner = attributes.get(first)
    if not rest or not isinstance(inner, dict):
        return attributes
    left = _without(inner, rest)
    if left:
        return {**attributes, first: left}
    return {name: value for name, value in attributes.items() if name != first}
