"""A log search as SQL over one file of logs (store/logs_day holds its schema; `l` is the table of logs).

What all logs of a stream have in common is decided on the streams, before a log is touched, and becomes a list of ids.
Tokens and phrases become one expression of the full-text index where the tree allows it, a subquery elsewhere. What
SQLite cannot say is asked of the same Python test that log_match uses, through the function `fits`.

Every condition is 0 or 1, never NULL, so that NOT means what it says.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from oddsock.telemetry.query.log_match import is_of_stream, status_test
from oddsock.telemetry.query.log_tree import (
    And,
    Equals,
    Everything,
    Exists,
    Field,
    Match,
    Node,
    Not,
    Or,
    Pattern,
    Phrase,
    Range,
    TokenPatterns,
)
from oddsock.telemetry.query.log_values import number, path_key, range_numbers, shown, value_test
from oddsock.telemetry.query.log_words import joined, text_test

SEQUENCE_BITS = 20
"""An id is at_ms << 20 | sequence."""

TRACE = Field("reserved", "trace_id")

BREAK = "\ue000"
"""Stands between two attribute values in the index; no query can hold it, so no phrase reaches across."""

VALUES = "coalesce(l.flat, l.attributes)"
"""The column of flat attributes: NULL without any, and left out where it would only repeat the attributes."""


class Dictionary(Protocol):
    """The streams and statuses of a file, by id."""

    def streams(self) -> frozenset[int]:
        """Every stream."""
        ...

    def streams_of(self, match: Match) -> frozenset[int]:
        """The streams that a test of service, host, source or tags accepts."""
        ...

    def statuses_of(self, accepts: Callable[[str], bool]) -> frozenset[int]:
        """The statuses that are accepted."""
        ...


@dataclass(slots=True)
class Plan:
    """What a search is in SQL: None in *streams*, *statuses* or *words* leaves that part open."""

    streams: frozenset[int] | None = None
    statuses: frozenset[int] | None = None
    words: str | None = None
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tests: list[Callable[..., bool]] = field(default_factory=list)
    has_subquery: bool = False
    is_traced: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no log of the file can match."""
        return self.streams == frozenset() or self.statuses == frozenset()

    @property
    def is_counted(self) -> bool:
        """Whether streams and statuses say it all, so that the roll-up can count."""
        return self.words is None and not self.conditions


def plan(root: Node, dictionary: Dictionary) -> Plan:
    """The plan of a tree; its SQL takes `:low` and `:high`, the least and the greatest id, beside the plan's own."""
    made = Plan()
    writer = _Writer(made, dictionary)
    indexed: list[str] = []
    excluded: list[Node] = []
    for part in root.children if isinstance(root, And) else (root,):
        if isinstance(part, Everything):
            continue
        if _all_of(part, is_of_stream):
            streams = writer.stream_set(part)
            made.streams = streams if made.streams is None else made.streams & streams
        elif _all_of(part, _is_of_status):
            statuses = writer.status_set(part)
            made.statuses = statuses if made.statuses is None else made.statuses & statuses
        elif (found := words_of(part)) is not None:
            indexed.append(found)
        elif isinstance(part, Not) and words_of(part.child) is not None:
            excluded.append(part)
        else:
            made.is_traced |= _is_one_trace(part)
            made.conditions.append(writer.condition(part))
    if indexed:
        expression = " AND ".join(indexed)
        for part in excluded:
            assert isinstance(part, Not)
            expression = f"({expression}) NOT {words_of(part.child)}"
        made.words = expression
    else:
        made.conditions += [writer.condition(part) for part in excluded]
    return made


def words_of(node: Node) -> str | None:
    """A tree of tokens and phrases as an expression of the full-text index, None when it holds anything else."""
    if isinstance(node, Match):
        if not isinstance(node.test, Phrase):
            return None
        phrase = f'"{" ".join(node.test.tokens)}"{" *" if node.test.open_end else ""}'
        return f"(message : {phrase})" if node.field.kind == "message" else f"({phrase})"
    if isinstance(node, Or):
        return _combined(node.children, " OR ")
    if isinstance(node, And):
        positive = _combined([child for child in node.children if not isinstance(child, Not)], " AND ")
        negative = [words_of(child.child) for child in node.children if isinstance(child, Not)]
        if positive is None:
            return None
        for excluded in negative:
            if excluded is None:
                return None
            positive = f"({positive} NOT {excluded})"
        return positive
    return None


