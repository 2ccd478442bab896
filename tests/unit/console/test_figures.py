"""The key figures of the two dashboards, asked of a telemetry in memory."""

from datetime import datetime

import pytest

from oddsock.clients.datadog.memory import MemoryTelemetry
from oddsock.clients.datadog.records import Dashboard, Log, Series
from oddsock.console.figures import Figures, read_figures
from oddsock.kit.errors import Unreachable

NOW = datetime.fromisoformat("2025-10-30T08:30:00+00:00")
AT_MS = NOW.timestamp() * 1000 - 1000
STATUSES = "sum:shop.orders.by_status{status IN (paid,payment_failed)} by {status}.as_count()"
PODS = "avg:kubernetes_state.deployment.replicas_available{kube_namespace:sock-shop,kube_deployment:payment}"


def values(figures: Figures) -> dict[str, tuple[str, str]]:
    return {one.name: (one.value, one.colour) for board in figures.boards for one in board.figures}


@pytest.fixture
def telemetry() -> MemoryTelemetry:
    made = MemoryTelemetry()
    made.dashboard_rows = [Dashboard(id="abc-def", title="Incident overview")]
    made.series[STATUSES] = [
        Series(metric="o", scope="status:paid", points=((AT_MS, 6.0),)),
        Series(metric="o", scope="status:payment_failed", points=((AT_MS, 2.0),)),
    ]
    made.series[PODS] = [Series(metric="p", points=((AT_MS - 9000, 1.0), (AT_MS, 0.0)))]
    tags = ("kube_namespace:sock-shop",)
    made.logs = [Log(id="1", at="2025-10-30T08:29:00.000Z", message="ERROR x", service="sock-shop-orders", tags=tags)]
    return made


async def test_figures_are_what_telemetry_says(telemetry: MemoryTelemetry) -> None:
    found = await read_figures(telemetry, "sock-shop", NOW, 5.0)

    told = values(found)
    assert told["orders paid / failed"] == ("6 / 2", "bad")
    assert told["paid, of those decided"] == ("75.0 %", "bad")
    assert told["payment pods available"] == ("0", "bad")
    assert told["errors in the log of orders"] == ("1", "bad")


async def test_a_dashboard_has_its_link_only_where_telemetry_has_it(telemetry: MemoryTelemetry) -> None:
    found = await read_figures(telemetry, "sock-shop", NOW, 5.0)
    assert [board.id for board in found.boards] == ["abc-def", ""]


async def test_what_was_never_measured_has_no_value(telemetry: MemoryTelemetry) -> None:
    telemetry.series.clear()
    told = values(await read_figures(telemetry, "sock-shop", NOW, 5.0))
    assert told["payment pods available"] == ("", "")
    assert told["paid, of those decided"] == ("", "")


async def test_telemetry_that_is_away_is_one_sentence(telemetry: MemoryTelemetry) -> None:
    telemetry.failing = Unreachable("telemetry", "http://memory", "Connection refused")
    found = await read_figures(telemetry, "sock-shop", NOW, 5.0)
    assert found.boards == []
    assert "Connection refused" in found.away
