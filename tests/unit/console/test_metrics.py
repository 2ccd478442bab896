"""What the explorer of metrics reads."""

from oddsock.clients.datadog.memory import MemoryTelemetry
from oddsock.clients.datadog.records import Series
from oddsock.console.pages.metrics import SERIES_MAX, explore
from oddsock.console.span import read_span
from oddsock.kit.clock import ManualClock

NOW_MS = 1_761_812_640_000
"""Where a manual clock stands: 2025-10-30T08:24:00Z."""


class Telemetry(MemoryTelemetry):
    """Telemetry in memory that tells the names of what it holds."""

    async def metric_names(self, from_s: int) -> list[str]:
        return sorted({one.metric for rows in self.series.values() for one in rows})


def _line(deployment: str, *values: float | None, metric: str = "pods") -> Series:
    points = tuple((NOW_MS - 60_000.0 + 1000 * at, value) for at, value in enumerate(values))
    return Series(metric=metric, tags=(f"kube_deployment:{deployment}",), interval_s=1, points=points)


async def test_each_line_is_told_with_its_last_least_greatest_and_mean_value() -> None:
    telemetry = Telemetry()
    telemetry.series["avg:pods{*} by {kube_deployment}"] = [_line("payment", 1, 0, None, 2), _line("orders", None)]

    told = await explore(telemetry, "avg:pods{*} by {kube_deployment}", read_span({}, ManualClock()))

    payment, orders = told["series"]
    assert (payment["name"], payment["last"], payment["min"], payment["max"], payment["avg"]) == (
        "kube_deployment:payment",
        2,
        0,
        2,
        1,
    )
    assert (orders["last"], orders["avg"]) == (None, None)


async def test_lines_of_several_metrics_are_called_by_metric_and_tags() -> None:
    telemetry = Telemetry()
    telemetry.series["both"] = [_line("payment", 1), _line("payment", 1, metric="restarts")]

    told = await explore(telemetry, "both", read_span({}, ManualClock()))

    assert [one["name"] for one in told["series"]] == [
        "pods {kube_deployment:payment}",
        "restarts {kube_deployment:payment}",
    ]


async def test_what_is_beyond_the_most_lines_is_counted() -> None:
    telemetry = Telemetry()
    telemetry.series["many"] = [_line(str(number), 1) for number in range(SERIES_MAX + 7)]

    told = await explore(telemetry, "many", read_span({}, ManualClock()))

    assert (len(told["series"]), told["more"]) == (SERIES_MAX, 7)


async def test_the_metrics_there_are_told_while_nothing_is_asked() -> None:
    telemetry = Telemetry()
    telemetry.series["x"] = [_line("payment", 1)]

    assert await explore(telemetry, "", read_span({}, ManualClock())) == {"names": ["pods"]}
