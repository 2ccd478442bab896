"""Fault objects (faults.oddsock.dev): what Kubernetes has no verb for. Only our own cluster knows the resource.

    spec    {type, target: {deployment|service}, caller: {deployment}, percentage, latencyMs, jitterMs, status,
             bytesPerSecond, seed, point, action, nth, delayMs}
    status  {state: Active|Done|Failed, hits, message}

Deleting the object ends the fault.
"""

import httpx2
import msgspec
from lightkube.core.async_client import AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta

from oddsock.clients.kubernetes.errors import NotThere, asking
from oddsock.clients.kubernetes.objects import CASE_LABEL, FAULT_TYPES, FaultObject, FaultSpec
from oddsock.kit.errors import CannotRun

GROUP, VERSION, KIND, PLURAL = "oddsock.dev", "v1", "Fault", "faults"

Fault = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    uid: str = ""
    labels: dict[str, str] = {}
    creation_timestamp: str = ""


class _Spec(msgspec.Struct):
    type: str = ""
    target: dict[str, str] = {}


class _Status(msgspec.Struct):
    state: str = ""
    hits: int = 0
    message: str = ""


class _Wire(msgspec.Struct):
    metadata: _Meta
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


class _WireList(msgspec.Struct):
    items: list[_Wire] = []


class _Resource(msgspec.Struct):
    name: str = ""


class _Resources(msgspec.Struct):
    resources: list[_Resource] = []


class Faults:
    """The Fault objects of one namespace."""

    def __init__(self, client: AsyncClient, raw: httpx2.AsyncClient, server: str, namespace: str) -> None:
        self._client = client
        self._raw = raw
        self._server = server
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"

    async def types(self) -> tuple[str, ...]:
        """The types this cluster knows, by its discovery document; empty where the resource is lacking."""
        async with asking(self._server, f"{GROUP}/{VERSION}"):
            answer = await self._raw.get(f"/apis/{GROUP}/{VERSION}")
            if answer.status_code == 404:
                return ()
            answer.raise_for_status()
            served = msgspec.json.decode(answer.content, type=_Resources).resources
        return FAULT_TYPES if any(resource.name == PLURAL for resource in served) else ()

    async def all(self) -> list[FaultObject]:
        """Every one, by name; none where the resource is lacking."""
        try:
            async with asking(self._server, "faults"):
                answer = await self._raw.get(self._path)
                answer.raise_for_status()
                found = [_row(wire) for wire in msgspec.json.decode(answer.content, type=_WireList).items]
        except NotThere:
            return []
        return sorted(found, key=lambda row: row.name)

    async def one(self, name: str) -> FaultObject | None:
        """The one called *name*, None when there is none."""
        try:
            async with asking(self._server, f"fault {name}"):
                return _read(await self._client.get(Fault, name))
        except NotThere:
            return None

    async def create(self, name: str, spec: FaultSpec, case: str) -> FaultObject:
        """Make one, labelled with *case*; CannotRun when it exists or this cluster lacks the resource."""
        wanted = Fault(metadata=ObjectMeta(name=name, labels={CASE_LABEL: case}), spec=msgspec.to_builtins(spec))
        try:
            async with asking(self._server, f"fault {name}"):
                return _read(await self._client.create(wanted))
        except NotThere as cause:
            raise CannotRun(
                f"The cluster {self._server} has no resource {PLURAL}.{GROUP}, so it knows no fault {spec.type}.",
                "Only a cluster of `oddsock up` has it.",
            ) from cause

    async def delete(self, name: str) -> None:
        """Delete the one called *name*; one that is gone already is fine."""
        try:
            async with asking(self._server, f"fault {name}"):
                await self._client.delete(Fault, name)
        except NotThere:
            return


def _read(item: object) -> FaultObject:
    return _row(msgspec.convert(item, _Wire))


def _row(wire: _Wire) -> FaultObject:
    return FaultObject(
        name=wire.metadata.name,
        type=wire.spec.type,
        target=wire.spec.target.get("deployment") or wire.spec.target.get("service", ""),
        uid=wire.metadata.uid,
        case=wire.metadata.labels.get(CASE_LABEL, ""),
        state=wire.status.state,
        hits=wire.status.hits,
        message=wire.status.message,
        created_at=wire.metadata.creation_timestamp,
    )