def _combined(nodes: Sequence[Node], operator: str) -> str | None:
    parts = [part for part in map(words_of, nodes) if part is not None]
    return f"({operator.join(parts)})" if parts and len(parts) == len(nodes) else None


def _all_of(node: Node, accepts: Callable[[Match], bool]) -> bool:
    """Whether every leaf of a tree that has some is accepted."""
    if isinstance(node, Match):
        return accepts(node)
    if isinstance(node, Not):
        return _all_of(node.child, accepts)
    return isinstance(node, And | Or) and all(_all_of(child, accepts) for child in node.children)


def _is_of_status(match: Match) -> bool:
    return match.field.kind == "reserved" and match.field.name == "status"


def _is_one_trace(node: Node) -> bool:
    return isinstance(node, Match) and node.field == TRACE and isinstance(node.test, Equals)


def listed(ids: Iterable[int]) -> str:
    """Ids of ours as the inside of an IN."""
    return ",".join(map(str, sorted(ids)))


class _Writer:
    """Writes conditions, their parameters and tests into one plan."""

    def __init__(self, made: Plan, dictionary: Dictionary) -> None:
        self._plan = made
        self._dictionary = dictionary

    def stream_set(self, node: Node) -> frozenset[int]:
        """The streams that a tree of tests of streams accepts."""
        return _set(node, self._dictionary.streams(), self._dictionary.streams_of)

    def status_set(self, node: Node) -> frozenset[int]:
        """The statuses that a tree of tests of the status accepts."""
        return _set(
            node,
            self._dictionary.statuses_of(lambda status: True),
            lambda match: self._dictionary.statuses_of(status_test(match.test)),
        )

    def condition(self, node: Node) -> str:
        """A tree as an expression that is 0 or 1."""
        if isinstance(node, Everything):
            return "1"
        if isinstance(node, And | Or | Not | Match):
            if _all_of(node, is_of_stream):
                return f"(+l.stream IN ({listed(self.stream_set(node))}))"
            if _all_of(node, _is_of_status):
                return f"(+l.status IN ({listed(self.status_set(node))}))"
        if (words := words_of(node)) is not None:
            self._plan.has_subquery = True
            name = self._parameter(words)
            return f"(l.id IN (SELECT rowid FROM words WHERE words MATCH {name} AND rowid BETWEEN :low AND :high))"
        if isinstance(node, Not):
            return f"(NOT {self.condition(node.child)})"
        if isinstance(node, And | Or):
            operator = " AND " if isinstance(node, And) else " OR "
            return f"({operator.join(self.condition(child) for child in node.children)})"
        return self._leaf(node)

    def _leaf(self, match: Match) -> str:
        kind, test = match.field.kind, match.test
        if isinstance(test, TokenPatterns):
            return self._token_patterns(kind == "message", test)
        if kind == "message":
            return "(l.message <> '')"
        if kind == "attribute":
            return self._attribute(match)
        if match.field.name == "timestamp":
            return self._instant(test) if isinstance(test, Range) else "1"
        if isinstance(test, Exists):
            return "(l.trace_id IS NOT NULL)"
        if isinstance(test, Equals):
            return f"(l.trace_id IS NOT NULL AND l.trace_id = {self._parameter(test.text)})"
        return f"(l.trace_id IS NOT NULL AND fits({self._test(value_test(test))}, l.trace_id))"

    def _token_patterns(self, in_message: bool, test: TokenPatterns) -> str:
        accepts = text_test(test)
        if not in_message:
            number_of = self._test(lambda text, folded, values: _anywhere(accepts, text, folded, values))
            return f"fits({number_of}, l.message, l.folded, {VALUES})"
        rough = self._parameter(_rough(test.parts))
        number_of = self._test(lambda text, folded: accepts(joined(text) if folded is None else folded))
        return f"(coalesce(l.folded, l.message) LIKE {rough} AND fits({number_of}, l.message, l.folded))"

    def _attribute(self, match: Match) -> str:
        path = self._parameter(f'$."{path_key(match.field.name)}"')
        kind = f"json_type({VALUES}, {path})"
        test = match.test
        if isinstance(test, Exists):
            return f"({kind} IS NOT NULL)"
        accepts = value_test(test)
        other = f"fits({self._test(lambda raw: _any_value(accepts, raw))}, {VALUES} -> {path})"
        value = f"json_extract({VALUES}, {path})"
        if isinstance(test, Equals):
            wanted = number(test.text)
            as_number = "0" if wanted is None else f"{value} = {self._parameter(wanted)}"
            return (
                f"(CASE {kind} WHEN 'text' THEN {value} = {self._parameter(test.text)}"
                f" WHEN 'integer' THEN {as_number} WHEN 'real' THEN {as_number} WHEN 'array' THEN {other}"
                f" WHEN 'true' THEN {int(test.text == 'true')} WHEN 'false' THEN {int(test.text == 'false')}"
                " ELSE 0 END)"
            )
        if isinstance(test, Range) and (ends := range_numbers(test)) is not None:
            inside = [
                f"{value} {sign}{'=' * closed} {self._parameter(end)}"
                for end, sign, closed in ((ends[0], ">", test.low_closed), (ends[1], "<", test.high_closed))
                if end is not None
            ]
            between = " AND ".join(inside) or "1"
            return (
                f"(CASE {kind} WHEN 'integer' THEN ({between}) WHEN 'real' THEN ({between})"
                f" WHEN 'text' THEN {other} WHEN 'array' THEN {other} ELSE 0 END)"
            )
        return f"({kind} IS NOT NULL AND {other})"

    def _instant(self, test: Range) -> str:
        parts = []
        if test.low is not None:
            low = (int(test.low) + (not test.low_closed)) << SEQUENCE_BITS
            parts.append(f"l.id >= {self._parameter(low)}")
        if test.high is not None:
            high = (int(test.high) + test.high_closed) << SEQUENCE_BITS
            parts.append(f"l.id < {self._parameter(high)}")
        return f"({' AND '.join(parts) or '1'})"

    def _parameter(self, value: object) -> str:
        name = f"p{len(self._plan.parameters)}"
        self._plan.parameters[name] = value
        return f":{name}"

    def _test(self, test: Callable[..., bool]) -> int:
        self._plan.tests.append(test)
        return len(self._plan.tests) - 1


