"""The scheduler: a node for every pod that has none; texts of its events are kube-scheduler's."""

from collections.abc import Iterable

from oddsock.cluster.controllers.events import EventRecorder, Source
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.controllers.pods import condition, is_ready
from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store, timestamp

SOURCE = Source("default-scheduler")


class Scheduler:
    """Binds pods to the first node that takes them; a node that becomes free is tried for every pod that waits."""

    name = "scheduler"

    def __init__(self, store: Store, events: EventRecorder) -> None:
        self._store = store
        self._events = events

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A pod without a node; for a node, every such pod."""
        if obj["kind"] == "Pod" and type_ != "DELETED" and not obj["spec"].get("nodeName"):
            yield obj["metadata"]["namespace"], obj["metadata"]["name"]
        elif obj["kind"] == "Node":
            for pod in self._store.list("Pod"):
                if not pod["spec"].get("nodeName"):
                    yield pod["metadata"]["namespace"], pod["metadata"]["name"]

    def reconcile(self, key: Key) -> float | None:
        """Give pod (namespace, name) a node, or say why there is none."""
        namespace, name = key
        pod = self._store.find("Pod", namespace, name)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return None
        nodes = self._store.list("Node")
        reasons = {node["metadata"]["name"]: refusal(node, pod) for node in nodes}
        chosen = next((name for name, reason in reasons.items() if not reason), None)
        if chosen is None:
            self._say_unschedulable(pod, list(reasons.values()))
            return None
        pod["spec"]["nodeName"] = chosen
        pod = self._store.update(pod)
        at = timestamp(self._store.clock.now())
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": at}
        status = {"phase": "Pending", **(pod.get("status") or {}), "conditions": [scheduled]}
        self._store.update_status("Pod", namespace, name, status)
        self._events.record(SOURCE, pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {chosen}")
        return None

    def _say_unschedulable(self, pod: Obj, reasons: list[str]) -> None:
        counted = ", ".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons)))
        message = f"0/{len(reasons)} nodes are available: {counted}."
        before = condition(pod, "PodScheduled")
        if before is not None and before.get("message") == message:
            return
        row = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(self._store.clock.now()),
        }
        status = {"phase": "Pending", **(pod.get("status") or {}), "conditions": [row]}
        self._store.update_status("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"], status)
        self._events.record(SOURCE, pod, "FailedScheduling", message, type_="Warning")


def refusal(node: Obj, pod: Obj) -> str:
    """Why *node* does not take *pod*, in kube-scheduler's words; empty when it does."""
    if node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    if not is_ready(node):
        return "node(s) were not ready"
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
        return "node(s) didn't match Pod's node affinity/selector"
    for taint in node["spec"].get("taints") or ():
        if taint.get("effect") in {"NoSchedule", "NoExecute"} and not _tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    return ""


def _tolerates(pod: Obj, taint: Obj) -> bool:
    for row in pod["spec"].get("tolerations") or ():
        same_key = not row.get("key") or row["key"] == taint["key"]
        same_effect = not row.get("effect") or row["effect"] == taint["effect"]
        any_value = row.get("operator") == "Exists" or row.get("value", "") == taint.get("value", "")
        if same_key and same_effect and any_value:
            return True
    return False
