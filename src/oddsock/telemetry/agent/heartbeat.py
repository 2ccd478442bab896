"""Collector: datadog.agent.running and the service check datadog.agent.up, by which silence is told from absence."""

from collections.abc import Iterable

from oddsock.telemetry.agent.api_server import ApiServer
from oddsock.telemetry.agent.series import Findings


class Heartbeat:
    """Says for every node that the agent runs."""

    name = "heartbeat"

    def __init__(self, server: ApiServer, tags: Iterable[str]) -> None:
        self._server = server
        self._tags = tuple(tags)
        self._hosts: list[str] = []

    async def collect(self, found: Findings) -> None:
        """1 for each node, for those that were last known while the API server is away."""
        try:
            self._hosts = [node["metadata"]["name"] for node in await self._server.items("/api/v1/nodes")]
        finally:
            for host in self._hosts:
                tags = [f"kube_node:{host}", *self._tags]
                found.gauge("datadog.agent.running", 1, tags, host)
                found.check("datadog.agent.up", 0, tags, host)
