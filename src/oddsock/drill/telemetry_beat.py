"""Whether telemetry has caught up: it lags behind what happens, and who asks too early is told too little."""

from datetime import UTC, datetime, timedelta

import msgspec

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.records import FoundSeries
from oddsock.kit.clock import Clock, instant, iso, wait_for
from oddsock.kit.errors import OddsockError

BEAT_POLL_WALL_S = 0.25
"""Wall seconds between two looks whether telemetry has caught up."""

CYCLES_PLAN_S = 60.0
"""Plan seconds that a few rounds of the agent take, for which the wait is longer."""

LOOK_BACK = timedelta(hours=3)
"""How far back the newest line is looked for."""


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The newest point and line that telemetry holds, beside what was waited for.

    That is a point of *until*, a line of *line_until* (empty: none) and a line that names each of *orders*.
    """

    until: str
    line_until: str = ""
    orders: tuple[str, ...] = ()
    metric_at: str = ""
    log_at: str = ""
    caught_up: bool = False


async def await_beat(door: TelemetryDoor, namespace: str, wanted: Beat, within_s: float, clock: Clock) -> Beat:
    """The newest of what *door* holds, once it is *wanted*, or after *within_s* wall seconds and some rounds."""
    seen = wanted

    async def has_caught_up() -> bool:
        nonlocal seen
        try:
            seen = await _look(door, namespace, wanted, clock.now())
        except OddsockError:
            return False
        return seen.caught_up

    deadline_s = within_s * clock.speed + CYCLES_PLAN_S
    await wait_for(has_caught_up, clock, deadline_s, BEAT_POLL_WALL_S * clock.speed)
    return seen


async def _look(door: TelemetryDoor, namespace: str, wanted: Beat, now: datetime) -> Beat:
    tag = f"kube_namespace:{namespace}"
    query = f"max:kubernetes_state.deployment.replicas_desired{{{tag}}}"
    found = await door.query_metric(query, whole_s(instant(wanted.until)) - 60, whole_s(now) + 1)
    metric_at = _newest_point(found)
    from_at = iso(now - LOOK_BACK)
    lines = await door.search_logs(tag, from_at, iso(now), 1, newest_first=True)
    log_at = lines.rows[0].at if lines.rows else ""
    told = [await door.search_logs(f'{tag} "{order_id}"', from_at, iso(now), 1) for order_id in wanted.orders]
    # A bucket that began later: in the one of that very instant other metrics may still be on their way.
    has_point = bool(metric_at) and instant(metric_at) >= instant(wanted.until)
    has_line = not wanted.line_until or (bool(log_at) and instant(log_at) >= instant(wanted.line_until))
    caught_up = has_point and has_line and all(one.rows for one in told)
    return msgspec.structs.replace(wanted, metric_at=metric_at, log_at=log_at, caught_up=caught_up)


def _newest_point(found: FoundSeries) -> str:
    newest = max((at for one in found.rows for at, value in one.points if value is not None), default=0)
    return iso(datetime.fromtimestamp(newest / 1000, UTC)) if newest else ""


def whole_s(at: datetime) -> int:
    """The second since 1970 in which *at* lies."""
    return int(at.timestamp())
