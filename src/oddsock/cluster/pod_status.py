"""The status of a pod, from the states of its containers: pure.

Wire: core/v1 PodStatus; phases and condition reasons are the kubelet's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import timestamp


@dataclass(slots=True)
class ContainerState:
    """What the kubelet knows of one container: *state* and *last* are core/v1 ContainerState objects."""

    name: str
    image: str
    state: Obj = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Obj = field(default_factory=dict)
    container_id: str = ""
    restarts: int = 0
    is_ready: bool = False
    is_started: bool = False

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return "running" in self.state

    def status(self) -> Obj:
        """The core/v1 ContainerStatus."""
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": self.is_ready and self.is_running,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": f"oddsock://{self.image}" if self.container_id else "",
            **({"containerID": self.container_id} if self.container_id else {}),
            "started": self.is_started and self.is_running,
        }


def pod_status(
    pod: Obj, containers: Sequence[ContainerState], addresses: Mapping[str, str], started_at: str, now: datetime
) -> Obj:
    """The status of *pod* now; *addresses* has podIP and hostIP once they are known."""
    before = pod.get("status") or {}
    phase = _phase(pod, containers)
    status: Obj = {
        "phase": phase,
        "conditions": _conditions(pod, containers, phase, bool(addresses), now),
        "startTime": before.get("startTime", started_at),
        "containerStatuses": [container.status() for container in containers],
        "qosClass": before.get("qosClass", "BestEffort"),
    }
    if addresses:
        status["hostIP"] = addresses["hostIP"]
        status["hostIPs"] = [{"ip": addresses["hostIP"]}]
        status["podIP"] = addresses["podIP"]
        status["podIPs"] = [{"ip": addresses["podIP"]}]
    return status


def terminated(exit_code: int, started_at: datetime, finished_at: datetime, container_id: str) -> Obj:
    """The state of a container that ended with *exit_code* (128 + signal when it was killed)."""
    return {
        "terminated": {
            "exitCode": exit_code,
            "reason": "Completed" if exit_code == 0 else "Error",
            "startedAt": timestamp(started_at),
            "finishedAt": timestamp(finished_at),
            "containerID": container_id,
        }
    }


def restarts_after(policy: str, exit_code: int) -> bool:
    """Whether restartPolicy *policy* starts a container again that ended with *exit_code*."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _phase(pod: Obj, containers: Sequence[ContainerState]) -> str:
    policy = pod["spec"].get("restartPolicy", "Always")
    codes = [(container.state.get("terminated") or {}).get("exitCode") for container in containers]
    if all(code is not None for code in codes) and (
        "deletionTimestamp" in pod["metadata"] or not any(restarts_after(policy, code or 0) for code in codes)
    ):
        return "Succeeded" if not any(codes) else "Failed"
    has_begun = all(container.is_running or container.last or container.container_id for container in containers)
    return "Running" if has_begun else "Pending"


def _conditions(
    pod: Obj, containers: Sequence[ContainerState], phase: str, has_addresses: bool, now: datetime
) -> list[Obj]:
    unready = [container.name for container in containers if not (container.is_ready and container.is_running)]
    gap: Obj = {}
    if phase == "Succeeded":
        gap = {"status": "False", "reason": "PodCompleted"}
    elif phase == "Failed":
        gap = {"status": "False", "reason": "PodFailed"}
    elif unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        gap = {"status": "False", "reason": "ContainersNotReady", "message": message}
    rows: list[Obj] = [
        {"type": "PodReadyToStartContainers", "status": str(has_addresses)},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", "status": "True", **gap},
        {"type": "ContainersReady", "status": "True", **gap},
        {"type": "PodScheduled", "status": "True"},
    ]
    before = {row["type"]: row for row in (pod.get("status") or {}).get("conditions") or ()}
    for row in rows:
        was = before.get(row["type"])
        same = was is not None and was["status"] == row["status"]
        row["lastProbeTime"] = None
        row["lastTransitionTime"] = was["lastTransitionTime"] if was and same else timestamp(now)
    return rows
