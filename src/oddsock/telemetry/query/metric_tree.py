"""The tree of a metric query: what `metric_query` parses and `metric_eval` walks. Columns count from 1.

avg:system.load.1{env:prod} by {host}.rollup(max, 60)     Query
default_zero(Query), top(Query, 5, 'mean', 'desc')          Call
100 * Query / (Query + Query), -Query                        Binary, Number, Negation
a, where a formula names a query of its request              Reference
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Everything:
    """The scope `*`."""


@dataclass(frozen=True, slots=True)
class HasTag:
    """`key:value`, `key:val*` or a tag without a key, compared without regard to case; `key:*` is any value."""

    tag: str
    pattern: re.Pattern[str] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, tag: str) -> "HasTag":
        """The term for *tag*, with a pattern when it has a wildcard."""
        tag = tag.lower()
        if "*" not in tag:
            return cls(tag)
        first, *between, last = map(re.escape, re.split(r"\*+", tag))
        # The first place of each part between is as good as any later one, and going back would take for ever.
        parts = "".join(f"(?>.*?{part})" for part in between)
        return cls(tag, re.compile(f"{first}{parts}.*{last}", re.DOTALL))


@dataclass(frozen=True, slots=True)
class Not:
    """What *term* does not hold."""

    term: "Scope"


@dataclass(frozen=True, slots=True)
class Every:
    """What all *terms* hold."""

    terms: "tuple[Scope, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """What at least one of *terms* holds."""

    terms: "tuple[Scope, ...]"


Scope = Everything | HasTag | Not | Every | Some


def holds(scope: Scope, tags: frozenset[str]) -> bool:
    """Whether a series with *tags* (lower case) is in *scope*."""
    match scope:
        case Everything():
            return True
        case HasTag(tag=tag, pattern=None):
            return tag in tags
        case HasTag(pattern=pattern):
            assert pattern is not None
            return any(pattern.fullmatch(tag) for tag in tags)
        case Not(term=term):
            return not holds(term, tags)
        case Every(terms=terms):
            return all(holds(term, tags) for term in terms)
        case Some(terms=terms):
            return any(holds(term, tags) for term in terms)


@dataclass(frozen=True, slots=True)
class Query:
    """One metric, aggregated: *aggregator* over space, *by* its groups, the rest its modifiers."""

    aggregator: str
    metric: str
    scope: Scope
    scope_text: str
    by: tuple[str, ...] = ()
    modifier: str = ""
    rollup: str = ""
    rollup_s: int = 0
    fill: str = ""
    fill_s: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True)
class Number:
    """A number in an expression."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a query, in a formula."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Negation:
    """Minus an expression."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and one of + - * /."""

    operator: str
    left: "Expression"
    right: "Expression"
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of an expression; *arguments* are numbers and words."""

    function: str
    operand: "Expression"
    arguments: tuple[float | str, ...]
    column: int


Expression = Query | Number | Reference | Negation | Binary | Call
