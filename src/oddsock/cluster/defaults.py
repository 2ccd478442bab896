"""What a real API server fills in when an object is created or changed: kubectl and the controllers rely on it."""

import zlib
from collections.abc import Iterable
from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.networks import SERVICE_NETWORK
from oddsock.cluster.status import Invalid
from oddsock.cluster.store import POD_GRACE_S, Store

NODE_PORTS = range(30000, 32768)
_FIRST_SERVICE_HOST = 256
STORAGE_CLASS = "standard"


def fill(obj: Obj, store: Store) -> None:
    """Write the defaults of its kind into *obj*; Invalid when a Service asks for an address that is taken."""
    spec = obj.setdefault("spec", {}) if obj["kind"] in _SPECS else {}
    match obj["kind"]:
        case "Deployment":
            _fill_deployment(spec)
        case "ReplicaSet":
            spec.setdefault("replicas", 1)
            _fill_template(spec)
        case "Pod":
            fill_pod_spec(spec)
            obj.setdefault("status", {}).setdefault("phase", "Pending")
            obj["status"].setdefault("qosClass", _quality(spec))
        case "Service":
            _fill_service(obj, spec, store)
            obj.setdefault("status", {}).setdefault("loadBalancer", {})
        case "Namespace":
            obj["metadata"].setdefault("labels", {}).setdefault("kubernetes.io/metadata.name", obj["metadata"]["name"])
            spec.setdefault("finalizers", ["kubernetes"])
            obj.setdefault("status", {}).setdefault("phase", "Active")
        case "PersistentVolumeClaim":
            spec.setdefault("volumeMode", "Filesystem")
            spec.setdefault("storageClassName", STORAGE_CLASS)
            obj.setdefault("status", {}).setdefault("phase", "Pending")
        case "Secret":
            obj.setdefault("type", "Opaque")
        case "Event":
            _fill_event(obj)


def fill_pod_spec(spec: Obj) -> None:
    """Write the defaults of a pod's spec, its containers, ports and probes."""
    _set(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=POD_GRACE_S,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        if not isinstance(container, dict):
            continue
        image = str(container.get("image", ""))
        tag = image.rpartition("/")[2].partition(":")[2]
        _set(
            container,
            resources={},
            imagePullPolicy="Always" if tag in {"", "latest"} else "IfNotPresent",
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
        )
        for port in container.get("ports") or ():
            _set(port, protocol="TCP")
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if container.get(probe):
                _fill_probe(container[probe])


_SPECS = frozenset({"Deployment", "ReplicaSet", "Pod", "Service", "Namespace", "PersistentVolumeClaim"})


def _set(into: Obj, **values: Any) -> None:
    for key, value in values.items():
        if into.get(key) is None:
            into[key] = value


def _fill_probe(probe: Obj) -> None:
    _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        _set(probe["httpGet"], path="/", scheme="HTTP")


def _fill_template(spec: Obj) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {}).setdefault("creationTimestamp", None)
        if isinstance(template.get("spec"), dict):
            fill_pod_spec(template["spec"])


def _fill_deployment(spec: Obj) -> None:
    _set(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    _fill_template(spec)


def _fill_event(obj: Obj) -> None:
    obj.setdefault("type", "Normal")
    obj["metadata"].setdefault("namespace", (obj.get("involvedObject") or {}).get("namespace", "default"))
    _set(obj, count=1, source={}, reportingComponent="", reportingInstance="")


def _fill_service(obj: Obj, spec: Obj, store: Store) -> None:
    _set(spec, type="ClusterIP", sessionAffinity="None")
    others = [s["spec"] for s in store.list("Service") if _identity(s) != _identity(obj)]
    before = store.find("Service", obj["metadata"].get("namespace", ""), obj["metadata"].get("name", ""))
    was = before["spec"] if before else {}
    if spec["type"] == "ExternalName":
        return
    _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    taken = {other.get("clusterIP") for other in others} - {None, "", "None"}
    given = spec.get("clusterIP") or was.get("clusterIP")
    if given in taken:
        raise Invalid.of(
            "Service",
            obj["metadata"].get("name", ""),
            "spec.clusterIPs",
            f'Invalid value: ["{given}"]: failed to allocate IP {given}: provided IP is already allocated',
        )
    spec["clusterIP"] = given or free_cluster_ip(obj["metadata"].get("name", ""), taken)
    spec["clusterIPs"] = [spec["clusterIP"]]
    node_ports = {port["nodePort"] for other in others for port in other.get("ports") or () if port.get("nodePort")}
    for number, port in enumerate(spec.get("ports") or ()):
        _set(port, protocol="TCP", targetPort=port.get("port"))
        if spec["type"] in {"NodePort", "LoadBalancer"}:
            _set(spec, externalTrafficPolicy="Cluster")
            kept = (was.get("ports") or [])[number : number + 1]
            _set(port, nodePort=kept[0].get("nodePort") if kept else None)
            _set(port, nodePort=next(free for free in NODE_PORTS if free not in node_ports))
            node_ports.add(port["nodePort"])


def free_cluster_ip(name: str, taken: Iterable[object]) -> str:
    """A cluster IP not in *taken*; the same for the same *name* as long as it is free."""
    addresses, busy = SERVICE_NETWORK.num_addresses - _FIRST_SERVICE_HOST - 1, set(taken)
    start = zlib.crc32(name.encode())
    for step in range(addresses):
        ip = str(SERVICE_NETWORK[_FIRST_SERVICE_HOST + (start + step) % addresses])
        if ip not in busy:
            return ip
    raise Invalid("every cluster IP is taken")


def _identity(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"].get("name", "")


def _quality(spec: Obj) -> str:
    resources = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(row.get("limits") or row.get("requests") for row in resources):
        return "BestEffort"
    whole = all(
        {"cpu", "memory"} <= (row.get("limits") or {}).keys()
        and (row.get("requests") or row["limits"]) == row["limits"]
        for row in resources
    )
    return "Guaranteed" if whole else "Burstable"
