"""Mode `ports`: everything on 127.0.0.1, each container port and each Service port at a host port of its own.

Pods learn the addresses from ODDSOCK_PORTS and ODDSOCK_HOSTS (kit.settings). Cluster IPs are shown and not bound.
"""

from oddsock.cluster.addresses import Address
from oddsock.cluster.curl_names import curl_config
from oddsock.cluster.kinds import Obj
from oddsock.cluster.listeners import Place
from oddsock.cluster.network import HOST, ServiceNetwork, container_ports, replace_whole


class PortsNetwork(ServiceNetwork):
    """Mode `ports`."""

    mode = "ports"

    def attach(self, pod: Obj) -> tuple[str, dict[int, Address]]:
        """127.0.0.1, and a free host port for every port that the pod's containers declare or are probed on."""
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            self._pods[uid] = {port: (HOST, self._pool.take()) for port in sorted(container_ports(pod))}
        return HOST, dict(self._pods[uid])

    def _reached(self, service: Obj) -> dict[int, Address]:
        meta = service["metadata"]
        held = self._services.get((meta["namespace"], meta["name"]), {})
        return {port: each.host.address for port, each in held.items()}

    def _places(self, service: Obj, number: int) -> list[Place]:
        return [(self._source, self._reached(service)[number])]

    def _write_names(self, namespace: str) -> None:
        lines = self._names_lines(namespace)
        curl_home = self._folder / ".curl" / namespace
        curl_home.mkdir(parents=True, exist_ok=True)
        replace_whole(curl_home / ".curlrc", curl_config(namespace, lines))
        replace_whole(self._folder / namespace, "".join(lines))

    def _give_back(self, address: Address) -> None:
        self._pool.give_back(address[1])
