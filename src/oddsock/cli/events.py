"""`oddsock events`: the event stream."""

from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import STACK, Datadog, Json, Name

if TYPE_CHECKING:
    from oddsock.clients.datadog.records import Event

EXAMPLES = """Examples:

\b
  oddsock events
  oddsock events 'sources:kubernetes kube_namespace:sock-shop tags:deployment:payment' --from now-3h
  oddsock events 'source:alert' --json
"""


def command(
    query: Annotated[str, typer.Argument(help="What to search for; everything when left out.", metavar="QUERY")] = "*",
    from_: Annotated[
        str, typer.Option("--from", help="ISO 8601, or from now on back: now-15m, now-3h, now/d.", metavar="TIME")
    ] = "now-1h",
    to: Annotated[str, typer.Option("--to", help="The same.", metavar="TIME")] = "now",
    limit: Annotated[int, typer.Option(help="How many events at most.", min=1, max=10_000)] = 1000,
    json: Json = False,
    name: Name = STACK,
    datadog: Datadog = False,
) -> None:
    """Show the event stream.

    Scalings, pods that start and end, monitors that fire; oldest first.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end

    events = run_to_end(_read(query, from_, to, limit, name, datadog))
    if json:
        screen.say_json({"events": events})
        return
    rows = [(event.at, event.source, event.alert_type, event.title, _first_line(event.text)) for event in events]
    screen.say_table(("at", "source", "type", "title", "text"), rows)


async def _read(query: str, from_: str, to: str, limit: int, name: str, datadog: bool) -> "list[Event]":
    from oddsock.cli.telemetry import open_telemetry

    async with open_telemetry(name, datadog, query) as door:
        return await door.search_events(query, from_, to, limit)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:160]
