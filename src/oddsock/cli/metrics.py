"""`oddsock metrics`: ask a metric query and see its answer as a plot."""

from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import STACK, Datadog, Json, Name

if TYPE_CHECKING:
    from oddsock.clients.datadog.records import FoundSeries, Series

EXAMPLES = """Examples:

\b
  oddsock metrics 'avg:kubernetes.pods.running{kube_namespace:sock-shop,deployment:payment}'
  oddsock metrics 'avg:kubernetes.memory.usage{kube_namespace:sock-shop} by {pod_name}' --from now-3h
  oddsock metrics 'sum:shop.orders.created{*}.as_count()' --json
"""

SERIES_SHOWN_MAX = 20


def command(
    query: Annotated[str, typer.Argument(help="A query in Datadog's metric language.", metavar="QUERY")],
    from_: Annotated[
        str, typer.Option("--from", help="ISO 8601, or from now on back: now-15m, now-3h, now/d.", metavar="TIME")
    ] = "now-15m",
    to: Annotated[str, typer.Option("--to", help="The same.", metavar="TIME")] = "now",
    json: Json = False,
    name: Name = STACK,
    datadog: Datadog = False,
) -> None:
    """Ask a metric query; each series as a plot.

    With Datadog's metric language, of the stack's own store or of the real Datadog. A gap is a dot: no point is not 0.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.kit.clock import SystemClock
    from oddsock.kit.date_math import instant_ms

    now_ms = int(SystemClock().now().timestamp() * 1000)
    span = (instant_ms(from_, now_ms) // 1000, -(-instant_ms(to, now_ms) // 1000))
    found = run_to_end(_ask(query, span, name, datadog))
    if json:
        screen.say_json(
            {"query": query, "from_s": span[0], "to_s": span[1], "message": found.message, "series": found.rows}
        )
        return
    if found.message:
        screen.note(found.message)
    if not found.rows:
        screen.say("No series: nothing of this name and scope was measured in this time.")
    for series in found.rows[:SERIES_SHOWN_MAX]:
        _show(series)
    if len(found.rows) > SERIES_SHOWN_MAX:
        screen.note(f"{len(found.rows) - SERIES_SHOWN_MAX} more series; narrow the scope, or write --json.")


async def _ask(query: str, span: tuple[int, int], name: str, datadog: bool) -> "FoundSeries":
    from oddsock.cli.telemetry import open_telemetry

    async with open_telemetry(name, datadog, query) as door:
        return await door.query_metric(query, *span)


def _show(series: "Series") -> None:
    from datetime import UTC, datetime

    from oddsock.cli import screen
    from oddsock.cli.plot import draw_plot, spell_value

    values = [value for _, value in series.points]
    known = [value for value in values if value is not None]
    scope = f"{{{series.scope}}}" if series.scope else ""
    unit = f" {series.unit}" if series.unit else ""
    screen.say(f"{series.metric}{scope}")
    if not known:
        screen.say("  no point\n")
        return
    for line in draw_plot(values):
        screen.say(f"  {line}")
    begin, end = (datetime.fromtimestamp(series.points[n][0] / 1000, UTC) for n in (0, -1))
    low, high, last = (f"{spell_value(value)}{unit}" for value in (min(known), max(known), known[-1]))
    screen.say(
        f"  {begin:%H:%M:%S} to {end:%H:%M:%S} UTC, {series.interval_s} s a point: min {low}, max {high}, last {last}\n"
    )
