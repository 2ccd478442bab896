"""From a request's path to what it is about: which kind, where, which object, which part of it."""

from dataclasses import dataclass

from oddsock.cluster.kinds import BY_PATH, Kind
from oddsock.cluster.status import NotFound

_OF_NAMESPACES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names; an empty *name* means the collection, an empty *subresource* the object itself."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource, without the leading slash (`proxy/charges`)."""


def target(path: str) -> Target:
    """The target of *path* below /api or /apis; NotFound when it names no served resource.

    >>> target("/apis/apps/v1/namespaces/sock-shop/deployments/payment/scale").subresource
    'scale'
    """
    parts = path.strip("/").split("/", 8 if path.startswith("/apis/") else 7)
    if parts[0] == "api" and len(parts) >= 3:
        group, version, parts = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, parts = parts[1], parts[2], parts[3:]
    else:
        raise NotFound.resource()
    namespace = ""
    if parts[0] == "namespaces" and len(parts) >= 3 and parts[2] not in _OF_NAMESPACES:
        namespace, parts = parts[1], parts[2:]
    kind = BY_PATH.get((group, version, parts[0]))
    if kind is None or (namespace and not kind.namespaced):
        raise NotFound.resource()
    name, subresource, *more = [*parts[1:], "", ""]
    return Target(kind, namespace, name, subresource, "/".join(part for part in more if part))
