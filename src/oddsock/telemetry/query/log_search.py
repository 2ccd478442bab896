"""The log search language, from text to tree, by recursive descent.

    either   = both { ("OR" | "||") both }
    both     = negated { ["AND" | "&&"] negated }          AND, also the unwritten one, binds tighter than OR
    negated  = { "NOT" | "-" | "!" } primary
    primary  = "(" either ")" | CIDR(field, network, ...) | "phrase" | word | key ":" value
    value    = "(" either of values ")" | "phrase" | word | (">" | ">=" | "<" | "<=") bound | range
    range    = ("[" | "{") bound "TO" bound ("]" | "}")

Nesting, tests and length have limits, so any text ends in a tree or in a QueryError that names a column.
"""

import ipaddress

from oddsock.kit.errors import QueryError
from oddsock.telemetry.query.log_scanner import TEXT_LENGTH_MAX, Scanner, literal_of
from oddsock.telemetry.query.log_terms import compared, exists_of, field_of, quoted_test, word_test
from oddsock.telemetry.query.log_traps import lower_case_operator, operator_trap
from oddsock.telemetry.query.log_tree import (
    And,
    Everything,
    Field,
    Match,
    Node,
    Not,
    Or,
    Range,
    Search,
    Test,
    Wildcard,
    Within,
)

__all__ = ["DEPTH_MAX", "TESTS_MAX", "TEXT_LENGTH_MAX", "QueryError", "parse_search"]

DEPTH_MAX = 50
TESTS_MAX = 300


def parse_search(text: str) -> Search:
    """The tree of *text* with warnings; QueryError with a column when it cannot be understood.

    >>> parse_search("service:orders OR x y").root.children[1]
    And(children=(Match(field=Field(kind='message', name=''), test=Phrase(tokens=('x',), open_end=False), column=19), \
Match(field=Field(kind='message', name=''), test=Phrase(tokens=('y',), open_end=False), column=21)))
    """
    parser = _Parser(text)
    root = parser.whole()
    return Search(text, root, tuple(dict.fromkeys(parser.warnings)))


