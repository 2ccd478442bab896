"""Where each service of the shop answers, and one call to it with a deadline and a size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import msgspec

from oddsock.clients.answers import explain, read_body
from oddsock.clients.kubernetes.door import ClusterDoor
from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.kit import http, ids
from oddsock.kit.errors import Unreachable
from oddsock.kit.mask import mask_cards

CALL_S_MAX = 15.0
"""Wall seconds for one call; orders itself waits up to 5 s for each of the services it asks."""


class Doors(Protocol):
    """Leads from a service's name to where it answers."""

    async def door(self, service: str, port_name: str = "http") -> ServiceDoor:
        """Where *service* answers; Unreachable when nobody knows."""
        ...


class FixedDoors:
    """Doors that are known beforehand: service name to URL."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    async def door(self, service: str, port_name: str = "http") -> ServiceDoor:
        """The URL that was given for *service*, or for `service.port_name` when the port is not http."""
        name = service if port_name == "http" else f"{service}.{port_name}"
        if name not in self._urls:
            raise Unreachable(f"Service {name}", "an unknown address", "its address was not given")
        return ServiceDoor(self._urls[name].rstrip("/"))


class ClusterDoors:
    """Doors that the cluster knows; each is asked for once, because a Service keeps its address for life."""

    def __init__(self, cluster: ClusterDoor) -> None:
        self._cluster = cluster
        self._known: dict[tuple[str, str], ServiceDoor] = {}

    async def door(self, service: str, port_name: str = "http") -> ServiceDoor:
        """Where the cluster says that *service* answers."""
        key = (service, port_name)
        if key not in self._known:
            self._known[key] = await self._cluster.service_url(service, port_name)
        return self._known[key]


@dataclass(frozen=True)
class Answer:
    """What a service answered: any status, and the body as it came.

    *customer_message* is what our front-end says its page shows after a checkout; None where the shop does not say.
    """

    status: int
    body: bytes
    url: str
    customer_message: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """The body read as JSON, None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def message(self) -> str:
        """The message or error of a JSON body, else the body's beginning; cards masked."""
        document = self.document
        if isinstance(document, dict):
            return mask_cards(str(document.get("message") or document.get("error") or ""))
        return mask_cards(self.body[:200].decode(errors="replace"))


class Caller:
    """Calls services through their doors, each call with correlation headers of its own."""

    def __init__(self, doors: Doors, call_s_max: float = CALL_S_MAX) -> None:
        self._doors = doors
        self._call_s_max = call_s_max
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let every connection go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask *service*; any status is an answer, Unreachable when none came within the deadline."""
        door = await self._doors.door(service)
        if self._session is None:
            self._session = http.session(self._call_s_max)
        url = door.url + path
        sent = {http.TRACEPARENT: ids.traceparent(), http.REQUEST_ID: ids.request_id(), **door.headers}
        try:
            async with self._session.request(
                method,
                url,
                params=query,
                json=document,
                headers={**sent, **(headers or {})},
                ssl=door.tls or True,
                allow_redirects=False,
            ) as answer:
                return Answer(answer.status, await read_body(answer), url)
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            raise Unreachable(service, door.url, explain(cause)) from cause
