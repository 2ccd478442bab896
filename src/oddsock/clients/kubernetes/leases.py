"""Leases: one holder at a time over a whole namespace, by the clock of whoever asks.

An expired Lease may be taken over. Every write names the resourceVersion it read, so that of two who take it at the
same moment one is refused: https://kubernetes.io/docs/concepts/architecture/leases/
"""

from datetime import datetime, timedelta

from lightkube.core.async_client import AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from oddsock.clients.kubernetes.errors import Conflict, NotThere, asking
from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import Forbidden


class Leases:
    """The Leases of one namespace."""

    def __init__(self, client: AsyncClient, server: str, clock: Clock) -> None:
        self._client = client
        self._server = server
        self._clock = clock

    async def acquire(self, name: str, holder: str, duration_s: int) -> None:
        """Hold Lease *name* for *duration_s* wall seconds; Forbidden when another living holder has it."""
        now = self._now()
        spec = LeaseSpec(holderIdentity=holder, leaseDurationSeconds=duration_s, acquireTime=now, renewTime=now)
        try:
            found = await self._get(name)
        except NotThere:
            await self._write(Lease(metadata=ObjectMeta(name=name), spec=spec), name, holder, is_new=True)
            return
        if (other := _living_holder(found, now)) and other != holder:
            raise _held(name, other, found)
        found.spec = spec
        await self._write(found, name, holder)

    async def renew(self, name: str, holder: str) -> None:
        """Begin the Lease's duration again; Forbidden when *holder* has lost it."""
        try:
            found = await self._get(name)
        except NotThere as cause:
            raise Forbidden(f"Lease {name} was deleted while {holder} held it.") from cause
        if found.spec is None or found.spec.holderIdentity != holder:
            raise _held(name, (found.spec and found.spec.holderIdentity) or "nobody", found)
        found.spec.renewTime = self._now()
        await self._write(found, name, holder)

    async def release(self, name: str, holder: str) -> None:
        """Leave the Lease without a holder, if *holder* has it; the object stays for the next one."""
        try:
            found = await self._get(name)
        except NotThere:
            return
        if found.spec is None or found.spec.holderIdentity != holder:
            return
        found.spec = LeaseSpec(holderIdentity="", leaseDurationSeconds=1, renewTime=self._now())
        await self._write(found, name, holder)

    async def _get(self, name: str) -> Lease:
        async with asking(self._server, f"Lease {name}"):
            return await self._client.get(Lease, name)

    async def _write(self, lease: Lease, name: str, holder: str, is_new: bool = False) -> None:
        if lease.metadata is not None:
            lease.metadata.managedFields = None
        try:
            async with asking(self._server, f"Lease {name}"):
                await (self._client.create(lease) if is_new else self._client.replace(lease))
        except Conflict as cause:
            raise Forbidden(f"Another drill took Lease {name} at the same moment as {holder}.") from cause

    def _now(self) -> datetime:
        # The API wants a fraction of a second, and a datetime without microseconds is written without one.
        now = self._clock.now()
        return now if now.microsecond else now.replace(microsecond=1)


def _living_holder(lease: Lease, now: datetime) -> str:
    spec = lease.spec
    if spec is None or not spec.holderIdentity or spec.renewTime is None:
        return ""
    ends_at = spec.renewTime + timedelta(seconds=spec.leaseDurationSeconds or 0)
    return spec.holderIdentity if ends_at > now else ""


def _held(name: str, other: str, lease: Lease) -> Forbidden:
    spec = lease.spec
    until = ""
    if spec is not None and spec.renewTime is not None:
        until = f" until {iso(spec.renewTime + timedelta(seconds=spec.leaseDurationSeconds or 0))}"
    return Forbidden(
        f"Another drill is running in this namespace: Lease {name} is held by {other}{until}.",
        "Wait for it to end; a dead holder's lease runs out by itself.",
    )
