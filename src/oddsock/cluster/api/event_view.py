"""events.k8s.io/v1 is another spelling of core/v1 events: the same objects, other member names.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from oddsock.cluster.kinds import Kind, Obj

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_STORED = {there: here for here, there in _NAMES.items()}


def shown(kind: Kind, obj: Obj) -> Obj:
    """A stored object as *kind* spells it."""
    if not kind.is_view:
        return obj
    return {**{_NAMES.get(key, key): value for key, value in obj.items()}, "apiVersion": kind.api_version}


def stored(kind: Kind, obj: Obj) -> Obj:
    """An object that came in as *kind* spells it, as the store keeps it."""
    if not kind.is_view:
        return obj
    return {**{_STORED.get(key, key): value for key, value in obj.items()}, "apiVersion": "v1"}


def stored_fields(kind: Kind, selector: str) -> str:
    """A field selector on *kind* in the stored spelling."""
    if not kind.is_view:
        return selector
    terms = []
    for term in selector.split(","):
        head, dot, rest = term.partition(".")
        terms.append(f"{_STORED.get(head, head)}{dot}{rest}")
    return ",".join(terms)
