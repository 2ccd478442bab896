"""What a worker of the kubelet is given: the parts of this machine that pods use."""

from dataclasses import dataclass
from pathlib import Path

from oddsock.cluster.containers import Spawner
from oddsock.cluster.controllers.events import EventRecorder, Source
from oddsock.cluster.fault_files import FaultFiles
from oddsock.cluster.images import Images
from oddsock.cluster.kinds import Obj
from oddsock.cluster.network import Network
from oddsock.cluster.store import Store
from oddsock.cluster.volumes import Volumes
from oddsock.kit.clock import Clock

GRACE_S_MIN = 1.0
"""Shortest wall time between SIGTERM and SIGKILL, however fast plan time runs, unless the grace is 0."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts a pod is run with."""

    store: Store
    events: EventRecorder
    network: Network
    volumes: Volumes
    images: Images
    spawner: Spawner
    clock: Clock
    logs: Path
    """Folder of the container logs."""
    fault_files: FaultFiles

    def tell(self, pod: Obj, reason: str, message: str, *, warn: bool = False, container: str = "") -> None:
        """Record an event of the kubelet on *pod*, or on one *container* of it."""
        self.events.record(
            Source("kubelet", pod["spec"].get("nodeName", "")),
            pod,
            reason,
            message,
            type_="Warning" if warn else "Normal",
            field_path=f"spec.containers{{{container}}}" if container else "",
        )

    def grace_wall_s(self, grace_s: float) -> float:
        """Wall seconds for a grace of *grace_s* plan seconds."""
        return max(grace_s / self.clock.speed, GRACE_S_MIN) if grace_s > 0 else 0.0
