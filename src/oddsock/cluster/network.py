"""Where pods and Services are: one interface, a class a mode (ports_network, namespace_network).

What both share stands here: a Service's host port, fixed for the Service's life and told by its annotation; listeners
that exist exactly while somebody is ready; the orders to the proxy process that serves them.
"""

import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from oddsock.cluster import listeners
from oddsock.cluster.addresses import Address, is_http, service_annotations
from oddsock.cluster.controllers.loop import Key
from oddsock.cluster.kinds import Obj
from oddsock.cluster.listeners import Place
from oddsock.cluster.ports import HeldPort, PortPool, SocketSource
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.proxy_wire import AT_PORT, PortOrder, Rule
from oddsock.cluster.store import Store
from oddsock.cluster.traffic import Traffic

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

    def traffic(self, uid: str) -> Traffic:
        """What went to and from pod *uid* through Services, since it was attached."""
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


@dataclass(slots=True)
class ServicePort:
    """One port of one Service: its host port, and whether callers are refused, served or left to time out."""

    host: HeldPort
    state: Literal["closed", "open", "hole"] = "closed"
    hole: list[socket.socket] = field(default_factory=list)


class ServiceNetwork(ABC):
    """The controller that gives Services their ports and opens and closes them; a mode says where."""

    name = "network"
    mode = ""
    machine_address = HOST

    def __init__(self, store: Store, folder: Path, proxy: ProxyClient, source: SocketSource = socket.socket) -> None:
        self._store = store
        self._folder = folder
        self._proxy = proxy
        self._source = source
        self._pool = PortPool(HOST, source=source)
        self._pods: dict[str, dict[int, Address]] = {}
        self._services: dict[Key, dict[int, ServicePort]] = {}
        self._rules: dict[Key, tuple[Rule, ...]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def attach(self, pod: Obj) -> tuple[str, dict[int, Address]]:
        """The pod IP of *pod* and where each of its container ports is to listen."""

    def detach(self, uid: str) -> None:
        """Let the addresses of pod *uid* be given to others."""
        for address in self._pods.pop(uid, {}).values():
            self._proxy.traffic.pop(address, None)
            self._give_back(address)

    def traffic(self, uid: str) -> Traffic:
        """The sum over the container ports of pod *uid*; zeros when it has none or nothing came."""
        total = Traffic()
        for address in self._pods.get(uid, {}).values():
            if part := self._proxy.traffic.get(address):
                total.received += part.received
                total.sent += part.sent
                total.connections += part.connections
        return total

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
        """<NAME>_SERVICE_HOST and _PORT as a pod can reach them."""
        environment: dict[str, str] = {}
        for service in self._store.list("Service", namespace):
            reached = self._reached(service)
            prefix = service["metadata"]["name"].upper().replace("-", "_") + "_SERVICE"
            ports = [port for port in service["spec"].get("ports") or () if port["port"] in reached]
            if ports:
                host, number = reached[ports[0]["port"]]
                environment |= {f"{prefix}_HOST": host, f"{prefix}_PORT": str(number)}
            for port in ports:
                if port.get("name"):
                    name = port["name"].upper().replace("-", "_")
                    environment[f"{prefix}_PORT_{name}"] = str(reached[port["port"]][1])
        return environment

    async def resolve_service(self, namespace: str, service: str, port: str) -> Address | None:
        """Where *port* (a name, a number, or "" for the first) of a Service is listened on; None when nobody does."""
        found = self._store.find("Service", namespace, service)
        rows = (found["spec"].get("ports") or []) if found else []
        for row in rows:
            if found and port in {"", str(row["port"]), row.get("name")}:
                held = self._services.get((namespace, service), {}).get(row["port"])
                return self._reached(found).get(row["port"]) if held and held.state != "closed" else None
        return None

    def set_rules(self, key: Key, rules: Sequence[Rule]) -> None:
        """Let the faults *rules* and no others be at Service (namespace, name), at once."""
        if tuple(rules) == self._rules.get(key, ()):
            return
        self._rules[key] = tuple(rules)
        if not rules:
            del self._rules[key]
        self.reconcile(key)

    def affected(self, type_: str, obj: Obj) -> Iterable[Key]:
        """A Service and its Endpoints, which have the same name."""
        if obj["kind"] in {"Service", "Endpoints"}:
            yield obj["metadata"]["namespace"], obj["metadata"]["name"]

    def reconcile(self, key: Key) -> float | None:
        """Give Service (namespace, name) its host ports and listen exactly while somebody is ready."""
        namespace, name = key
        service = self._store.find("Service", namespace, name)
        wanted = {port["port"]: port for port in (service["spec"].get("ports") or ())} if service else {}
        held = self._services.setdefault(key, {})
        changed = held.keys() != wanted.keys()
        for port in held.keys() - wanted.keys():
            self._release(key, port, held.pop(port))
        for port in wanted.keys() - held.keys():
            held[port] = ServicePort(HeldPort(HOST, self._pool.take(), self._source))
        if service is None:
            del self._services[key]
        else:
            self._annotate(service)
        if changed:
            self._write_names(namespace)
        return self._serve(key, service, wanted) if service else None

    def close(self) -> None:
        """Close every port and let all of them go."""
        for key, held in self._services.items():
            for port, each in held.items():
                self._release(key, port, each)
        self._services.clear()
        self._proxy.close()

    def _serve(self, key: Key, service: Obj, wanted: dict[int, Obj]) -> float | None:
        ready = ready_addresses(self._store.find("Endpoints", *key[:2]))
        rules = self._rules.get(key, ())
        again_s = None
        for number, port in wanted.items():
            endpoints = tuple(ready.get(port.get("name", ""), []))
            order = PortOrder(port=_label(key, number), endpoints=endpoints, is_http=is_http(port), rules=rules)
            try:
                self._switch(self._services[key][number], order, self._places(service, number))
            except OSError as cause:
                _log.warning("Service %s port %s cannot be listened on: %s", "/".join(key), number, cause)
                again_s = RETRY_S
        return again_s

    def _switch(self, held: ServicePort, order: PortOrder, places: list[Place]) -> None:
        # Refused without endpoints, whatever the faults: as a Service with none is.
        is_hole = any(rule.type in AT_PORT for rule in order.rules)
        wanted: Literal["closed", "open", "hole"] = "closed" if not order.endpoints else "hole" if is_hole else "open"
        if held.state == wanted:
            self._proxy.set(order)
            return
        self._proxy.set(order, [])
        listeners.close(held.hole)
        held.hole, held.state = [], "closed"
        if wanted == "open":
            self._proxy.set(order, listeners.listen(places))
        elif wanted == "hole":
            held.hole = listeners.open_black_hole(places)
        held.state = wanted

    def _annotate(self, service: Obj) -> None:
        meta = service["metadata"]
        held = self._services.get((meta["namespace"], meta["name"]), {})
        told = service_annotations(service, {port: each.host.address for port, each in held.items()})
        own = meta.get("annotations") or {}
        if told.items() <= own.items():
            return
        meta["annotations"] = {**own, **told}
        self._store.update(service)

    def _release(self, key: Key, number: int, held: ServicePort) -> None:
        self._proxy.remove(_label(key, number))
        listeners.close(held.hole)
        held.host.close()
        self._pool.give_back(held.host.address[1])

    @abstractmethod
    def _reached(self, service: Obj) -> dict[int, Address]:
        """By Service port: where a pod, and this process, reaches it."""

    @abstractmethod
    def _places(self, service: Obj, number: int) -> list[Place]:
        """Where the Service's port is listened on."""

    @abstractmethod
    def _write_names(self, namespace: str) -> None:
        """Tell the programs of a namespace its Services' names."""

    @abstractmethod
    def _give_back(self, address: Address) -> None:
        """Let a pod's address go."""

    def _names_lines(self, namespace: str) -> list[str]:
        lines = []
        for (space, name), held in sorted(self._services.items()):
            service = self._store.find("Service", space, name) if space == namespace else None
            if service is not None:
                ip, reached = service["spec"].get("clusterIP", ""), self._reached(service)
                lines += [
                    f"{name}:{port} {reached[port][0]}:{reached[port][1]} {ip}\n"
                    for port in sorted(held)
                    if port in reached
                ]
        return lines


def replace_whole(path: Path, text: str) -> None:
    """Put *text* at *path* in one step, so that a pod that reads it meanwhile sees the old names or the new ones."""
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


def _label(key: Key, number: int) -> str:
    return f"{'/'.join(key)}:{number}"
