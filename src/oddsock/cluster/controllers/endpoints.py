"""Endpoints and EndpointSlices: for every Service with a selector, the pods that are ready, at their real addresses.

A pod that is being deleted is out at once. Pods of one Service may listen on different ports (network mode `ports`), so
there is a subset, and a slice, for each set of ports.
Wire: core/v1 Endpoints and discovery.k8s.io/v1 EndpointSlice.
"""

from collections.abc import Iterable

from oddsock.cluster.addresses import pod_address, target_port
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.controllers.pods import is_finished, is_ready, is_terminating, owner_reference, safe_suffix
from oddsock.cluster.kinds import Obj
from oddsock.cluster.selectors import label_selector
from oddsock.cluster.store import Store

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SLICES = "endpointslice-controller.k8s.io"

_Ports = tuple[tuple[str, int, str], ...]


class EndpointsController:
    """Writes who serves a Service."""

    name = "endpoints"

    def __init__(self, store: Store) -> None:
        self._store = store

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A Service itself; for a pod every Service of its namespace, as its labels may have changed."""
        meta = obj["metadata"]
        if obj["kind"] == "Service":
            yield meta["namespace"], meta["name"]
        elif obj["kind"] == "Pod":
            for service in self._store.list("Service", meta["namespace"]):
                yield meta["namespace"], service["metadata"]["name"]

    def reconcile(self, key: Key) -> float | None:
        """Make the Endpoints and slices of Service (namespace, name) say who is ready now."""
        service = self._store.find("Service", *key)
        if service is None:
            if self._store.find("Endpoints", *key):
                self._store.remove("Endpoints", *key)
            return None
        if not service["spec"].get("selector"):
            return None
        groups = self._groups(service)
        self._write_endpoints(service, groups)
        self._write_slices(service, groups)
        return None

    def _groups(self, service: Obj) -> dict[_Ports, list[tuple[Obj, str, bool]]]:
        # (pod, address, ready) by the ports they listen on.
        groups: dict[_Ports, list[tuple[Obj, str, bool]]] = {}
        spec, namespace = service["spec"], service["metadata"]["namespace"]
        for pod in self._store.list("Pod", namespace, label_selector(spec["selector"])):
            if is_terminating(pod) or is_finished(pod) or not (pod.get("status") or {}).get("podIP"):
                continue
            ports, host = [], pod["status"]["podIP"]
            for port in spec.get("ports") or ():
                if (number := target_port(pod, port)) is not None:
                    host, bound = pod_address(pod, number)
                    ports.append((port.get("name", ""), bound, port.get("protocol", "TCP")))
            ready = is_ready(pod) or bool(spec.get("publishNotReadyAddresses"))
            groups.setdefault(tuple(ports), []).append((pod, host, ready))
        return groups

    def _write_endpoints(self, service: Obj, groups: dict[_Ports, list[tuple[Obj, str, bool]]]) -> None:
        subsets = []
        for ports, members in sorted(groups.items()):
            subset: Obj = {}
            for part, wanted in (("addresses", True), ("notReadyAddresses", False)):
                chosen = [_endpoint_address(pod, host) for pod, host, ready in members if ready is wanted]
                if chosen:
                    subset[part] = chosen
            subset["ports"] = [
                {**({"name": name} if name else {}), "port": number, "protocol": protocol}
                for name, number, protocol in ports
            ]
            subsets.append(subset)
        meta = service["metadata"]
        wanted_obj: Obj = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "labels": {**(meta.get("labels") or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            },
            **({"subsets": subsets} if subsets else {}),
        }
        before = self._store.find("Endpoints", meta["namespace"], meta["name"])
        if before is None:
            self._store.create(wanted_obj)
        else:
            before.pop("subsets", None)
            before["metadata"]["labels"] = wanted_obj["metadata"]["labels"]
            self._store.update({**before, **({"subsets": subsets} if subsets else {})})

    def _write_slices(self, service: Obj, groups: dict[_Ports, list[tuple[Obj, str, bool]]]) -> None:
        meta = service["metadata"]
        labels = {**(meta.get("labels") or {}), SERVICE_NAME: meta["name"], MANAGED_BY: SLICES}
        kept = self._store.list("EndpointSlice", meta["namespace"], {SERVICE_NAME: meta["name"], MANAGED_BY: SLICES})
        # A Service without pods keeps one empty slice, as in Kubernetes.
        for ports, members in sorted(groups.items()) or [((), [])]:
            content = {
                "addressType": "IPv4",
                "endpoints": [_slice_endpoint(pod, host, ready) for pod, host, ready in members],
                "ports": [{"name": name, "port": number, "protocol": protocol} for name, number, protocol in ports],
            }
            same = next((each for each in kept if each.get("ports") == content["ports"]), kept[0] if kept else None)
            if same is not None:
                kept.remove(same)
                same["metadata"]["labels"] = labels
                self._store.update({**same, **content})
                continue
            head: Obj = {
                "generateName": f"{meta['name']}-",
                "name": f"{meta['name']}-{safe_suffix()}",
                "namespace": meta["namespace"],
                "labels": labels,
                "ownerReferences": [owner_reference(service)],
            }
            self._store.create(
                {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": head, **content}
            )
        for left in kept:
            self._store.remove("EndpointSlice", left["metadata"]["namespace"], left["metadata"]["name"])


def _target(pod: Obj) -> Obj:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _endpoint_address(pod: Obj, host: str) -> Obj:
    return {"ip": host, "nodeName": pod["spec"].get("nodeName", ""), "targetRef": _target(pod)}


def _slice_endpoint(pod: Obj, host: str, ready: bool) -> Obj:
    return {
        "addresses": [host],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _target(pod),
    }
