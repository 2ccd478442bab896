"""A cluster in memory: a `ClusterDoor` for unit tests, in which what was asked for is so at once.

Somebody else's writes are made with `write_as`; Deployments named in *stuck* never become ready; *failing* is raised
by every write while it is set; *writes* lists what was written, in order. Fault objects are Active or Done at once; an
empty *types* stands for a cluster that lacks the resource.
"""

from collections.abc import Mapping

import msgspec

from oddsock.clients.kubernetes.door import LOG_BYTES_MAX
from oddsock.clients.kubernetes.objects import (
    FAULT_TYPES,
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
from oddsock.kit.clock import Clock, ManualClock, iso
from oddsock.kit.errors import CannotRun, Forbidden, OddsockError, Unreachable


class MemoryCluster:
    """One namespace with Deployments (*name*=replicas) and a Service of the same name each."""

    def __init__(
        self,
        deployments: Mapping[str, int],
        *,
        clock: Clock | None = None,
        server: str = "http://memory",
        namespace: str = "sock-shop",
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        self.server = server
        self.namespace = namespace
        self.annotations = dict(annotations or {})
        self.counts = dict(deployments)
        self.variables: dict[str, dict[str, str]] = {name: {} for name in deployments}
        self.urls: dict[tuple[str, str], str] = {}
        self.stuck: set[str] = set()
        self.failing: OddsockError | None = None
        self.writes: list[str] = []
        self.types: tuple[str, ...] = FAULT_TYPES
        self.specs: dict[str, FaultSpec] = {}
        self.objects: dict[str, FaultObject] = {}
        self._clock = clock or ManualClock()
        self._writers: dict[tuple[str, str], Writer] = {}
        self._leases: dict[str, tuple[str, float]] = {}
        self._generation = dict.fromkeys(deployments, 0)

    async def close(self) -> None:
        """Nothing to let go."""

    async def version(self) -> str:
        """A version that no server has."""
        return "v0.0.0-memory"

    async def namespace_annotations(self) -> dict[str, str]:
        """What the test annotated."""
        return dict(self.annotations)

    async def deployments(self) -> list[Deployment]:
        """Every Deployment; ready at once, or never when stuck."""
        return [self._row(name) for name in sorted(self.counts)]

    async def deployment(self, name: str) -> Deployment | None:
        """Deployment *name*, None when there is none."""
        return self._row(name) if name in self.counts else None

    async def replicas(self, name: str) -> int:
        """How many replicas are asked for; CannotRun when there is no such Deployment."""
        return self._row(name).replicas

    async def scale(self, name: str, replicas: int) -> None:
        """Write the replica count."""
        self.write_as("oddsock", name, "spec.replicas", replicas)

    async def env(self, name: str) -> dict[str, str]:
        """The variables as they are."""
        return dict(self.variables[self._row(name).name])

    async def set_env(self, name: str, values: Mapping[str, str | None]) -> None:
        """Write or take away variables."""
        for variable, value in values.items():
            self.write_as("oddsock", name, f"env.{name}.{variable}", value)

    def write_as(self, manager: str, name: str, path: str, value: int | str | None) -> None:
        """Let *manager* write *path* of Deployment *name*."""
        if self.failing is not None:
            raise self.failing
        self._row(name)
        if path == "spec.replicas":
            self.counts[name] = int(value or 0)
        elif value is None:
            self.variables[name].pop(path.split(".", 2)[2], None)
        else:
            self.variables[name][path.split(".", 2)[2]] = str(value)
        self._generation[name] += path != "spec.replicas"
        self._writers[name, path] = Writer(manager=manager, at=iso(self._clock.now()))
        self.writes.append(f"{name} {path}={value}")

    async def last_writer(self, deployment: str, path: str) -> Writer | None:
        """Who wrote *path* last here, None when nobody did."""
        return self._writers.get((deployment, path))

    async def pods(self, selector: str = "") -> list[Pod]:
        """One running pod a replica."""
        return [
            Pod(
                name=f"{name}-{self._generation[name]}-{n}",
                deployment=name,
                phase="Running",
                ready=name not in self.stuck,
                restarts=0,
                labels={"name": name},
            )
            for name, count in sorted(self.counts.items())
            for n in range(count)
            if selector in ("", f"name={name}")
        ]

    async def delete_pod(self, name: str, grace_s: int | None = None) -> None:
        """The pod is gone, and another one stands in its place."""
        if self.failing is not None:
            raise self.failing
        self.writes.append(f"pod {name} deleted")
        deployment = name.rsplit("-", 2)[0]
        if deployment in self._generation:
            self._generation[deployment] += 1

    async def services(self) -> list[Service]:
        """A Service a Deployment."""
        return [Service(name=name, cluster_ip="", ports=["http:80"]) for name in sorted(self.counts)]

    async def endpoints(self) -> list[Endpoints]:
        """An address a ready replica."""
        return [Endpoints(name=row.name, addresses=["10.0.0.1:80"] * row.ready) for row in await self.deployments()]

    async def nodes(self) -> list[Node]:
        """One node."""
        return [Node(name="memory", ready=True)]

    async def events(self) -> list[Event]:
        """None."""
        return []

    async def pod_log(self, pod: str, previous: bool = False, limit_bytes: int = LOG_BYTES_MAX) -> str:
        """Nothing was written."""
        return ""

    async def acquire_lease(self, name: str, holder: str, duration_s: int) -> None:
        """Hold the Lease; Forbidden when another holds it and it has not run out."""
        other, until_s = self._leases.get(name, ("", 0.0))
        if other not in ("", holder) and until_s > self._clock.monotonic():
            raise Forbidden(f"Another drill is running in this namespace: Lease {name} is held by {other}.")
        self._leases[name] = (holder, self._clock.monotonic() + duration_s)

    async def renew_lease(self, name: str, holder: str) -> None:
        """Hold the Lease on; Forbidden when another has it."""
        if self._leases.get(name, ("", 0.0))[0] != holder:
            raise Forbidden(f"Lease {name} was lost.")
        self._leases[name] = (holder, self._clock.monotonic() + 30)

    async def release_lease(self, name: str, holder: str) -> None:
        """Give the Lease back if *holder* has it."""
        if self._leases.get(name, ("", 0.0))[0] == holder:
            del self._leases[name]

    async def fault_types(self) -> tuple[str, ...]:
        """What the test left in *types*."""
        return self.types

    async def faults(self) -> list[FaultObject]:
        """Every Fault object, by name."""
        return [self.objects[name] for name in sorted(self.objects)]

    async def fault(self, name: str) -> FaultObject | None:
        """Fault object *name*, None when there is none."""
        return self.objects.get(name)

    async def create_fault(self, name: str, spec: FaultSpec, case: str) -> FaultObject:
        """Make one; CannotRun when it exists or *types* lacks its type."""
        if self.failing is not None:
            raise self.failing
        if name in self.objects or spec.type not in self.types:
            raise CannotRun(f"{self.server} refused fault {name}.")
        found = FaultObject(
            name=name,
            type=spec.type,
            target=next(iter(spec.target.values())),
            uid=f"uid-{len(self.writes)}",
            case=case,
            state="Done" if spec.type == "kill" else "Active",
            created_at=iso(self._clock.now()),
        )
        self.specs[name], self.objects[name] = spec, found
        self.writes.append(f"fault {name} created")
        return found

    def set_fault(self, name: str, **fields: object) -> None:
        """Let somebody else write *fields* of Fault object *name*: its state, hits, message or case."""
        self.objects[name] = msgspec.structs.replace(self.objects[name], **fields)

    async def delete_fault(self, name: str) -> None:
        """It is gone."""
        if self.failing is not None:
            raise self.failing
        if self.objects.pop(name, None):
            self.writes.append(f"fault {name} deleted")

    async def service_url(self, name: str, port_name: str = "http") -> ServiceDoor:
        """What the test said in *urls*; Unreachable when it said nothing."""
        if (name, port_name) not in self.urls:
            raise Unreachable(f"Service {name}", self.server, "there is no such service")
        return ServiceDoor(self.urls[name, port_name])

    def _row(self, name: str) -> Deployment:
        if name not in self.counts:
            raise CannotRun(f"There is no deployment {name} in {self.namespace}.")
        count = self.counts[name]
        ready = 0 if name in self.stuck else count
        return Deployment(name=name, replicas=count, ready=ready, available=ready, updated=count, container=name)
