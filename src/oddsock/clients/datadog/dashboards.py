"""Dashboards as Datadog's JSON."""

from typing import Any
from urllib.parse import quote

from oddsock.clients.datadog.connection import Connection
from oddsock.clients.datadog.records import Dashboard


class Dashboards:
    """The dashboard half of `Datadog`."""

    connection: Connection

    async def dashboards(self) -> list[Dashboard]:
        """Every dashboard, without its widgets."""
        answer = await self.connection.ask(dict[str, Any], "GET", "/api/v1/dashboard", what="dashboards")
        return [_read_dashboard(one) for one in answer.get("dashboards") or []]

    async def dashboard(self, dashboard_id: str) -> Dashboard:
        """Dashboard *dashboard_id* with its widgets; NotThere when there is none."""
        found = await self.connection.ask(dict[str, Any], "GET", _path(dashboard_id), what="the dashboard")
        return _read_dashboard(found)

    async def create_dashboard(self, document: dict[str, Any]) -> Dashboard:
        """Make a dashboard of Datadog's JSON; QueryRefused when it is wrong."""
        made = await self.connection.change(dict[str, Any], "POST", "/api/v1/dashboard", document, "a dashboard")
        return _read_dashboard(made)

    async def update_dashboard(self, dashboard_id: str, document: dict[str, Any]) -> Dashboard:
        """Change a dashboard; NotThere when there is none."""
        path = _path(dashboard_id)
        changed = await self.connection.change(dict[str, Any], "PUT", path, document, "a dashboard", again=True)
        return _read_dashboard(changed)

    async def delete_dashboard(self, dashboard_id: str) -> None:
        """Take a dashboard away; NotThere when there is none."""
        await self.connection.change(dict[str, Any], "DELETE", _path(dashboard_id), None, "a dashboard")


def _path(dashboard_id: str) -> str:
    return f"/api/v1/dashboard/{quote(dashboard_id, safe='')}"


def _read_dashboard(one: dict[str, Any]) -> Dashboard:
    return Dashboard(
        id=str(one.get("id", "")), title=str(one.get("title") or ""), url=str(one.get("url") or ""), document=one
    )
