"""Which fields a Kubernetes object may have: one table for unknown-field checks and for protobuf bodies.

The table, wire_fields.txt, says how it is to be read. Source of the names and numbers: the generated.proto files of
https://github.com/kubernetes/api, v0.32.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from oddsock.cluster.kinds import Obj

PATH = Path(__file__).with_name("wire_fields.txt")
_FIELD = re.compile(r"(?P<name>\w+)=(?P<number>\d+)(?P<mark>[*^]?)(?P<form>[:%])(?P<type>[\w.]+)")
_HEAD = frozenset({"apiVersion", "kind"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field; *type* is a letter for a scalar, or a message of the table, or one that is written as a scalar."""

    name: str
    number: int
    type: str
    is_list: bool = False
    is_map: bool = False
    is_inline: bool = False


@cache
def messages() -> dict[str, tuple[Field, ...]]:
    """Every message of the table by its name (`core.PodSpec`)."""
    found = {}
    for line in PATH.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        found[name] = tuple(
            Field(
                row["name"],
                int(row["number"]),
                row["type"],
                is_list=row["mark"] == "*",
                is_map=row["form"] == "%",
                is_inline=row["mark"] == "^",
            )
            for row in _FIELD.finditer(rest)
        )
    return found


def message_of(api_version: str, kind: str) -> str:
    """The message of objects of *kind* in *api_version*; empty when the table has none.

    >>> message_of("apps/v1", "Deployment"), message_of("v1", "Pod"), message_of("v1", "Unicorn")
    ('apps.Deployment', 'core.Pod', '')
    """
    group = api_version.rpartition("/")[0] or "core"
    name = f"{group}.{kind}"
    if kind == "DeleteOptions":
        name = "meta.DeleteOptions"
    return name if name in messages() else ""


@cache
def json_fields(message: str) -> dict[str, Field]:
    """The fields of *message* as JSON has them, those of inlined messages among them, by name."""
    found: dict[str, Field] = {}
    for field in messages()[message]:
        found.update(json_fields(field.type) if field.is_inline else {field.name: field})
    return found


def prune(obj: Obj) -> list[str]:
    """Take what its kind does not have out of *obj*; the paths of what was taken, in the order met.

    An object of a kind that the table does not have stays as it is.
    """
    message = message_of(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    return list(_prune(message, obj, "", _HEAD)) if message else []


def _prune(message: str, obj: Obj, path: str, also: frozenset[str] = frozenset()) -> Iterator[str]:
    fields = json_fields(message)
    for name in list(obj):
        if name in also:
            continue
        field = fields.get(name)
        if field is None:
            del obj[name]
            yield f"{path}{name}"
        elif field.type in messages():
            yield from _prune_value(field, obj[name], f"{path}{name}")


def _prune_value(field: Field, value: Any, path: str) -> Iterator[str]:
    # What is no object in an object's place is not this check's business.
    if field.is_list and isinstance(value, list):
        for number, part in enumerate(value):
            if isinstance(part, dict):
                yield from _prune(field.type, part, f"{path}[{number}].")
    elif isinstance(value, dict):
        yield from _prune(field.type, value, f"{path}.")
