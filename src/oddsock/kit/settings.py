"""Settings: what a process is told by its environment, read once.

The kubelet tells a pod four things that a container runtime would do for it (docs/cluster.md):

ODDSOCK_PORTS   "8080=127.0.0.1:41234,25=127.0.0.1:41235": where a container port is really bound
ODDSOCK_HOSTS   a file of lines "payment:80 127.0.0.1:31234 10.96.100.12": where a Service name really leads
ODDSOCK_FAULTS  a file that is there while something is armed in the pods: a row a fault (docs/faults-resource.md)
ODDSOCK_SPEED   how many plan seconds pass in one wall second
"""

import os
from collections.abc import Mapping
from pathlib import Path

FAULTS = "ODDSOCK_FAULTS"
"""The variable that names the file of armed faults."""


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds stacks and cases: ODDSOCK_HOME, else the user's state folder."""
    if chosen := environment.get("ODDSOCK_HOME"):
        return Path(chosen).expanduser().absolute()
    state = environment.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(state) / "oddsock"


def listen_address(port: int, environment: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Host and port to bind for container port *port*; loopback unless ODDSOCK_BIND names another address."""
    for pair in filter(None, environment.get("ODDSOCK_PORTS", "").split(",")):
        container, _, address = pair.partition("=")
        if int(container) == port:
            host, _, bound = address.rpartition(":")
            return host, int(bound)
    return environment.get("ODDSOCK_BIND", "127.0.0.1"), port


def speed(environment: Mapping[str, str] = os.environ) -> float:
    """Plan seconds in one wall second; 1.0 unless ODDSOCK_SPEED says otherwise."""
    return float(environment.get("ODDSOCK_SPEED", "1"))


def switch(name: str, default: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the on/off variable *name* is on: "on", "true", "1", "yes" are; absent means *default*."""
    value = environment.get(name)
    return default if value is None else value.strip().lower() in {"on", "true", "1", "yes"}
