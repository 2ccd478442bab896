"""Where pods and Services are: one interface, one mode so far.

Mode `ports`: everything is on 127.0.0.1; each container port and each Service port gets a host port of its own. A
Service's host port is fixed for the Service's life. Pods learn the addresses from ODDSOCK_PORTS and ODDSOCK_HOSTS
(kit.settings). Cluster IPs are shown and not bound.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from oddsock.cluster.addresses import Address, service_annotations
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.curl_names import curl_config
from oddsock.cluster.kinds import Obj
from oddsock.cluster.ports import HeldPort, PortPool
from oddsock.cluster.service_proxy import ServiceProxy
from oddsock.cluster.store import Store

HOST = "127.0.0.1"
RETRY_S = 5.0
"""Plan seconds before a Service port that could not be listened on is tried again."""

_log = logging.getLogger(__name__)


class Network(Protocol):
    """What the kubelet asks of a network, whatever its mode."""

    mode: str
    machine_address: str

    def attach(self, pod: Obj) -> tuple[str, dict[int, Address]]:
        """The pod IP of *pod* and where each of its container ports is to listen; the same until `detach`."""
        ...

    def detach(self, uid: str) -> None:
        """Take the addresses of pod *uid* back."""
        ...

    def names_file(self, namespace: str) -> Path:
        """The file that tells pods of *namespace* where Services are (ODDSOCK_HOSTS)."""
        ...

    def curl_home(self, namespace: str) -> Path:
        """The folder whose .curlrc tells curl in pods of *namespace* where Services are (CURL_HOME)."""
        ...

    def service_environment(self, namespace: str) -> dict[str, str]:
        """The variables that Kubernetes sets for every Service of *namespace*."""
        ...


class PortsNetwork:
    """Mode `ports`; also the controller that gives Services their ports and opens and closes them."""

    name = "network"
    mode = "ports"
    machine_address = HOST

    def __init__(self, store: Store, folder: Path, pool: PortPool | None = None) -> None:
        self._store = store
        self._folder = folder
        self._pool = pool or PortPool(HOST)
        self._pods: dict[str, dict[int, Address]] = {}
        self._services: dict[Key, dict[int, tuple[HeldPort, ServiceProxy]]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def attach(self, pod: Obj) -> tuple[str, dict[int, Address]]:
        """127.0.0.1, and a free host port for every port that the pod's containers declare or are probed on."""
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            self._pods[uid] = {port: (HOST, self._pool.take()) for port in sorted(container_ports(pod))}
        return HOST, dict(self._pods[uid])

    def detach(self, uid: str) -> None:
        """Let the host ports of pod *uid* be given to others."""
        for _, port in self._pods.pop(uid, {}).values():
            self._pool.give_back(port)

    def names_file(self, namespace: str) -> Path:
        """<folder>/<namespace>, made if absent."""
        path = self._folder / namespace
        if not path.exists():
            self._write_names(namespace)
        return path

    def curl_home(self, namespace: str) -> Path:
        """<folder>/.curl/<namespace>, written as the names file is."""
        self.names_file(namespace)
        return self._folder / ".curl" / namespace

    def service_environment(self, namespace: str) -> dict[str, str]:
        """<NAME>_SERVICE_HOST and _PORT as they can really be reached: 127.0.0.1 and the host port."""
        environment = {}
        for service in self._store.list("Service", namespace):
            bound = self._bound((namespace, service["metadata"]["name"]))
            prefix = service["metadata"]["name"].upper().replace("-", "_") + "_SERVICE"
            ports = [port for port in service["spec"].get("ports") or () if port["port"] in bound]
            if ports:
                environment[f"{prefix}_HOST"] = HOST
                environment[f"{prefix}_PORT"] = str(bound[ports[0]["port"]][1])
            for port in ports:
                if port.get("name"):
                    name = port["name"].upper().replace("-", "_")
                    environment[f"{prefix}_PORT_{name}"] = str(bound[port["port"]][1])
        return environment

    async def resolve_service(self, namespace: str, service: str, port: str) -> Address | None:
        """Where *port* (a name, a number, or "" for the first) of a Service is listened on; None when nobody does."""
        found = self._store.find("Service", namespace, service)
        rows = (found["spec"].get("ports") or []) if found else []
        for row in rows:
            if port in {"", str(row["port"]), row.get("name")}:
                held = self._services.get((namespace, service), {}).get(row["port"])
                return held[1].address if held and held[1].is_listening else None
        return None

    def proxies(self, namespace: str, service: str) -> dict[int, ServiceProxy]:
        """The proxies of a Service by its ports; their `traffic` counts bytes by pod address."""
        return {port: proxy for port, (_, proxy) in self._services.get((namespace, service), {}).items()}

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A Service and its Endpoints, which have the same name."""
        if obj["kind"] in {"Service", "Endpoints"}:
            yield obj["metadata"]["namespace"], obj["metadata"]["name"]

    def reconcile(self, key: Key) -> float | None:
        """Give Service (namespace, name) its host ports and listen on them exactly while somebody is ready."""
        namespace, name = key
        service = self._store.find("Service", namespace, name)
        wanted = (
            {port["port"]: port.get("name", "") for port in (service["spec"].get("ports") or ())} if service else {}
        )
        held = self._services.setdefault(key, {})
        changed = held.keys() != wanted.keys()
        for port in held.keys() - wanted.keys():
            self._release(held.pop(port))
        for port in wanted.keys() - held.keys():
            number = self._pool.take()
            held[port] = HeldPort(HOST, number), ServiceProxy((HOST, number))
        if service is None:
            del self._services[key]
        else:
            self._annotate(service)
        if changed:
            self._write_names(namespace)
        return self._open_or_close(key, wanted) if service else None

    def close(self) -> None:
        """Close every proxy and let all ports go."""
        for held in self._services.values():
            for each in held.values():
                self._release(each)
        self._services.clear()

    def _open_or_close(self, key: Key, wanted: dict[int, str]) -> float | None:
        ready = ready_addresses(self._store.find("Endpoints", *key[:2]))
        for port, port_name in wanted.items():
            try:
                self._services[key][port][1].set_endpoints(ready.get(port_name, []))
            except OSError as cause:
                _log.warning("Service %s port %s cannot be listened on: %s", "/".join(key), port, cause)
                return RETRY_S
        return None

    def _annotate(self, service: Obj) -> None:
        meta = service["metadata"]
        told = service_annotations(service, self._bound((meta["namespace"], meta["name"])))
        own = meta.get("annotations") or {}
        if told.items() <= own.items():
            return
        meta["annotations"] = {**own, **told}
        self._store.update(service)

    def _bound(self, key: Key) -> dict[int, Address]:
        return {port: held.address for port, (held, _) in self._services.get(key, {}).items()}

    def _write_names(self, namespace: str) -> None:
        lines = []
        for (space, name), held in sorted(self._services.items()):
            service = self._store.find("Service", space, name) if space == namespace else None
            if service is not None:
                ip = service["spec"].get("clusterIP", "")
                lines += [f"{name}:{port} {HOST}:{each.address[1]} {ip}\n" for port, (each, _) in sorted(held.items())]
        curl_home = self._folder / ".curl" / namespace
        curl_home.mkdir(parents=True, exist_ok=True)
        _replace(curl_home / ".curlrc", curl_config(namespace, lines))
        _replace(self._folder / namespace, "".join(lines))

    def _release(self, held: tuple[HeldPort, ServiceProxy]) -> None:
        port, proxy = held
        proxy.close()
        port.close()
        self._pool.give_back(port.address[1])


def _replace(path: Path, text: str) -> None:
    # In one step, so that a pod that reads it meanwhile sees the old names or the new ones.
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)


def container_ports(pod: Obj) -> set[int]:
    """The container ports of *pod* that need an address: declared, or probed by number."""
    found: set[int] = set()
    for container in pod["spec"]["containers"]:
        found.update(int(port["containerPort"]) for port in container.get("ports") or ())
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            action = container.get(probe) or {}
            port = (action.get("httpGet") or action.get("tcpSocket") or {}).get("port")
            if port is not None and str(port).isdigit():
                found.add(int(port))
    return found


def ready_addresses(endpoints: Obj | None) -> dict[str, list[Address]]:
    """The ready addresses of an Endpoints object by port name."""
    found: dict[str, list[Address]] = {}
    for subset in (endpoints or {}).get("subsets") or ():
        for port in subset.get("ports") or ():
            rows = [(row["ip"], int(port["port"])) for row in subset.get("addresses") or ()]
            found.setdefault(port.get("name", ""), []).extend(rows)
    return found
