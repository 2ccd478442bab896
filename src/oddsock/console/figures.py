"""The key figures of the report's two dashboards, asked of telemetry; each says which query it is the answer of."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from oddsock.clients.datadog.door import TelemetryDoor
from oddsock.clients.datadog.records import Series
from oddsock.kit.clock import iso
from oddsock.kit.errors import OddsockError

WINDOW_S = 300
"""Wall seconds over which a figure is told."""

Colour = str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number: its *name*, its *value* as text (empty where there is none), good, bad or neither, its *query*."""

    name: str
    value: str
    colour: Colour
    query: str


class FigureBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one dashboard; *id* is empty where telemetry has no dashboard of that title."""

    title: str
    id: str
    figures: list[Figure]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Both dashboards as of *looked_at* over *window_s*; *away* says why there are none."""

    looked_at: str
    window_s: int = WINDOW_S
    boards: list[FigureBoard] = []
    away: str = ""


@dataclass(frozen=True)
class _Asked:
    """A figure before it is asked: a metric *query*, or a log search when *is_logs*, and what becomes of the answer."""

    name: str
    query: str
    tell: Callable[[list[Series]], tuple[str, Colour]]
    is_logs: bool = False


def _values(rows: list[Series]) -> list[float]:
    return [value for row in rows for _, value in row.points if value is not None]


def _last(rows: list[Series]) -> float | None:
    newest = max(((at, value) for row in rows for at, value in row.points if value is not None), default=None)
    return newest[1] if newest else None


def _sum(rows: list[Series], tag: str = "") -> float:
    return sum(_values([row for row in rows if not tag or tag in row.tags or tag in row.scope.split(",")]))


def _tell_pods(rows: list[Series]) -> tuple[str, Colour]:
    last = _last(rows)
    return ("", "") if last is None else (f"{last:g}", "good" if last else "bad")


def _tell_errors(rows: list[Series]) -> tuple[str, Colour]:
    count = _sum(rows)
    return f"{count:g}", "bad" if count else "good"


def _tell_statuses(rows: list[Series]) -> tuple[str, Colour]:
    paid, failed = _sum(rows, "status:paid"), _sum(rows, "status:payment_failed")
    return f"{paid:g} / {failed:g}", "bad" if failed else ""


def _tell_connection(rows: list[Series]) -> tuple[str, Colour]:
    last = _last(rows)
    return ("", "") if last is None else ("up", "good") if last else ("down", "bad")


def _tell_a_minute(rows: list[Series]) -> tuple[str, Colour]:
    return f"{_sum(rows) * 60 / WINDOW_S:.1f}", ""


def _tell_share(rows: list[Series]) -> tuple[str, Colour]:
    paid, failed = _sum(rows, "status:paid"), _sum(rows, "status:payment_failed")
    if not paid + failed:
        return "", ""
    share = 100 * paid / (paid + failed)
    return f"{share:.1f} %", "good" if share >= 90 else "bad"


def _tell_duration(rows: list[Series]) -> tuple[str, Colour]:
    values = _values(rows)
    return (f"{sum(values) / len(values) * 1000:.0f} ms", "") if values else ("", "")


def _asked(namespace: str) -> dict[str, tuple[_Asked, ...]]:
    at = f"kube_namespace:{namespace}"
    statuses = "sum:shop.orders.by_status{status IN (paid,payment_failed)} by {status}.as_count()"
    available = f"avg:kubernetes_state.deployment.replicas_available{{{at},kube_deployment:payment}}"
    return {
        "Incident overview": (
            _Asked("payment pods available", available, _tell_pods),
            _Asked("errors in the log of orders", f'{at} service:sock-shop-orders "ERROR"', _tell_errors, True),
            _Asked("orders paid / failed", statuses, _tell_statuses),
            _Asked(
                "connection to payment",
                f"min:network.tcp.can_connect{{{at},kube_service:payment}}",
                _tell_connection,
            ),
        ),
        "Transaction flow health": (
            _Asked("orders a minute", "sum:shop.orders.created{*}.as_count()", _tell_a_minute),
            _Asked("paid, of those decided", statuses, _tell_share),
            _Asked("time from order to decision", "avg:shop.order.duration{*}", _tell_duration),
            _Asked("failed transactions", "sum:shop.orders.failed{*}.as_count()", _tell_errors),
        ),
    }


async def read_figures(door: TelemetryDoor, namespace: str, now: datetime, wall_s: float) -> Figures:
    """Both dashboards' figures at *now* within *wall_s* wall seconds; *away* says what is the matter otherwise."""
    asked = _asked(namespace)
    try:
        async with asyncio.timeout(wall_s):
            ids = {one.title: one.id for one in await door.dashboards()}
            told = iter(await asyncio.gather(*(_ask(door, one, now) for board in asked.values() for one in board)))
    except TimeoutError:
        return Figures(looked_at=iso(now), away=f"Telemetry gave no whole answer within {wall_s:g} s.")
    except OddsockError as error:
        return Figures(looked_at=iso(now), away=str(error))
    boards = [
        FigureBoard(title=title, id=ids.get(title, ""), figures=[next(told) for _ in board])
        for title, board in asked.items()
    ]
    return Figures(looked_at=iso(now), boards=boards)


async def _ask(door: TelemetryDoor, asked: _Asked, now: datetime) -> Figure:
    from_ = now - timedelta(seconds=WINDOW_S)
    if asked.is_logs:
        counting = ({"aggregation": "count", "type": "total"},)
        buckets = await door.aggregate_logs(asked.query, iso(from_), iso(now), counting)
        count = sum(float(one.computes.get("c0") or 0) for one in buckets)
        rows = [Series(metric="logs", points=((now.timestamp() * 1000, count),))]
    else:
        rows = (await door.query_metric(asked.query, int(from_.timestamp()), int(now.timestamp()) + 1)).rows
    value, colour = asked.tell(rows)
    return Figure(name=asked.name, value=value, colour=colour, query=asked.query)
