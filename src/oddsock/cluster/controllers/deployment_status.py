"""The status of a deployment: counts over its replica sets and the conditions Available and Progressing.

Reasons and messages are kube-controller-manager's (deployment/util, sync.go, progress.go).
"""

from collections.abc import Sequence
from datetime import datetime

from oddsock.cluster.controllers.pods import condition
from oddsock.cluster.controllers.rollout import limits
from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import timestamp

_MAY_BE_LEFT_OUT = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def deployment_status(
    deployment: Obj, new: Obj | None, replica_sets: Sequence[Obj], now: datetime, speed: float, new_is_fresh: bool
) -> Obj:
    """The whole status of *deployment*; *new_is_fresh* says that its new replica set was made in this reconcile."""
    old_status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = _counts(wanted, new, replica_sets)
    is_complete = (
        counts["updatedReplicas"] == wanted == counts["replicas"] == counts["availableReplicas"] and new is not None
    )
    has_moved = any(counts[name] > old_status.get(name, 0) for name in ("updatedReplicas", "availableReplicas"))
    available = _available(deployment, counts["availableReplicas"])
    progressing = _progressing(deployment, new, is_complete, has_moved, new_is_fresh, now, speed)
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        **{name: counts[name] for name in _MAY_BE_LEFT_OUT if counts[name]},
        "conditions": [_dated(deployment, row, now) for row in (available, progressing)],
    }


def progress_deadline_in_s(deployment: Obj, now: datetime, speed: float) -> float | None:
    """Plan seconds until *deployment* counts as stuck; None when it is complete, stuck already or has no deadline."""
    row = condition(deployment, "Progressing")
    deadline_s = deployment["spec"].get("progressDeadlineSeconds", 600)
    if row is None or row["reason"] in {"NewReplicaSetAvailable", "ProgressDeadlineExceeded"} or not deadline_s:
        return None
    since = datetime.fromisoformat(row["lastUpdateTime"])
    return max(0.0, float(deadline_s) - (now - since).total_seconds() * speed)


def _counts(wanted: int, new: Obj | None, replica_sets: Sequence[Obj]) -> dict[str, int]:
    def total(name: str, chosen: Sequence[Obj]) -> int:
        return sum((replica_set.get("status") or {}).get(name, 0) for replica_set in chosen)

    available = total("availableReplicas", replica_sets)
    # During a rollout more may be asked for than wanted; what is missing of that counts as unavailable.
    asked = max(wanted, sum(replica_set["spec"].get("replicas", 0) for replica_set in replica_sets))
    return {
        "replicas": total("replicas", replica_sets),
        "updatedReplicas": total("replicas", [new] if new else []),
        "readyReplicas": total("readyReplicas", replica_sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, asked - available),
    }


def _available(deployment: Obj, available: int) -> Obj:
    spec = deployment["spec"]
    is_recreate = (spec.get("strategy") or {}).get("type") == "Recreate"
    minimum = spec.get("replicas", 1) - (0 if is_recreate else limits(spec).unavailable)
    if available >= minimum:
        return _row("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    return _row("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")


def _progressing(
    deployment: Obj,
    new: Obj | None,
    is_complete: bool,
    has_moved: bool,
    new_is_fresh: bool,
    now: datetime,
    speed: float,
) -> Obj:
    before = condition(deployment, "Progressing")
    if deployment["spec"].get("paused"):
        return before or _row("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if new is None:
        return before or _row("Progressing", "True", "ReplicaSetUpdated", "Deployment is progressing.")
    name = new["metadata"]["name"]
    if new_is_fresh:
        return _row("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
    if is_complete:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _row("Progressing", "True", "NewReplicaSetAvailable", message)
    if has_moved:
        return _row("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    if before is None:
        return _row("Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{name}"')
    # A deployment that was complete and merely scales has not begun to be late.
    if before["reason"] == "NewReplicaSetAvailable" and f'"{name}"' in before["message"]:
        return before
    left_s = progress_deadline_in_s(deployment, now, speed)
    if left_s is not None and left_s <= 0:
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _row("Progressing", "False", "ProgressDeadlineExceeded", message)
    return before


def _row(type_: str, status: str, reason: str, message: str) -> Obj:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _dated(deployment: Obj, row: Obj, now: datetime) -> Obj:
    if "lastUpdateTime" in row:
        return row
    before, at = condition(deployment, row["type"]), timestamp(now)
    same = before is not None and all(before[key] == row[key] for key in ("status", "reason", "message"))
    # Steady progress moves the clock of the deadline; a state that merely persists does not.
    updated = before["lastUpdateTime"] if before and same and row["reason"] != "ReplicaSetUpdated" else at
    changed = before["lastTransitionTime"] if before and before["status"] == row["status"] else at
    return {**row, "lastUpdateTime": updated, "lastTransitionTime": changed}
