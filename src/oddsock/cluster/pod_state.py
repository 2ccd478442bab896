"""The one word a pod's state is told with, as `kubectl get pods` shows it: Running, CrashLoopBackOff, Terminating."""

from oddsock.cluster.kinds import Obj


def pod_cells(pod: Obj) -> tuple[str, str, int, str | None]:
    """(ready containers/all, state, restarts, instant of the latest restart) of a pod."""
    spec, status = pod["spec"], pod.get("status") or {}
    rows = status.get("containerStatuses") or []
    ready = sum(bool(row.get("ready")) for row in rows)
    restarts = sum(int(row.get("restartCount", 0)) for row in rows)
    ended = [((row.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for row in rows]
    return (
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_word(pod),
        restarts,
        max((at for at in ended if at), default=None),
    )


def pod_word(pod: Obj) -> str:
    """The state of a pod in one word."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    rows = status.get("containerStatuses") or []
    has_running = False
    for row in reversed(rows):
        state = row.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            word = state["waiting"]["reason"]
        elif ended := state.get("terminated"):
            word = ended.get("reason") or (
                f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
            )
        elif row.get("ready") and state.get("running") is not None:
            has_running = True
    if word == "Completed" and has_running:
        is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
        word = "Running" if is_ready else "NotReady"
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)
