"""Server-side tables: the text cells that `kubectl get` prints, as a real API server computes them.

meta.k8s.io/v1 Table; the cells follow the printers of kubernetes/pkg/printers/internalversion.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from oddsock.cluster.faults import target_text
from oddsock.cluster.kinds import Kind, Obj
from oddsock.cluster.pod_state import pod_cells
from oddsock.cluster.selectors import selector_text
from oddsock.kit.clock import instant

ENDPOINTS_SHOWN_MAX = 3
_NUMBERS = frozenset({"Desired", "Current", "Up-to-date", "Available", "Count", "Data", "Secrets", "Percent", "Hits"})

Cells = list[Any]


def table(
    kind: Kind, objects: Iterable[Obj], now: datetime, include: str = "Metadata", with_columns: bool = True
) -> Obj:
    """The Table of *objects*; *include* is what each row carries: Metadata, Object or None."""
    rows = []
    for obj in objects:
        row: Obj = {"cells": CELLS[kind.name](obj, now)}
        if include == "Object":
            row["object"] = obj
        elif include == "Metadata":
            row["object"] = partial_metadata(obj)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [_definition(kind, n) for n in range(len(kind.columns))] if with_columns else None,
        "rows": rows,
    }


def partial_metadata(obj: Obj) -> Obj:
    """*obj* cut down to a meta.k8s.io/v1 PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def age(at: str | None, now: datetime) -> str:
    """How long ago *at* was, as kubectl writes it: 5s, 3m10s, 7h, 2d3h; `<unknown>` when there is no instant.

    >>> age("2025-10-30T08:20:50Z", instant("2025-10-30T08:24:00Z"))
    '3m10s'
    """
    return duration((now - instant(at)).total_seconds()) if at else "<unknown>"


def duration(seconds: float) -> str:
    """Whole *seconds* in at most two units, as apimachinery's HumanDuration has it."""
    s = max(0, int(seconds))
    if s < 120:
        return f"{s}s"
    if s < 600:
        return f"{s // 60}m{s % 60}s" if s % 60 else f"{s // 60}m"
    if s < 3 * 3600:
        return f"{s // 60}m"
    if s < 8 * 3600:
        return f"{s // 3600}h{s // 60 % 60}m" if s // 60 % 60 else f"{s // 3600}h"
    if s < 48 * 3600:
        return f"{s // 3600}h"
    days, hours = divmod(s // 3600, 24)
    if days < 8:
        return f"{days}d{hours}h" if hours else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"


def _definition(kind: Kind, number: int) -> Obj:
    column = kind.columns[number]
    return {
        "name": column.name,
        "type": "integer" if column.name in _NUMBERS else column.type,
        "format": "name" if number == 0 and column.name == "Name" else "",
        "description": f"{column.name} of the {kind.singular}",
        "priority": int(column.wide),
    }


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def _created(obj: Obj, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _containers(obj: Obj) -> tuple[str, str]:
    containers = ((obj["spec"].get("template") or {}).get("spec") or {}).get("containers") or []
    return ",".join(c["name"] for c in containers), ",".join(c.get("image", "") for c in containers)


def _deployment(obj: Obj, now: datetime) -> Cells:
    spec, status = obj["spec"], obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    head = [_name(obj), ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0), _created(obj, now)]
    return [*head, *_containers(obj), selector_text(spec.get("selector"))]


def _replicaset(obj: Obj, now: datetime) -> Cells:
    spec, status = obj["spec"], obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [_name(obj), *counts, _created(obj, now), *_containers(obj), selector_text(spec.get("selector"))]


def _service(obj: Obj, now: datetime) -> Cells:
    spec = obj["spec"]
    ports = [
        f"{p['port']}:{p['nodePort']}/{p.get('protocol', 'TCP')}"
        if p.get("nodePort")
        else f"{p['port']}/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports") or ()
    ]
    external = ",".join(spec.get("externalIPs") or ()) or "<none>"
    if spec.get("type") == "LoadBalancer":
        external = "<pending>"
    elif spec.get("type") == "ExternalName":
        external = spec.get("externalName", "")
    return [
        _name(obj),
        spec.get("type", "ClusterIP"),
        spec.get("clusterIP") or "<none>",
        external,
        ",".join(ports) or "<none>",
        _created(obj, now),
        selector_text(spec.get("selector")) or "<none>",
    ]