class _Parser(Scanner):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.warnings: list[str] = []
        self._depth = 0
        self._tests = 0
        self._grouped: set[int] = set()

    def whole(self) -> Node:
        """The whole query."""
        self.skip_space()
        if not self.peek():
            return Everything()
        root = self._either(None)
        if self.peek():
            raise self.error("This parenthesis closes nothing.")
        return root

    def _either(self, field: Field | None) -> Node:
        arms = [self._both(field)]
        while self._takes_operator("OR", "||"):
            arms.append(self._both(field))
        if len(arms) == 1:
            return arms[0]
        self.warnings += operator_trap(arms, self._grouped)
        return Or(tuple(arms))

    def _both(self, field: Field | None) -> Node:
        parts = [self._negated(field)]
        while True:
            self.skip_space()
            if self.peek() in ("", ")") or self.sees_keyword("OR") or self.text.startswith("||", self.at):
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            self._takes_operator("AND", "&&")
            parts.append(self._negated(field))

    def _takes_operator(self, word: str, sign: str) -> bool:
        self.skip_space()
        return (self.sees_keyword(word) and self.takes(word)) or self.takes(sign)

    def _negated(self, field: Field | None) -> Node:
        odd = False
        while True:
            self.skip_space()
            if self.sees_keyword("NOT"):
                self.takes("NOT")
            elif self.peek() and self.peek() in "-!":
                self.at += 1
                if not self.peek() or self.peek().isspace():
                    raise self.error("This sign stands before what it excludes, without a space.", self.at - 1)
            else:
                break
            odd = not odd
        node = self._primary(field)
        return Not(node) if odd else node

    def _primary(self, field: Field | None) -> Node:
        mark = self.peek()
        if mark in ("", ")"):
            raise self.error("A term is missing here.")
        if mark == "(":
            return self._group(field)
        for word in ("AND", "OR"):
            if self.sees_keyword(word):
                raise self.error(f"{word} needs a term before it; to search for the word, put it in quotes.")
        if mark in "&|" and self.text.startswith(mark * 2, self.at):
            raise self.error(f"{mark * 2} needs a term before it.")
        if field is not None:
            return self._value(field)
        if mark == "#":
            raise self.error("Calculated fields (#name) are Datadog's own; search for the attributes they come from.")
        if mark in "[{":
            raise self.error("A range needs its key before it: key:[a TO b].")
        if self.text.startswith("CIDR(", self.at):
            return self._networks()
        return self._term()

    def _group(self, field: Field | None) -> Node:
        opened = self.at
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.error(f"Parentheses may be nested {DEPTH_MAX} deep.")
        self.at += 1
        node = self._either(field)
        if not self.takes(")"):
            raise self.error("This parenthesis is never closed.", opened)
        self._depth -= 1
        self._grouped.add(id(node))
        return node

    def _term(self) -> Node:
        """A phrase, a word, or a key and its value."""
        started = self.at
        if self.peek() == '"':
            return self._match(Field("message"), quoted_test(self, Field("message")), started)
        pattern = self.word(ends=":")
        if self.peek() != ":":
            self.warnings += lower_case_operator(literal_of(pattern))
            if pattern == (Wildcard.RUN,):
                return Everything()
            return self._match(Field("message"), word_test(self, Field("message"), pattern, started), started)
        if literal_of(pattern) in ("_exists_", "_missing_"):
            self.at += 1
            node = self._match(*exists_of(self), started)
            return node if literal_of(pattern) == "_exists_" else Not(node)
        field = field_of(self, pattern, started)
        self.at += 1
        return self._value(field)

    def _value(self, field: Field) -> Node:
        started = self.at
        mark = self.peek()
        if not mark or mark.isspace() or mark == ")":
            raise self.error("A key needs a value behind its colon; key:* asks for any.")
        if mark == "(":
            return self._group(field)
        if mark == '"':
            return self._match(field, quoted_test(self, field), started)
        if mark in "[{":
            return self._match(field, self._range(field), started)
        if mark in "<>":
            return self._match(field, compared(self, field), started)
        pattern = self.word()
        names = [name for name in (literal_of(pattern) or "").split(",") if name]
        if field == Field("reserved", "source") and len(names) > 1:
            tests = [word_test(self, field, (name,), started) for name in names]
            return Or(tuple(self._match(field, test, started) for test in tests))
        return self._match(field, word_test(self, field, pattern, started), started)

    def _match(self, field: Field, test: Test | None, started: int) -> Node:
        self._tests += 1
        if self._tests > TESTS_MAX:
            raise self.error(f"A query holds at most {TESTS_MAX} terms.", started)
        return Everything() if test is None else Match(field, test, started + 1)

    def _range(self, field: Field) -> Test:
        opened = self.at
        low_closed = self.peek() == "["
        self.at += 1
        low = self._bound()
        self.skip_space()
        if not self.sees_keyword("TO"):
            raise self.error("A range is written key:[a TO b].")
        self.takes("TO")
        high = self._bound()
        self.skip_space()
        if self.peek() not in ("]", "}"):
            raise self.error("A range is closed by ] or }." if self.peek() else "This range is never closed.", opened)
        high_closed = self.peek() == "]"
        self.at += 1
        return compared(self, field, Range(low, high, low_closed, high_closed), opened)

    def _bound(self) -> str | None:
        self.skip_space()
        if self.peek() == '"':
            return self.quoted()
        started = self.at
        pattern = self.word(ends="]}")
        bound = literal_of(pattern)
        if bound is None and len(pattern) == 1 and self.text[started] == "*":
            return None
        if not bound:
            raise self.error("A bound of a range is a number, a text or * for none.", started)
        return bound

    def _networks(self) -> Node:
        started = self.at
        self.takes("CIDR(")
        self.skip_space()
        field = field_of(self, self.word(ends=","), self.at)
        networks: list[str] = []
        while True:
            self.skip_space()
            if self.takes(")"):
                break
            if not self.takes(","):
                raise self.error("CIDR is written CIDR(@attribute, 10.0.0.0/8, ...).")
            self.skip_space()
            begun = self.at
            network = literal_of(self.word(ends=",")) or ""
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError as cause:
                raise self.error("A network is written 10.0.0.0/8 or fd00::/8.", begun) from cause
            networks.append(network)
        if not networks or field.kind in ("message", "anywhere"):
            raise self.error("CIDR takes an attribute or a tag and at least one network.", started)
        return self._match(field, Within(tuple(networks)), started)
