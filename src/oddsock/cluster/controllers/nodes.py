"""The two nodes of the cluster: two names of one machine, and labelled so.

Wire: core/v1 Node; the capacity is the machine's own, so it must not be added up over the nodes.
"""

import os
import platform

import oddsock
from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store, timestamp

CONTROL_PLANE = "sockshop-control-plane"
WORKER = "sockshop-worker"
MACHINE = "oddsock.dev/machine"
NETWORK_MODE = "oddsock.dev/network-mode"
"""The annotation that says how pods and Services are reached: `ns` or `ports`."""
KUBELET_VERSION = "v1.32.0"
"""The Kubernetes whose wire this cluster speaks."""
PODS_MAX = 110

_ROLE = "node-role.kubernetes.io/control-plane"
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def register_nodes(store: Store, machine_address: str = "127.0.0.1", network_mode: str = "ports") -> None:
    """Put both nodes, Ready, into *store*."""
    for name in (CONTROL_PLANE, WORKER):
        store.create(_node(store, name, machine_address, network_mode))


def _node(store: Store, name: str, address: str, network_mode: str) -> Obj:
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    system = platform.system().lower()
    is_control_plane = name == CONTROL_PLANE
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": system,
        "kubernetes.io/arch": architecture,
        MACHINE: "same",
        **({_ROLE: ""} if is_control_plane else {}),
    }
    at = timestamp(store.clock.now())
    capacity = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 1024}Ki",
        "pods": str(PODS_MAX),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {
                MACHINE: f"{CONTROL_PLANE} and {WORKER} are two names of one machine, {platform.node()}",
                NETWORK_MODE: network_mode,
            },
        },
        "spec": {"taints": [{"key": _ROLE, "effect": "NoSchedule"}]} if is_control_plane else {},
        "status": {
            "capacity": capacity,
            "allocatable": dict(capacity),
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [
                {
                    "type": type_,
                    "status": status,
                    "reason": reason,
                    "message": message,
                    "lastHeartbeatTime": at,
                    "lastTransitionTime": at,
                }
                for type_, status, reason, message in _CONDITIONS
            ],
            "nodeInfo": {
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
                "kernelVersion": platform.release(),
                "osImage": platform.platform(),
                "containerRuntimeVersion": f"oddsock://{oddsock.__version__}",
                "kubeletVersion": KUBELET_VERSION,
                "kubeProxyVersion": KUBELET_VERSION,
                "operatingSystem": system,
                "architecture": architecture,
            },
        },
    }
