"""`Datadog`: every call of the house at one address (a `TelemetryDoor`), our own store's or the real one's."""

import os
from collections.abc import Mapping

from oddsock.clients.datadog.connection import Address, Connection, make_address, read_address
from oddsock.clients.datadog.dashboards import Dashboards
from oddsock.clients.datadog.events import Events
from oddsock.clients.datadog.hosts import Hosts
from oddsock.clients.datadog.log_tail import LogTail
from oddsock.clients.datadog.metrics import Metrics
from oddsock.clients.datadog.monitors import Monitors
from oddsock.clients.datadog.pipelines import LogPipelines
from oddsock.clients.datadog.shipping import Shipping
from oddsock.clients.datadog.widget_answers import WidgetAnswers
from oddsock.kit.clock import Clock


class Datadog(Shipping, LogTail, Metrics, Events, Monitors, Dashboards, Hosts, LogPipelines, WidgetAnswers):
    """Telemetry at *address*; UsageError when there is none, for nothing is sent anywhere by default.

    Every call raises Unreachable, Forbidden, QueryRefused or CannotRun; with *read_only* none changes anything.
    """

    def __init__(
        self,
        address: str | Address,
        api_key: str = "",
        app_key: str = "",
        *,
        read_only: bool = False,
        clock: Clock | None = None,
    ) -> None:
        place = address if isinstance(address, Address) else make_address(address, api_key, app_key)
        self.connection = Connection(place, read_only=read_only, clock=clock)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, read_only: bool = True, clock: Clock | None = None
    ) -> "Datadog":
        """The real Datadog of DD_SITE, DD_API_KEY and DD_APP_KEY, which is only read unless it is told otherwise."""
        where = read_address(os.environ if environment is None else environment)
        return cls(where, read_only=read_only, clock=clock)

    @property
    def address(self) -> str:
        """Where questions are answered, without keys."""
        return self.connection.address.api

    @property
    def is_local(self) -> bool:
        """Whether it is a server of this machine, so ours."""
        return self.connection.address.is_local

    async def close(self) -> None:
        """Let every connection go."""
        await self.connection.close()
