"""Kubernetes' own objects read into the drill's flat ones."""

from datetime import datetime

from lightkube.models import apps_v1, core_v1, discovery_v1

from oddsock.clients.kubernetes.objects import (
    ADDRESS_ANNOTATION,
    Deployment,
    Endpoints,
    Event,
    Node,
    Pod,
    Service,
)
from oddsock.kit.clock import iso


def read_deployment(found: apps_v1.Deployment) -> Deployment:
    """A Deployment with the first container's image and name; an absent replica count is 1, as the API defines."""
    meta, spec, status = found.metadata, found.spec, found.status
    assert meta is not None and spec is not None
    container = _containers(spec.template.spec)[0]
    return Deployment(
        name=meta.name or "",
        replicas=1 if spec.replicas is None else spec.replicas,
        ready=(status and status.readyReplicas) or 0,
        available=(status and status.availableReplicas) or 0,
        updated=(status and status.updatedReplicas) or 0,
        surplus=max(0, ((status and status.replicas) or 0) - ((status and status.updatedReplicas) or 0)),
        image=container.image or "",
        container=container.name,
        selector=spec.selector.matchLabels or {},
        is_observed=((status and status.observedGeneration) or 0) >= (meta.generation or 0),
        created_at=_at(meta.creationTimestamp),
    )


def read_env(found: apps_v1.Deployment) -> dict[str, str]:
    """The plain variables of the first container; one with valueFrom has no value here."""
    assert found.spec is not None
    container = _containers(found.spec.template.spec)[0]
    return {one.name: one.value or "" for one in container.env or [] if one.valueFrom is None}


def read_pod(found: core_v1.Pod) -> Pod:
    """A pod; ready when its Ready condition says so, restarts and reason over all its containers."""
    meta, status = found.metadata, found.status
    assert meta is not None
    containers = (status and status.containerStatuses) or []
    conditions = (status and status.conditions) or []
    return Pod(
        name=meta.name or "",
        deployment=_deployment_of(found),
        phase=(status and status.phase) or "Unknown",
        ready=any(one.type == "Ready" and one.status == "True" for one in conditions),
        restarts=sum(one.restartCount for one in containers),
        node=(found.spec and found.spec.nodeName) or "",
        ip=(status and status.podIP) or "",
        image=_containers(found.spec)[0].image or "",
        reason=next(filter(None, map(_reason, containers)), (status and status.reason) or ""),
        created_at=_at(meta.creationTimestamp),
        started_at=_at(status.startTime if status else None),
        deleted_at=_at(meta.deletionTimestamp),
        labels=meta.labels or {},
    )


def read_service(found: core_v1.Service) -> Service:
    """A Service; a port without a name goes by its number."""
    meta, spec = found.metadata, found.spec
    assert meta is not None
    return Service(
        name=meta.name or "",
        cluster_ip=(spec and spec.clusterIP) or "",
        type=(spec and spec.type) or "ClusterIP",
        ports=[f"{port.name or ''}:{port.port}" for port in (spec and spec.ports) or []],
        selector=(spec and spec.selector) or {},
        address=(meta.annotations or {}).get(ADDRESS_ANNOTATION, ""),
    )


def read_slices(services: list[str], slices: list[discovery_v1.EndpointSlice]) -> list[Endpoints]:
    """The ready addresses of each of *services*, which may be spread over several slices."""
    found: dict[str, set[str]] = {name: set() for name in services}
    for one in slices:
        service = ((one.metadata and one.metadata.labels) or {}).get("kubernetes.io/service-name", "")
        for endpoint in one.endpoints or []:
            # Absent means ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ready
            if endpoint.conditions is None or endpoint.conditions.ready is not False:
                ports = [f":{port.port}" for port in one.ports or []] or [""]
                found.setdefault(service, set()).update(f"{ip}{port}" for ip in endpoint.addresses for port in ports)
    return [Endpoints(name=name, addresses=sorted(addresses)) for name, addresses in sorted(found.items())]


def read_event(found: core_v1.Event) -> Event:
    """An event; newer API versions keep their instants in eventTime and series."""
    last = found.lastTimestamp or (found.series and found.series.lastObservedTime) or found.eventTime
    return Event(
        reason=found.reason or "",
        message=found.message or "",
        kind=found.involvedObject.kind or "",
        name=found.involvedObject.name or "",
        at=_at(last or found.metadata.creationTimestamp),
        first_at=_at(found.firstTimestamp or found.eventTime or last),
        count=found.count or (found.series and found.series.count) or 1,
        type=found.type or "Normal",
        source=(found.source and found.source.component) or found.reportingComponent or "",
    )


def read_node(found: core_v1.Node) -> Node:
    """A node and its Ready condition."""
    meta, status = found.metadata, found.status
    assert meta is not None
    return Node(
        name=meta.name or "",
        ready=any(one.type == "Ready" and one.status == "True" for one in (status and status.conditions) or []),
        version=(status and status.nodeInfo and status.nodeInfo.kubeletVersion) or "",
        labels=meta.labels or {},
    )


def _containers(spec: core_v1.PodSpec | None) -> list[core_v1.Container]:
    assert spec is not None and spec.containers, "the API refuses a pod without a container"
    return spec.containers


def _deployment_of(pod: core_v1.Pod) -> str:
    # A Deployment's ReplicaSet is called <deployment>-<hash of the template>.
    meta = pod.metadata
    for owner in (meta and meta.ownerReferences) or []:
        if owner.kind == "ReplicaSet":
            return owner.name.rpartition("-")[0]
    return ""


def _reason(container: core_v1.ContainerStatus) -> str:
    state = container.state
    if state is None:
        return ""
    return (state.waiting and state.waiting.reason) or (state.terminated and state.terminated.reason) or ""


def _at(instant: datetime | None) -> str:
    return iso(instant) if instant else ""
