"""What every handler of the API is given: the store and the two doors that kubelet and network open to it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import ClientSession, web

from oddsock.cluster.meters import Meter
from oddsock.cluster.sessions import Session
from oddsock.cluster.store import Store
from oddsock.cluster.traffic import Traffic
from oddsock.cluster.watch import Watch
from oddsock.kit.clock import Clock


class PodLogs(Protocol):
    """Where the kubelet keeps the logs of its containers."""

    def log_path(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The CRI log file (`<RFC 3339, ns> stdout|stderr F|P <line>`) of a container's run, or None."""
        ...


class ContainerDoor(Protocol):
    """One container as its kubelet opens it."""

    async def execute(self, arguments: Sequence[str], has_input: bool, has_terminal: bool) -> Session | None:
        """A session of a command in the container's surroundings; None while it does not run, OSError if not found."""
        ...

    def attach(self) -> Session | None:
        """A session at the container's own process; None before its first start."""
        ...


class PodDoors(Protocol):
    """How the kubelet lets somebody into its containers."""

    def container(self, namespace: str, pod: str, container: str) -> ContainerDoor | None:
        """The door of a container, or None when the kubelet does not have it."""
        ...

    def traffic(self, uid: str) -> Traffic:
        """What went to and from pod *uid* through Services."""
        ...


ResolveService = Callable[[str, str, str], Awaitable[tuple[str, int] | None]]
"""(namespace, service, port name or number or "") -> the address that really listens, or None when nobody does."""


@dataclass(slots=True)
class Context:
    """The parts one API server is made of."""

    store: Store
    token: str
    pod_logs: PodLogs
    resolve_service: ResolveService
    clock: Clock
    client: ClientSession | None = None
    """Opened with the application, for the service proxy."""
    watches: set[Watch] = field(default_factory=set)
    """Open watch answers, ended when the application shuts down."""
    pod_doors: PodDoors | None = None
    """None where no pods run: exec and attach are refused."""
    meter: Meter = field(init=False)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    """Open WebSockets, closed when the application shuts down."""
    is_closing: bool = False

    def __post_init__(self) -> None:
        self.meter = Meter(self.clock)


CONTEXT = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """The context of the application that serves *request*."""
    return request.app[CONTEXT]
