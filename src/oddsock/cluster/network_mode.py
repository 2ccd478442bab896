"""Which network a control plane has: chosen and entered before there is a thread or a loop."""

import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oddsock.cluster.namespace_network_entry import HostsFile, Outside, enter, open_api_listener, probe
from oddsock.cluster.settings import Wanted
from oddsock.kit.errors import CannotRun

if TYPE_CHECKING:
    from oddsock.cluster.network import ServiceNetwork
    from oddsock.cluster.proxy_client import ProxyClient
    from oddsock.cluster.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What was made outside: the API's listener, the way out, and the file that is /etc/hosts inside."""

    api: socket.socket
    outside: Outside
    hosts: HostsFile

    def close(self) -> None:
        """Let the way out go."""
        self.outside.close()


def settle(wanted: Wanted, root: Path, host: str, port: int) -> Ground | None:
    """Enter a network namespace if *wanted* and possible; None in mode `ports`.

    CannotRun when `ns` is wanted and not possible, or when the API's *port* is taken.
    """
    if wanted == "ports":
        return None
    if why := probe():
        if wanted == "ns":
            raise CannotRun(f"Network mode ns is not possible here: {why}.", "Use --network ports.")
        _log.info("network mode ports: ns is not possible here: %s", why)
        return None
    api = open_api_listener(host, port)
    root.mkdir(parents=True, exist_ok=True)
    hosts, outside = HostsFile(root), Outside()
    try:
        enter(hosts.path)
    except OSError as cause:
        outside.close()
        api.close()
        raise CannotRun(
            f"The network namespace failed, having been tried out: {cause}.", "Use --network ports."
        ) from cause
    finally:
        hosts.forget_name()
    return Ground(api, outside, hosts)


def make_network(ground: Ground | None, store: "Store", folder: Path, proxy: "ProxyClient") -> "ServiceNetwork":
    """The network of the mode that *ground* stands for."""
    if ground is None:
        from oddsock.cluster.ports_network import PortsNetwork

        return PortsNetwork(store, folder, proxy)
    from oddsock.cluster.namespace_network import NamespaceNetwork

    return NamespaceNetwork(store, folder, proxy, ground.outside.socket, ground.hosts)
