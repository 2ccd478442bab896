"""A cluster over lightkube: one namespace, reads as flat rows, writes signed by the field manager `oddsock`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.async_client import AsyncClient
from lightkube.resources import apps_v1, core_v1, discovery_v1
from lightkube.types import PatchType

from oddsock.clients.kubernetes import readings
from oddsock.clients.kubernetes.connection import address_of, open_client, open_raw, read_config, tls_of
from oddsock.clients.kubernetes.door import LOG_BYTES_MAX
from oddsock.clients.kubernetes.errors import API, NotThere, asking
from oddsock.clients.kubernetes.faults import Faults
from oddsock.clients.kubernetes.fields import find_writer
from oddsock.clients.kubernetes.leases import Leases
from oddsock.clients.kubernetes.objects import (
    ADDRESS_ANNOTATION,
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
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import Unreachable, UsageError

PAGE_ROWS = 500
"""How many objects one list call may answer; the next page is asked for by its continue token."""

Found = TypeVar("Found")


class Cluster:
    """One namespace of one cluster (a `ClusterDoor`)."""

    def __init__(self, config: SingleConfig, namespace: str, clock: Clock | None = None) -> None:
        self._config = config
        self._client: AsyncClient = open_client(config, namespace)
        self._raw: httpx2.AsyncClient = open_raw(config)
        self._server = address_of(config)
        self._namespace = namespace
        self._leases = Leases(self._client, self._server, clock or SystemClock())
        self._faults = Faults(self._client, self._raw, self._server, namespace)

    @classmethod
    async def connect(
        cls, kubeconfig: Path | None, context: str | None, namespace: str, clock: Clock | None = None
    ) -> "Cluster":
        """The cluster that was named, once it has answered; UsageError, Unreachable or Forbidden otherwise."""
        cluster = cls(read_config(kubeconfig, context), namespace, clock)
        try:
            await cluster.version()
        except BaseException:
            await cluster.close()
            raise
        return cluster

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._server

    @property
    def namespace(self) -> str:
        """The namespace every call is about."""
        return self._namespace

    async def close(self) -> None:
        """Let every connection go."""
        await self._client.close()
        await self._raw.aclose()

    async def version(self) -> str:
        """The server's gitVersion."""
        async with asking(self._server, "its version"):
            answer = await self._raw.get("/version")
            answer.raise_for_status()
            return str(_json_object(answer).get("gitVersion", ""))

    async def namespace_annotations(self) -> dict[str, str]:
        """The namespace's annotations; CannotRun when there is no such namespace."""
        async with asking(self._server, f"namespace {self._namespace}"):
            found = await self._client.get(core_v1.Namespace, self._namespace)
            return (found.metadata and found.metadata.annotations) or {}

    async def deployments(self) -> list[Deployment]:
        """Every Deployment, by name."""
        found = [readings.read_deployment(one) for one in await self._list(apps_v1.Deployment)]
        return sorted(found, key=lambda row: row.name)

    async def deployment(self, name: str) -> Deployment | None:
        """Deployment *name*, None when there is none."""
        try:
            return readings.read_deployment(await self._get_deployment(name))
        except NotThere:
            return None

    async def replicas(self, name: str) -> int:
        """How many replicas Deployment *name* asks for; CannotRun when there is none."""
        return readings.read_deployment(await self._get_deployment(name)).replicas

    async def scale(self, name: str, replicas: int) -> None:
        """Ask for *replicas* replicas of Deployment *name* through its scale subresource, as kubectl does."""
        async with asking(self._server, f"the scale of deployment {name}"):
            await self._client.patch(
                apps_v1.DeploymentScale, name, {"spec": {"replicas": replicas}}, patch_type=PatchType.MERGE
            )

    async def env(self, name: str) -> dict[str, str]:
        """The plain variables of the first container of Deployment *name*; those from elsewhere are left out."""
        return readings.read_env(await self._get_deployment(name))

    async def set_env(self, name: str, values: Mapping[str, str | None]) -> None:
        """Set variables of the first container of Deployment *name*; None takes one away."""
        container = readings.read_deployment(await self._get_deployment(name)).container
        env = [
            {"name": variable, "$patch": "delete"} if value is None else {"name": variable, "value": value}
            for variable, value in values.items()
        ]
        patch = {"spec": {"template": {"spec": {"containers": [{"name": container, "env": env}]}}}}
        async with asking(self._server, f"the variables of deployment {name}"):
            await self._client.patch(apps_v1.Deployment, name, patch, patch_type=PatchType.STRATEGIC)

    async def last_writer(self, deployment: str, path: str) -> Writer | None:
        """Who last wrote *path* (spec.replicas, env.<container>.<NAME>), None when the cluster does not say."""
        found = await self._get_deployment(deployment)
        return find_writer((found.metadata and found.metadata.managedFields) or [], path)

    async def pods(self, selector: str = "") -> list[Pod]:
        """Every pod that matches *selector* (`name=payment,tier=back`), by name."""
        found = [readings.read_pod(one) for one in await self._list(core_v1.Pod, labels=_labels(selector))]
        return sorted(found, key=lambda row: row.name)

    async def delete_pod(self, name: str, grace_s: int | None = None) -> None:
        """Delete pod *name*; one that is gone already is fine."""
        try:
            async with asking(self._server, f"pod {name}"):
                await self._client.delete(core_v1.Pod, name, grace_period=grace_s)
        except NotThere:
            return

    async def services(self) -> list[Service]:
        """Every Service, by name."""
        found = [readings.read_service(one) for one in await self._list(core_v1.Service)]
        return sorted(found, key=lambda row: row.name)

    async def endpoints(self) -> list[Endpoints]:
        """The ready addresses of every Service, by name; a Service without any has an empty list."""
        names = [row.name for row in await self.services()]
        return readings.read_slices(names, await self._list(discovery_v1.EndpointSlice))

    async def nodes(self) -> list[Node]:
        """Every node, by name; Forbidden where the account may not see nodes."""
        async with asking(self._server, "nodes"):
            found = [readings.read_node(one) async for one in self._client.list(core_v1.Node, chunk_size=PAGE_ROWS)]
        return sorted(found, key=lambda row: row.name)

    async def events(self) -> list[Event]:
        """The namespace's events, oldest first."""
        found = [readings.read_event(one) for one in await self._list(core_v1.Event)]
        return sorted(found, key=lambda row: (row.at, row.first_at))

    async def pod_log(self, pod: str, previous: bool = False, limit_bytes: int = LOG_BYTES_MAX) -> str:
        """At most *limit_bytes* of what pod *pod* (or its *previous* container) wrote; empty when there is none."""
        path = f"/api/v1/namespaces/{self._namespace}/pods/{pod}/log"
        params = {"limitBytes": str(limit_bytes), **({"previous": "true"} if previous else {})}
        async with asking(self._server, f"the log of pod {pod}"):
            answer = await self._raw.get(path, params=params)
            if answer.status_code in (400, 404):
                # Waiting to start, gone, or without a previous container: it wrote nothing.
                return ""
            answer.raise_for_status()
            return answer.content[:limit_bytes].decode(errors="replace")

    async def acquire_lease(self, name: str, holder: str, duration_s: int) -> None:
        """Hold Lease *name* for *duration_s* wall seconds; Forbidden when another living holder has it."""
        await self._leases.acquire(name, holder, duration_s)

    async def renew_lease(self, name: str, holder: str) -> None:
        """Hold Lease *name* for its duration again; Forbidden when it was lost to another."""
        await self._leases.renew(name, holder)

    async def release_lease(self, name: str, holder: str) -> None:
        """Let Lease *name* go if *holder* has it."""
        await self._leases.release(name, holder)

    async def fault_types(self) -> tuple[str, ...]:
        """The types of Fault objects that this cluster knows; empty where it lacks the resource."""
        return await self._faults.types()

    async def faults(self) -> list[FaultObject]:
        """Every Fault object, by name; none where the cluster lacks the resource."""
        return await self._faults.all()

    async def fault(self, name: str) -> FaultObject | None:
        """Fault object *name*, None when there is none."""
        return await self._faults.one(name)

    async def create_fault(self, name: str, spec: FaultSpec, case: str) -> FaultObject:
        """Make Fault object *name*, labelled with *case*; CannotRun when it exists or the resource is lacking."""
        return await self._faults.create(name, spec, case)

    async def delete_fault(self, name: str) -> None:
        """Delete Fault object *name*, which ends the fault; one that is gone already is fine."""
        await self._faults.delete(name)

    async def service_url(self, name: str, port_name: str = "http") -> ServiceDoor:
        """Where a port of Service *name* answers: its own address in our cluster, else through the API server."""
        try:
            async with asking(self._server, f"service {name}"):
                found = await self._client.get(core_v1.Service, name)
        except NotThere as cause:
            raise Unreachable(f"Service {name}", self._server, "there is no such service") from cause
        annotations = (found.metadata and found.metadata.annotations) or {}
        ports = {port.name or "": port.port for port in (found.spec and found.spec.ports) or []}
        key = ADDRESS_ANNOTATION if port_name == "http" else f"{ADDRESS_ANNOTATION}.{port_name}"
        scheme = "http" if port_name == "http" else port_name
        if address := annotations.get(key, ""):
            return ServiceDoor(f"{scheme}://{address}")
        if scheme != "http":
            raise Unreachable(
                f"Port {port_name} of service {name}", self._server, "the API server carries HTTP only from outside"
            )
        # A port is named in this path by its name or, without one, by its number.
        port = port_name if port_name in ports else next((known or str(number) for known, number in ports.items()), "")
        path = f"/api/v1/namespaces/{self._namespace}/services/{name}:{port}/proxy"
        return ServiceDoor(self._server + path, await self._account(), tls_of(self._config))

    async def _account(self) -> dict[str, str]:
        # Accounts come as tokens, files and commands; the one sure way to the header is to see one that was sent.
        async with asking(self._server, "its version"):
            sent = (await self._raw.get("/version")).request.headers
        return {"Authorization": sent["Authorization"]} if "Authorization" in sent else {}

    async def _get_deployment(self, name: str) -> apps_v1.Deployment:
        async with asking(self._server, f"deployment {name} in namespace {self._namespace}"):
            return await self._client.get(apps_v1.Deployment, name)

    async def _list(self, kind: type[Any], labels: dict[str, Any] | None = None) -> list[Any]:
        async with asking(self._server, f"{kind.__name__} objects in namespace {self._namespace}"):
            return [one async for one in self._client.list(kind, chunk_size=PAGE_ROWS, labels=labels or None)]


def _json_object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError as cause:
        raise Unreachable(API, str(answer.url), "it answered no JSON, so it is no API server") from cause
    return document if isinstance(document, dict) else {}


def _labels(selector: str) -> dict[str, Any]:
    pairs = [part.partition("=") for part in selector.split(",") if part]
    if any(not equals for _, equals, _ in pairs):
        raise UsageError(f"{selector!r} is no selector of the form name=value.")
    return {name.strip(): value.lstrip("=").strip() for name, _, value in pairs}
