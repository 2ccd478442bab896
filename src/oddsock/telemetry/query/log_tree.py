"""The tree of a log search: what to look at (a field), what to ask of it (a test), and how the answers combine.

A tree is plain data. log_match asks it of one log, log_sql of a file of logs; both must answer the same.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

RESERVED = ("service", "status", "host", "source", "trace_id", "timestamp", "tags")
"""Keys that name a part of the log itself; `message` has a kind of its own, every other bare key is a tag's."""


class Wildcard(Enum):
    """`*`, any run of characters, and `?`, exactly one."""

    RUN = "*"
    ONE = "?"


Pattern: TypeAlias = tuple[str | Wildcard, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """What a test looks at: the message, everything, a reserved key, a tag's key or the path of an attribute."""

    kind: Literal["message", "anywhere", "reserved", "tag", "attribute"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive tokens of a text, folded; the last one may be only the beginning of a token (*open_end*)."""

    tokens: tuple[str, ...]
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class TokenPatterns:
    """Consecutive tokens of a text, each by a folded pattern; None stands for any number of tokens."""

    parts: tuple[Pattern | None, ...]


@dataclass(frozen=True, slots=True)
class Equals:
    """The value is *text*; a number is also equal when it is the same number."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """The whole value follows *pattern*, case-sensitively."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value."""


@dataclass(frozen=True, slots=True)
class Range:
    """The value lies between *low* and *high*, None being open: by number when both are numbers, else by text."""

    low: str | None
    high: str | None
    low_closed: bool = True
    high_closed: bool = True


@dataclass(frozen=True, slots=True)
class Within:
    """The value is an IP address of one of *networks*, each in CIDR form."""

    networks: tuple[str, ...]


Test: TypeAlias = Phrase | TokenPatterns | Equals | Like | Exists | Range | Within


@dataclass(frozen=True, slots=True)
class Everything:
    """Every log: the empty query and `*`."""


@dataclass(frozen=True, slots=True)
class Match:
    """One test of one field, written at *column*."""

    field: Field
    test: Test
    column: int = dataclasses.field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What *child* does not match."""

    child: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """What every child matches; two or more of them."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What some child matches; two or more of them."""

    children: tuple["Node", ...]


Node: TypeAlias = Everything | Match | Not | And | Or


@dataclass(frozen=True, slots=True)
class Search:
    """A query as it was written, as a tree, and what its author should know about it."""

    text: str
    root: Node
    warnings: tuple[str, ...] = ()


def leaves(node: Node) -> Iterator[Match]:
    """Every test of the tree, from left to right."""
    if isinstance(node, Match):
        yield node
    elif isinstance(node, Not):
        yield from leaves(node.child)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from leaves(child)