def _shortened(items: Sequence[str]) -> str:
    if not items:
        return "<none>"
    more = len(items) - ENDPOINTS_SHOWN_MAX
    return ",".join(items[:ENDPOINTS_SHOWN_MAX]) + (f" + {more} more..." if more > 0 else "")


def _endpoints(obj: Obj, now: datetime) -> Cells:
    addresses = [
        f"{address['ip']}:{port['port']}" if port else address["ip"]
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or [None]
        for address in subset.get("addresses") or ()
    ]
    return [_name(obj), _shortened(addresses), _created(obj, now)]


def _slice(obj: Obj, now: datetime) -> Cells:
    ports = [str(port["port"]) for port in obj.get("ports") or () if port.get("port") is not None]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    shown_ports = _shortened(ports) if ports else "<unset>"
    shown = _shortened(addresses) if addresses else "<unset>"
    return [_name(obj), obj.get("addressType", "IPv4"), shown_ports, shown, _created(obj, now)]


def _event(obj: Obj, now: datetime) -> Cells:
    about, source = obj.get("involvedObject") or {}, obj.get("source") or {}
    series = obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    origin = [source.get("component") or obj.get("reportingComponent", ""), source.get("host", "")]
    return [
        age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{about.get('kind', '').lower()}/{about.get('name', '')}",
        about.get("fieldPath", ""),
        ", ".join(part for part in origin if part),
        str(obj.get("message", "")).strip(),
        age(first, now),
        series.get("count") or obj.get("count") or 1,
        _name(obj),
    ]


def _namespace(obj: Obj, now: datetime) -> Cells:
    return [_name(obj), (obj.get("status") or {}).get("phase", "Active"), _created(obj, now)]


def _node(obj: Obj, now: datetime) -> Cells:
    status = obj.get("status") or {}
    ready = next((c["status"] for c in status.get("conditions") or () if c["type"] == "Ready"), "Unknown")
    state = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    if (obj.get("spec") or {}).get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    roles = sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix))
    by_type = {row["type"]: row["address"] for row in status.get("addresses") or ()}
    info = status.get("nodeInfo") or {}
    return [
        _name(obj),
        state,
        ",".join(roles) or "<none>",
        _created(obj, now),
        info.get("kubeletVersion", ""),
        by_type.get("InternalIP", "<none>"),
        by_type.get("ExternalIP", "<none>"),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


_ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _claim(obj: Obj, now: datetime) -> Cells:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "Pending")
    modes = ",".join(_ACCESS.get(mode, mode) for mode in status.get("accessModes") or ())
    return [
        _name(obj),
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", ""),
        modes,
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        _created(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _lease(obj: Obj, now: datetime) -> Cells:
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _created(obj, now)]


def _config(obj: Obj, now: datetime) -> Cells:
    return [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _created(obj, now)]


def _secret(obj: Obj, now: datetime) -> Cells:
    return [_name(obj), obj.get("type", "Opaque"), len(obj.get("data") or {}), _created(obj, now)]


def _fault(obj: Obj, now: datetime) -> Cells:
    spec, status = obj["spec"], obj.get("status") or {}
    shown = [_name(obj), spec.get("type", ""), target_text(spec), spec.get("percentage", 100), status.get("state", "")]
    return [*shown, status.get("hits", 0), _created(obj, now), status.get("message", "")]


def _account(obj: Obj, now: datetime) -> Cells:
    return [_name(obj), len(obj.get("secrets") or ()), _created(obj, now)]


def _pod(obj: Obj, now: datetime) -> Cells:
    ready, state, restarts, restarted_at = pod_cells(obj)
    shown = f"{restarts} ({age(restarted_at, now)} ago)" if restarts and restarted_at else str(restarts)
    spec, status = obj["spec"], obj.get("status") or {}
    gates = spec.get("readinessGates") or ()
    return [
        _name(obj),
        ready,
        state,
        shown,
        _created(obj, now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        f"0/{len(gates)}" if gates else "<none>",
    ]


CELLS: dict[str, Callable[[Obj, datetime], Cells]] = {
    "Namespace": _namespace,
    "Node": _node,
    "Pod": _pod,
    "Service": _service,
    "Endpoints": _endpoints,
    "EndpointSlice": _slice,
    "Event": _event,
    "PersistentVolumeClaim": _claim,
    "Deployment": _deployment,
    "ReplicaSet": _replicaset,
    "Lease": _lease,
    "ConfigMap": _config,
    "Secret": _secret,
    "Fault": _fault,
    "ServiceAccount": _account,
}
"""What computes the cells of each stored kind, in the order of its columns."""
