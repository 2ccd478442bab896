"""Where container ports and Services really listen, as annotations tell it and everybody reads it.

On a pod        oddsock.dev/ports: "8080=127.0.0.1:23456,8025=127.0.0.1:23457"   (the spelling of ODDSOCK_PORTS)
On a Service    oddsock.dev/address: "127.0.0.1:24001"                            (its port named http, else its first)
                oddsock.dev/address.smtp: "127.0.0.1:24002"                       (every other port, by name or number)
"""

from collections.abc import Mapping

from oddsock.cluster.kinds import Obj

POD_PORTS = "oddsock.dev/ports"
SERVICE_ADDRESS = "oddsock.dev/address"

Address = tuple[str, int]


def ports_text(ports: Mapping[int, Address]) -> str:
    """Container ports and their addresses as one line.

    >>> ports_text({8080: ("127.0.0.1", 23456)})
    '8080=127.0.0.1:23456'
    """
    return ",".join(f"{port}={host}:{bound}" for port, (host, bound) in sorted(ports.items()))


def pod_address(pod: Obj, port: int) -> Address:
    """Where container port *port* of *pod* listens: what its annotation says, else its pod IP."""
    for pair in filter(None, (pod["metadata"].get("annotations") or {}).get(POD_PORTS, "").split(",")):
        container, _, address = pair.partition("=")
        if int(container) == port:
            host, _, bound = address.rpartition(":")
            return host, int(bound)
    return (pod.get("status") or {}).get("podIP", ""), port


def target_port(pod: Obj, service_port: Obj) -> int | None:
    """The container port that a Service's port leads to; None when it is named and *pod* has no such name."""
    target = service_port.get("targetPort") or service_port["port"]
    if isinstance(target, int):
        return target
    if target.isdigit():
        return int(target)
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    return None


def service_annotations(service: Obj, bound: Mapping[int, Address]) -> dict[str, str]:
    """The annotations that tell where the ports of *service* (port -> address) are listened on."""
    ports = [port for port in service["spec"].get("ports") or () if port["port"] in bound]
    if not ports:
        return {}
    first = next((port for port in ports if port.get("name") == "http"), ports[0])
    told = {}
    for port in ports:
        key = SERVICE_ADDRESS if port is first else f"{SERVICE_ADDRESS}.{port.get('name') or port['port']}"
        host, number = bound[port["port"]]
        told[key] = f"{host}:{number}"
    return told


def is_http(port: Obj) -> bool:
    """Whether a Service's port carries HTTP/1.1: by appProtocol, by its name, else by its number.

    >>> is_http({"name": "http-metrics", "port": 9090}), is_http({"name": "smtp", "port": 25}), is_http({"port": 80})
    (True, False, True)
    """
    told = port.get("appProtocol") or port.get("name") or ""
    return str(told).startswith("http") and told != "https" if told else port["port"] in (80, 8080)
