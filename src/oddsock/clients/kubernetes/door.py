"""What drill and console need of a cluster; `cluster.Cluster` is it over lightkube, tests have one in memory."""

from collections.abc import Mapping
from typing import Protocol

from oddsock.clients.kubernetes.objects import (
    Deployment,
    Endpoints,
    Event,
    FaultObject,
    FaultSpec,
    Node,
    Pod,
    Service,
    ServiceDoor,
    Writer,
)

LOG_BYTES_MAX = 8_000_000
"""How much of one pod's log is read."""


class ClusterDoor(Protocol):
    """One namespace of one cluster; every call has a deadline and raises Unreachable, Forbidden or CannotRun."""

    @property
    def server(self) -> str:
        """The API server's address."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace every call is about."""
        ...

    async def close(self) -> None:
        """Let every connection go."""
        ...

    async def version(self) -> str:
        """The server's version, such as v1.32.0."""
        ...

    async def namespace_annotations(self) -> dict[str, str]:
        """The namespace's annotations; CannotRun when there is no such namespace."""
        ...

    async def deployments(self) -> list[Deployment]:
        """Every Deployment, by name."""
        ...

    async def deployment(self, name: str) -> Deployment | None:
        """Deployment *name*, None when there is none."""
        ...

    async def replicas(self, name: str) -> int:
        """How many replicas Deployment *name* asks for; CannotRun when there is none."""
        ...

    async def scale(self, name: str, replicas: int) -> None:
        """Ask for *replicas* replicas of Deployment *name*."""
        ...

    async def env(self, name: str) -> dict[str, str]:
        """The plain variables of the first container of Deployment *name*; those from elsewhere are left out."""
        ...

    async def set_env(self, name: str, values: Mapping[str, str | None]) -> None:
        """Set variables of the first container of Deployment *name*; None takes one away."""
        ...

    async def last_writer(self, deployment: str, path: str) -> Writer | None:
        """Who last wrote *path* (spec.replicas, env.<container>.<NAME>), None when the cluster does not say."""
        ...

    async def pods(self, selector: str = "") -> list[Pod]:
        """Every pod that matches *selector*, by name."""
        ...

    async def delete_pod(self, name: str, grace_s: int | None = None) -> None:
        """Delete pod *name*; one that is gone already is fine."""
        ...

    async def services(self) -> list[Service]:
        """Every Service, by name."""
        ...

    async def endpoints(self) -> list[Endpoints]:
        """The ready addresses of every Service, by name."""
        ...

    async def nodes(self) -> list[Node]:
        """Every node, by name; Forbidden where the account may not see nodes."""
        ...

    async def events(self) -> list[Event]:
        """The namespace's events, oldest first."""
        ...

    async def pod_log(self, pod: str, previous: bool = False, limit_bytes: int = LOG_BYTES_MAX) -> str:
        """At most *limit_bytes* of what pod *pod* (or its *previous* container) wrote; empty when there is none."""
        ...

    async def acquire_lease(self, name: str, holder: str, duration_s: int) -> None:
        """Hold Lease *name* for *duration_s* wall seconds; Forbidden when another living holder has it."""
        ...

    async def renew_lease(self, name: str, holder: str) -> None:
        """Hold Lease *name* for its duration again; Forbidden when it was lost to another."""
        ...

    async def release_lease(self, name: str, holder: str) -> None:
        """Let Lease *name* go if *holder* has it."""
        ...

    async def service_url(self, name: str, port_name: str = "http") -> ServiceDoor:
        """Where port *port_name* of Service *name* answers; Unreachable when there is no such Service."""
        ...

    async def fault_types(self) -> tuple[str, ...]:
        """The types of Fault objects that this cluster knows; empty where it lacks the resource."""
        ...

    async def faults(self) -> list[FaultObject]:
        """Every Fault object, by name; none where the cluster lacks the resource."""
        ...

    async def fault(self, name: str) -> FaultObject | None:
        """Fault object *name*, None when there is none."""
        ...

    async def create_fault(self, name: str, spec: FaultSpec, case: str) -> FaultObject:
        """Make Fault object *name*, labelled with *case*; CannotRun when it exists or the resource is lacking."""
        ...

    async def delete_fault(self, name: str) -> None:
        """Delete Fault object *name*, which ends the fault; one that is gone already is fine."""
        ...
