"""Who wrote a field last, by an object's managedFields.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterable
from typing import Any

from lightkube.models.meta_v1 import ManagedFieldsEntry

from oddsock.clients.kubernetes.objects import Writer
from oddsock.kit.clock import iso

_POD = ("f:spec", "f:template", "f:spec", "f:containers")


def field_keys(path: str) -> tuple[str, ...]:
    """How managedFields spells *path*: spec.replicas, or env.<container>.<NAME>.

    >>> field_keys("spec.replicas")
    ('f:spec', 'f:replicas')
    >>> field_keys("env.payment.LIMIT")[4:]
    ('k:{"name":"payment"}', 'f:env', 'k:{"name":"LIMIT"}')
    """
    if not path.startswith("env."):
        return tuple(f"f:{part}" for part in path.split("."))
    _, container, variable = path.split(".", 2)
    return (*_POD, _element(container), "f:env", _element(variable))


def find_writer(entries: Iterable[ManagedFieldsEntry], path: str) -> Writer | None:
    """Who wrote *path* last; None when no entry has it, as for a field that was taken away."""
    keys = field_keys(path)
    writers = [
        Writer(manager=entry.manager or "somebody", at=iso(entry.time) if entry.time else "")
        for entry in entries
        if _has(entry.fieldsV1 or {}, keys)
    ]
    return max(writers, key=lambda writer: writer.at, default=None)


def _has(fields: dict[str, Any], keys: tuple[str, ...]) -> bool:
    for key in keys:
        if key not in fields:
            return False
        fields = fields[key]
    return True


def _element(name: str) -> str:
    return "k:" + json.dumps({"name": name}, separators=(",", ":"))
