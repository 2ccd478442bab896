"""Log pipelines as Datadog's JSON."""

from typing import Any
from urllib.parse import quote

from oddsock.clients.datadog.connection import Connection

_PATH = "/api/v1/logs/config/pipelines"


class LogPipelines:
    """The pipeline half of `Datadog`."""

    connection: Connection

    async def pipelines(self) -> list[dict[str, Any]]:
        """Every pipeline, in the order logs go through them."""
        return await self.connection.ask(list[dict[str, Any]], "GET", _PATH, what="log pipelines")

    async def create_pipeline(self, document: dict[str, Any]) -> dict[str, Any]:
        """Make a pipeline; QueryRefused when it is wrong."""
        return await self.connection.change(dict[str, Any], "POST", _PATH, document, "a log pipeline")

    async def update_pipeline(self, pipeline_id: str, document: dict[str, Any]) -> dict[str, Any]:
        """Change a pipeline; NotThere when there is none."""
        path = f"{_PATH}/{quote(pipeline_id, safe='')}"
        return await self.connection.change(dict[str, Any], "PUT", path, document, "a log pipeline", again=True)

    async def delete_pipeline(self, pipeline_id: str) -> None:
        """Take a pipeline away; NotThere when there is none."""
        path = f"{_PATH}/{quote(pipeline_id, safe='')}"
        await self.connection.change(dict[str, Any] | None, "DELETE", path, None, "a log pipeline")  # type: ignore[arg-type]  # mypy takes no union for a type
