"""A log search as a predicate over one log: for pipelines, monitors and live tails.

log_sql asks the same of a file of logs; the property test in tests/unit/telemetry/logs holds them against each other.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from oddsock.telemetry.query.log_tree import (
    And,
    Equals,
    Everything,
    Match,
    Node,
    Not,
    Or,
    Phrase,
    Search,
    Test,
    TokenPatterns,
)
from oddsock.telemetry.query.log_values import Scalar, flatten, path_key, shown, value_test
from oddsock.telemetry.query.log_words import joined, text_test
from oddsock.telemetry.records import Log


def predicate(search: Search) -> Callable[[Log], bool]:
    """Whether a log matches *search*."""
    compiled = _compiled(search.root)
    return lambda log: compiled(_View(log))


class _View:
    """One log while it is looked at: its tokens and flat attributes, made when first asked for."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._message: str | None = None
        self._flat: dict[str, list[Scalar]] | None = None

    @property
    def message(self) -> str:
        """The tokens of the message."""
        if self._message is None:
            self._message = joined(self.log.message)
        return self._message

    @property
    def flat(self) -> dict[str, list[Scalar]]:
        """The attributes by dotted path."""
        if self._flat is None:
            self._flat = flatten(self.log.attributes)
        return self._flat

    def texts(self) -> Iterable[str]:
        """The tokens of the message and of every attribute's value, one text each."""
        yield self.message
        for values in self.flat.values():
            for value in values:
                yield joined(shown(value))


_Compiled: TypeAlias = Callable[[_View], bool]


def _compiled(node: Node) -> _Compiled:
    if isinstance(node, Everything):
        return lambda view: True
    if isinstance(node, Match):
        return _leaf(node)
    if isinstance(node, Not):
        child = _compiled(node.child)
        return lambda view: not child(view)
    children = [_compiled(child) for child in node.children]
    if isinstance(node, And):
        return lambda view: all(child(view) for child in children)
    assert isinstance(node, Or)
    return lambda view: any(child(view) for child in children)


def _leaf(match: Match) -> _Compiled:
    field, test = match.field, match.test
    if isinstance(test, Phrase | TokenPatterns):
        fits = text_test(test)
        if field.kind == "message":
            return lambda view: fits(view.message)
        return lambda view: any(fits(text) for text in view.texts())
    if field.kind == "message":
        return lambda view: view.log.message != ""
    if field.kind == "attribute":
        path, accepts = path_key(field.name), value_test(test)
        return lambda view: any(accepts(value) for value in view.flat.get(path, ()))
    if field.kind == "reserved" and field.name in ("status", "trace_id", "timestamp"):
        return _own_value(field.name, test)
    holds = stream_test(match)
    return lambda view: holds(view.log.service, view.log.host, view.log.source, view.log.tags)


def _own_value(name: str, test: Test) -> _Compiled:
    """A test of what every log has for itself: status, trace id, instant."""
    if name == "status":
        passes = status_test(test)
        return lambda view: passes(view.log.status)
    accepts = value_test(test)
    if name == "trace_id":
        return lambda view: view.log.trace_id != "" and accepts(view.log.trace_id)
    return lambda view: accepts(view.log.at_ms)


def status_test(test: Test) -> Callable[[str], bool]:
    """A test of a status, which `warn` and `warning` name alike, in any case of letters."""
    if isinstance(test, Equals):
        wanted = _status(test.text)
        return lambda status: _status(status) == wanted
    accepts = value_test(test)
    return lambda status: status != "" and accepts(status)


def _status(text: str) -> str:
    lowered = text.lower()
    return "warn" if lowered == "warning" else lowered


def stream_test(match: Match) -> Callable[[str, str, str, tuple[str, ...]], bool]:
    """A test of service, host, source and tags: what all logs of one stream have in common."""
    name, accepts = match.field.name, value_test(match.test)
    if match.field.kind == "reserved" and name == "tags":
        return lambda service, host, source, tags: any(accepts(tag) for tag in tags)
    place = ("service", "host", "source").index(name) if match.field.kind == "reserved" else -1
    prefix = f"{name}:"

    def holds(service: str, host: str, source: str, tags: tuple[str, ...]) -> bool:
        own = (service, host, source)[place] if place >= 0 else ""
        return (own != "" and accepts(own)) or any(
            accepts(tag[len(prefix) :]) for tag in tags if tag.startswith(prefix)
        )

    return holds


def is_of_stream(match: Match) -> bool:
    """Whether a test looks only at what all logs of one stream have in common."""
    if match.field.kind == "reserved":
        return match.field.name in ("service", "host", "source", "tags")
    return match.field.kind == "tag"
