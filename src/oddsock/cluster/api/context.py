"""What every handler of the API is given: the store and the two doors that kubelet and network open to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import ClientSession, web

from oddsock.cluster.store import Store
from oddsock.cluster.watch import Watch
from oddsock.kit.clock import Clock


class PodLogs(Protocol):
    """Where the kubelet keeps the logs of its containers."""

    def log_path(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The CRI log file (`<RFC 3339, ns> stdout|stderr F|P <line>`) of a container's run, or None."""
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
    is_closing: bool = False


CONTEXT = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """The context of the application that serves *request*."""
    return request.app[CONTEXT]
