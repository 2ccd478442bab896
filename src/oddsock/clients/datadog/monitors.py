"""Monitors: made, changed, taken away, and the states they are in."""

from typing import Any

import msgspec

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Monitor, MonitorChange

PAGE_ROWS = 500
MONITORS_MAX = 5000
CHANGES_MAX = 200


class _State(msgspec.Struct):
    groups: dict[str, dict[str, Any]] | None = None


class _Pace(msgspec.Struct):
    window_wall_s: float | None = None


class MonitorAnswer(msgspec.Struct):
    """A monitor as version 1 writes it."""

    id: int
    name: str = ""
    type: str = ""
    query: str = ""
    message: str | None = ""
    overall_state: str | None = ""
    tags: list[str] = []
    options: dict[str, Any] = {}
    state: _State | None = None
    oddsock: _Pace | None = None


class _Told(msgspec.Struct, rename={"before": "from", "after": "to"}):
    at: str
    group: str = ""
    before: str | None = None
    after: str = ""
    value: float | None = None
    reason: str | None = ""
    told: list[dict[str, Any]] = []


class _History(msgspec.Struct):
    history: list[_Told] = []


class Monitors:
    """The monitor half of `Datadog`."""

    connection: Connection

    async def monitors(self, tags: str = "") -> list[Monitor]:
        """Every monitor, those with all of the comma list *tags* only when given, with every group's state."""
        query = {"group_states": "all", "page_size": str(PAGE_ROWS)} | ({"monitor_tags": tags} if tags else {})
        rows: dict[int, Monitor] = {}
        for page in range(MONITORS_MAX // PAGE_ROWS):
            answer = await self.connection.ask(
                list[MonitorAnswer], "GET", "/api/v1/monitor", query=query | {"page": str(page)}, what="monitors"
            )
            fresh = {one.id: read_monitor(one) for one in answer if one.id not in rows}
            rows |= fresh
            if len(answer) < PAGE_ROWS or not fresh:
                break
        return list(rows.values())

    async def monitor(self, monitor_id: int) -> Monitor:
        """Monitor *monitor_id* with every group's state; NotThere when there is none."""
        path = f"/api/v1/monitor/{monitor_id}"
        return read_monitor(
            await self.connection.ask(MonitorAnswer, "GET", path, query={"group_states": "all"}, what="the monitor")
        )

    async def monitor_history(self, monitor_id: int, limit: int = CHANGES_MAX) -> list[MonitorChange]:
        """The newest *limit* changes of its state, newest first; only our own store keeps them on a path (NotThere)."""
        path = f"/_oddsock/monitors/{monitor_id}/history"
        found = await self.connection.ask(
            _History, "GET", path, query={"limit": str(limit)}, what="the history of the monitor"
        )
        return [_read_change(one) for one in found.history]

    async def create_monitor(self, document: dict[str, Any]) -> Monitor:
        """Make a monitor of Datadog's JSON; QueryRefused when it is wrong."""
        made = await self.connection.change(MonitorAnswer, "POST", "/api/v1/monitor", document, "a monitor")
        return read_monitor(made)

    async def update_monitor(self, monitor_id: int, document: dict[str, Any]) -> Monitor:
        """Change a monitor; NotThere when there is none."""
        path = f"/api/v1/monitor/{monitor_id}"
        return read_monitor(await self.connection.change(MonitorAnswer, "PUT", path, document, "a monitor", again=True))

    async def delete_monitor(self, monitor_id: int) -> None:
        """Take a monitor away; NotThere when there is none."""
        await self.connection.change(dict[str, Any], "DELETE", f"/api/v1/monitor/{monitor_id}", None, "a monitor")

    async def validate_monitor(self, document: dict[str, Any]) -> None:
        """Return when the server would take *document*; QueryRefused when not."""
        await self.connection.ask(
            dict[str, Any], "POST", "/api/v1/monitor/validate", document=document, what="a monitor"
        )


def read_monitor(one: MonitorAnswer) -> Monitor:
    """A monitor as version 1 writes it."""
    return Monitor(
        id=one.id,
        name=one.name,
        type=one.type,
        query=one.query,
        message=one.message or "",
        state=one.overall_state or "",
        tags=tuple(one.tags),
        options=one.options,
        groups=(one.state.groups if one.state else None) or {},
        window_wall_s=one.oddsock.window_wall_s if one.oddsock else None,
    )


def _read_change(one: _Told) -> MonitorChange:
    return MonitorChange(
        at=one.at,
        group=one.group,
        before=one.before or "",
        after=one.after,
        value=one.value,
        reason=one.reason or "",
        told=tuple(one.told),
    )
