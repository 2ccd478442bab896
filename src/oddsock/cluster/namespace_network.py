"""Mode `ns`: a network namespace in which cluster IPs and pod IPs are real addresses and Services have real names.

A Service listens at its cluster IP and port inside, and at its host port on 127.0.0.1 outside, where browsers and
drills are; both are listeners of one proxy. Names are in /etc/hosts, which any program reads. Nothing inside reaches
out.
"""

import ipaddress
import socket
from pathlib import Path

from oddsock.cluster.addresses import Address
from oddsock.cluster.kinds import Obj
from oddsock.cluster.listeners import Place
from oddsock.cluster.namespace_network_entry import HostsFile
from oddsock.cluster.network import ServiceNetwork, container_ports, replace_whole
from oddsock.cluster.networks import POD_NETWORK, SERVICE_NETWORK
from oddsock.cluster.ports import SocketSource
from oddsock.cluster.proxy_client import ProxyClient
from oddsock.cluster.store import Store
from oddsock.kit.errors import CannotRun

FIRST_POD = 258
"""The host number of the first pod IP, 10.244.1.2: .1.1 is the node's by custom."""
DOMAIN = "svc.cluster.local"


class NamespaceNetwork(ServiceNetwork):
    """Mode `ns`; *outside* makes sockets of the host's network, *hosts* is what is mounted over /etc/hosts."""

    mode = "ns"

    def __init__(self, store: Store, folder: Path, proxy: ProxyClient, outside: SocketSource, hosts: HostsFile) -> None:
        super().__init__(store, folder, proxy, outside)
        self._hosts = hosts
        self._addresses: dict[str, str] = {}
        self._next = FIRST_POD

    def attach(self, pod: Obj) -> tuple[str, dict[int, Address]]:
        """A pod IP of its own, with every container port as it is declared."""
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            self._addresses[uid] = address = self._free_address()
            self._pods[uid] = {port: (address, port) for port in sorted(container_ports(pod))}
        return self._addresses[uid], dict(self._pods[uid])

    def detach(self, uid: str) -> None:
        """Let the address of pod *uid* be given to others, when all the rest had their turn."""
        super().detach(uid)
        self._addresses.pop(uid, None)

    def _free_address(self) -> str:
        taken = set(self._addresses.values())
        for _ in range(FIRST_POD, POD_NETWORK.num_addresses - 1):
            address = str(POD_NETWORK[self._next])
            self._next = self._next + 1 if self._next < POD_NETWORK.num_addresses - 2 else FIRST_POD
            if address not in taken:
                return address
        raise CannotRun(f"Every address of {POD_NETWORK} has a pod.", "Delete some.")

    def _reached(self, service: Obj) -> dict[int, Address]:
        ip = service["spec"].get("clusterIP", "")
        # A headless Service has no address, and one from elsewhere is not ours to bind.
        if not ip[:1].isdigit() or ipaddress.ip_address(ip) not in SERVICE_NETWORK:
            return {}
        return {port["port"]: (ip, port["port"]) for port in service["spec"].get("ports") or ()}

    def _places(self, service: Obj, number: int) -> list[Place]:
        meta, reached = service["metadata"], self._reached(service)
        held = self._services[meta["namespace"], meta["name"]][number]
        inside: list[Place] = [(socket.socket, reached[number])] if number in reached else []
        return [*inside, (self._source, held.host.address)]

    def _write_names(self, namespace: str) -> None:
        curl_home = self._folder / ".curl" / namespace
        curl_home.mkdir(parents=True, exist_ok=True)
        replace_whole(curl_home / ".curlrc", "")
        replace_whole(self._folder / namespace, "".join(self._names_lines(namespace)))
        self._hosts.write(self._hosts_lines())

    def _hosts_lines(self) -> str:
        lines, short = [], set[str]()
        services = (self._store.find("Service", *key[:2]) for key in self._services)
        known = [service for service in services if service is not None and self._reached(service)]
        # All pods read one file: the oldest Service of a name has the short one, every other its long ones.
        for service in sorted(known, key=lambda each: each["metadata"].get("creationTimestamp", "")):
            name, space = service["metadata"]["name"], service["metadata"]["namespace"]
            spellings = [f"{name}.{space}", f"{name}.{space}.svc", f"{name}.{space}.{DOMAIN}"]
            if name not in short:
                spellings.insert(0, name)
                short.add(name)
            lines.append(f"{service['spec']['clusterIP']} {' '.join(spellings)}\n")
        return "".join(lines)

    def _give_back(self, address: Address) -> None:
        """Nothing: the address goes with its pod."""
