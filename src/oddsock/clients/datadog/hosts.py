"""The infrastructure list and the container list."""

from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Container, Host

PAGE_ROWS = 1000
ROWS_MAX = 10_000


class _Host(msgspec.Struct):
    name: str = ""
    up: bool = False
    apps: list[str] = []
    metrics: dict[str, Any] | None = None
    tags_by_source: dict[str, list[str]] | None = None


class _Hosts(msgspec.Struct):
    host_list: list[_Host] = []
    total_matching: int = 0


class _Container(msgspec.Struct):
    id: str = ""
    type: str = "container"
    attributes: dict[str, Any] = {}


class _Containers(msgspec.Struct):
    data: list[_Container] = []
    meta: dict[str, Any] = {}


class Hosts:
    """The infrastructure half of `Datadog`."""

    connection: Connection

    async def hosts(self, filter_: str = "") -> list[Host]:
        """The machines that *filter_* names, all when it is empty; by name."""
        rows: list[Host] = []
        while len(rows) < ROWS_MAX:
            query = {"start": str(len(rows)), "count": str(PAGE_ROWS)} | ({"filter": filter_} if filter_ else {})
            answer = await self.connection.ask(_Hosts, "GET", "/api/v1/hosts", query=query, what="hosts")
            rows += [_read_host(one) for one in answer.host_list]
            if len(answer.host_list) < PAGE_ROWS or len(rows) >= answer.total_matching:
                break
        return sorted(rows, key=lambda host: host.name)

    async def containers(self, tags: str = "") -> list[Container]:
        """The containers with all of the comma list *tags*; by name."""
        rows: list[Container] = []
        cursor = ""
        while len(rows) < ROWS_MAX:
            query = {"page[size]": str(PAGE_ROWS)} | ({"filter[tags]": tags} if tags else {})
            query |= {"page[cursor]": cursor} if cursor else {}
            answer = await self.connection.ask(_Containers, "GET", "/api/v2/containers", query=query, what="containers")
            rows += [_read_container(one) for one in answer.data]
            cursor = str((answer.meta.get("pagination") or {}).get("next_cursor") or "")
            if not cursor or not answer.data:
                break
        return sorted(rows, key=lambda container: (container.name, container.id))


def _read_host(one: _Host) -> Host:
    tags = [tag for group in (one.tags_by_source or {}).values() for tag in group]
    return Host(
        name=one.name, is_up=one.up, apps=tuple(one.apps), metrics=one.metrics or {}, tags=tuple(dict.fromkeys(tags))
    )


def _read_container(one: _Container) -> Container:
    about = one.attributes
    return Container(
        id=one.id or str(about.get("container_id") or ""),
        name=str(about.get("name") or ""),
        state=str(about.get("state") or ""),
        host=str(about.get("host") or ""),
        image=str(about.get("image_name") or ""),
        started_at=str(about.get("started_at") or ""),
        tags=tuple(about.get("tags") or ()),
    )