def _set(node: Node, universe: frozenset[int], of: Callable[[Match], frozenset[int]]) -> frozenset[int]:
    """A tree of tests as the set of what passes them."""
    if isinstance(node, Match):
        return of(node)
    if isinstance(node, Not):
        return universe - _set(node.child, universe, of)
    if isinstance(node, And):
        return universe.intersection(*(_set(child, universe, of) for child in node.children))
    if isinstance(node, Or):
        return frozenset().union(*(_set(child, universe, of) for child in node.children))
    return universe


def _rough(parts: Sequence[Pattern | None]) -> str:
    """A LIKE pattern that lets pass at least what the token patterns do; beyond ASCII both sides are folded already."""
    literals = [piece for part in parts if part is not None for piece in part if isinstance(piece, str)]
    return f"%{'%'.join(literals)}%"


def _any_value(accepts: Callable[[Any], bool], raw: str) -> bool:
    """Whether a value, or a member of a list, in JSON is accepted."""
    value = msgspec.json.decode(raw)
    return any(map(accepts, value)) if isinstance(value, list) else accepts(value)


def _anywhere(accepts: Callable[[str], bool], text: str, folded: str | None, values: str | None) -> bool:
    """Whether the message or an attribute's value is accepted."""
    if accepts(joined(text) if folded is None else folded):
        return True
    flat: dict[str, Any] = msgspec.json.decode(values) if values else {}
    return any(
        accepts(joined(shown(member)))
        for value in flat.values()
        for member in (value if isinstance(value, list) else (value,))
    )
