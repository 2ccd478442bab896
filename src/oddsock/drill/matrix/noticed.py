"""What the telemetry of a cell noticed: when a monitor alerted, how many of orders' errors a search by status finds.

Asked through the client only, of a store that stands beside the cell's shop.
"""

import msgspec

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.records import Monitor
from oddsock.drill.telemetry_span import Span
from oddsock.kit.clock import Clock, iso, wait_for

READY_WALL_S_MAX = 10.0
"""Wall seconds within which the monitors of a new store must have looked once; then the cell begins without."""

LINES_WALL_S_MAX = 5.0
"""Wall seconds for which the last lines of the outage are waited for."""

POLL_WALL_S = 0.1

STEADY_MONITOR = "monitor:payment-replicas"
"""The shipped monitor that is OK as soon as telemetry has seen a steady shop."""


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """The instant of the first alert of the outage, empty for none, and the error lines that a search finds."""

    alerted_at: str = ""
    errors_found: int = 0


async def await_monitors(door: TelemetryDoor, clock: Clock) -> bool:
    """Whether the monitors have seen a steady shop, so that what they tell from now on is news."""

    async def are_ready() -> list[Monitor]:
        return [one for one in await door.monitors(STEADY_MONITOR) if one.state == "OK"]

    return bool(await wait_for(are_ready, clock, READY_WALL_S_MAX * clock.speed, POLL_WALL_S * clock.speed))


async def read_noticed(door: TelemetryDoor, namespace: str, span: Span, clock: Clock) -> Noticed:
    """What *door* noticed between the fault and the end of its heal; Unreachable when it does not answer."""
    scope = f"kube_namespace:{namespace}"

    async def has_caught_up() -> bool:
        return bool((await door.search_logs(scope, span.to_at, iso(clock.now()), 1)).rows)

    # The shop writes a line for whoever reads its books, so there are later ones.
    await wait_for(has_caught_up, clock, LINES_WALL_S_MAX * clock.speed, POLL_WALL_S * clock.speed)
    alerts = await door.search_events("source:alert", span.from_at, span.to_at)
    query = f"{scope} service:sock-shop-orders status:error"
    errors = await door.aggregate_logs(query, span.from_at, span.to_at, [{"aggregation": "count", "type": "total"}])
    return Noticed(
        alerted_at=min((event.at for event in alerts if event.alert_type == "error"), default=""),
        errors_found=round(sum(bucket.computes.get("c0", 0) or 0 for bucket in errors)),
    )
