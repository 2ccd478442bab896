"""Collector: system.* of this machine, under the name of each node, for all nodes of our cluster are one machine.

On a cluster of several machines the agent tells its own machine's figures under the one node that has its name.
"""

import platform
from collections.abc import Iterable

import psutil

from oddsock.telemetry.agent.api_server import ApiServer, Obj
from oddsock.telemetry.agent.series import Findings

MACHINE = "oddsock.dev/machine"
"""The label of nodes that are names of this machine."""

_MEBIBYTE = 1024 * 1024


class Machine:
    """Reads processor, memory, load, disk and network by psutil."""

    name = "system"

    def __init__(self, server: ApiServer, tags: Iterable[str]) -> None:
        self._server = server
        self._tags = tuple(tags)
        self._nodes: list[Obj] = []
        self._traffic: tuple[int, int, int] | None = None
        psutil.cpu_times_percent(None)

    async def collect(self, found: Findings) -> None:
        """system.cpu.*, .load.*, .mem.*, .disk.*, .net.*, .uptime for every node that is this machine."""
        self._nodes = await self._server.items("/api/v1/nodes") or self._nodes
        names = [node["metadata"]["name"] for node in self._nodes if is_this_machine(node)]
        values = self._read(found.at_s)
        for host in names:
            tags = [f"kube_node:{host}", *self._tags]
            for metric, value, more in values:
                found.gauge(metric, value, [*tags, *more], host)

    def _read(self, at_s: int) -> list[tuple[str, float, list[str]]]:
        cpu, memory, swap = psutil.cpu_times_percent(None), psutil.virtual_memory(), psutil.swap_memory()
        disk, traffic = psutil.disk_usage("/"), psutil.net_io_counters()
        load, count = psutil.getloadavg(), psutil.cpu_count() or 1
        rows: list[tuple[str, float, list[str]]] = [
            ("system.cpu.user", cpu.user, []),
            ("system.cpu.system", cpu.system, []),
            ("system.cpu.idle", cpu.idle, []),
            ("system.cpu.iowait", getattr(cpu, "iowait", 0.0), []),
            ("system.cpu.num_cores", count, []),
            *((f"system.load.{minutes}", load[n], []) for n, minutes in enumerate((1, 5, 15))),
            *((f"system.load.norm.{minutes}", load[n] / count, []) for n, minutes in enumerate((1, 5, 15))),
            ("system.mem.total", memory.total / _MEBIBYTE, []),
            ("system.mem.free", memory.free / _MEBIBYTE, []),
            ("system.mem.used", (memory.total - memory.free) / _MEBIBYTE, []),
            ("system.mem.usable", memory.available / _MEBIBYTE, []),
            ("system.mem.pct_usable", memory.available / memory.total, []),
            ("system.swap.total", swap.total / _MEBIBYTE, []),
            ("system.swap.free", swap.free / _MEBIBYTE, []),
            *((f"system.disk.{name}", value, ["device:/"]) for name, value in _disk(disk.total, disk.used, disk.free)),
            ("system.uptime", at_s - psutil.boot_time(), []),
        ]
        if self._traffic is not None and traffic is not None and at_s > self._traffic[0]:
            passed = at_s - self._traffic[0]
            rows.append(("system.net.bytes_rcvd", (traffic.bytes_recv - self._traffic[1]) / passed, ["device:all"]))
            rows.append(("system.net.bytes_sent", (traffic.bytes_sent - self._traffic[2]) / passed, ["device:all"]))
        if traffic is not None and (self._traffic is None or at_s > self._traffic[0]):
            self._traffic = (at_s, traffic.bytes_recv, traffic.bytes_sent)
        return rows


def _disk(total: int, used: int, free: int) -> list[tuple[str, float]]:
    # In KiB, as the Agent's disk check has it.
    return [
        ("total", total / 1024),
        ("used", used / 1024),
        ("free", free / 1024),
        ("in_use", used / (used + free or 1)),
    ]


def is_this_machine(node: Obj) -> bool:
    """Whether *node* is a name of the machine that the agent runs on."""
    meta = node["metadata"]
    return (meta.get("labels") or {}).get(MACHINE) == "same" or meta["name"] == platform.node()
