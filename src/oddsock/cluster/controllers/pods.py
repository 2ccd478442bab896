"""What the controllers ask of a pod: its owner, whether it counts, whether it is ready, and a name for a new one."""

import hashlib
import json
import secrets
from datetime import datetime

from oddsock.cluster.kinds import Obj

SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""The letters Kubernetes makes names of: no vowels, so that no word appears."""


def safe_suffix(length: int = 5) -> str:
    """Random letters that end a pod's name."""
    return "".join(secrets.choice(SAFE) for _ in range(length))


def template_hash(template: Obj, length: int = 10) -> str:
    """The letters that tell one pod template from another; the same for the same template."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(SAFE))
        letters.append(SAFE[rest])
    return "".join(letters)


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference that controls *obj*, or None."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Obj = reference
            return found
    return None


def is_owned_by(obj: Obj, owner: Obj) -> bool:
    """Whether *owner* controls *obj*."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def owner_reference(owner: Obj) -> Obj:
    """The reference by which *owner* controls an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Obj, type_: str) -> Obj | None:
    """The condition *type_* of *obj*, or None."""
    for row in (obj.get("status") or {}).get("conditions") or ():
        if row["type"] == type_:
            found: Obj = row
            return found
    return None


def is_terminating(obj: Obj) -> bool:
    """Whether *obj* is being deleted."""
    return "deletionTimestamp" in obj["metadata"]


def is_finished(pod: Obj) -> bool:
    """Whether every container of *pod* has ended for good."""
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def is_active(pod: Obj) -> bool:
    """Whether *pod* counts as one of its replica set's."""
    return not is_terminating(pod) and not is_finished(pod)


def is_ready(pod: Obj) -> bool:
    """Whether *pod* is Ready."""
    row = condition(pod, "Ready")
    return row is not None and row["status"] == "True"


def available_in_s(pod: Obj, min_ready_s: float, now: datetime, speed: float) -> float | None:
    """Plan seconds until *pod* has been ready for *min_ready_s*: 0.0 when it has, None while it is not ready."""
    row = condition(pod, "Ready")
    if row is None or row["status"] != "True":
        return None
    if min_ready_s <= 0:
        return 0.0
    since = datetime.fromisoformat(row["lastTransitionTime"])
    return max(0.0, min_ready_s - (now - since).total_seconds() * speed)
