"""`oddsock logs`: search the logs, as Datadog does."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import STACK, Datadog, Json, Name
from oddsock.kit.errors import UsageError

if TYPE_CHECKING:
    from oddsock.clients.datadog.door import TelemetryDoor
    from oddsock.clients.datadog.records import Log

EXAMPLES = """Examples:

\b
  oddsock logs 'kube_namespace:sock-shop service:sock-shop-orders "status updated to PAYMENT_FAILED"'
  oddsock logs 'service:sock-shop-payment' --from now-3h --csv > payment.csv
  oddsock logs 'status:error' --follow
  oddsock logs '"Connection refused"' --from now-3h --datadog
"""

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

FOLLOW_POLL_S = 1.0
LATE_S = 30
"""How late a line may arrive, in wall seconds, and still be followed."""


def command(
    query: Annotated[str, typer.Argument(help="What to search for, in Datadog's language.", metavar="QUERY")] = "*",
    from_: Annotated[
        str, typer.Option("--from", help="ISO 8601, or from now on back: now-15m, now-3h, now/d.", metavar="TIME")
    ] = "now-15m",
    to: Annotated[str, typer.Option("--to", help="The same.", metavar="TIME")] = "now",
    limit: Annotated[int, typer.Option(help="How many lines at most; the newest.", min=1, max=10_000)] = 1000,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write comma-separated values instead.")] = False,
    json: Json = False,
    name: Name = STACK,
    datadog: Datadog = False,
) -> None:
    """Search the logs.

    With Datadog's search language, in the stack's own store or in the real Datadog; oldest line first. A mistake in
    QUERY is told with the column where it stands.
    """
    from oddsock.cli.running import run_to_end

    if csv and json:
        raise UsageError("--csv and --json cannot both be written to one stdout.", "Choose one.")
    if follow and (csv or json):
        raise UsageError("--follow has no end, so it writes lines for people only.", "Leave --csv or --json out.")
    run_to_end(_search(query, from_, to, limit, follow, _writer(csv, json), name, datadog))


def _writer(csv: bool, json: bool) -> "type[_Lines]":
    return _Csv if csv else _Json if json else _Lines


async def _search(
    query: str, from_: str, to: str, limit: int, follow: bool, write: "type[_Lines]", name: str, datadog: bool
) -> None:
    from oddsock.cli import screen
    from oddsock.cli.telemetry import open_telemetry

    async with open_telemetry(name, datadog, query) as door:
        found = await door.search_logs(query, from_, to, limit, newest_first=True)
        rows = found.rows[::-1]
        write.say(rows)
        for warning in found.warnings:
            screen.note(f"warning: {warning}")
        if not found.is_whole:
            screen.note(f"These are the newest {len(rows)}; --limit shows more.")
        if follow:
            await _follow(door, query, {row.id for row in rows})


async def _follow(door: "TelemetryDoor", query: str, seen: set[str]) -> None:
    """Say what comes until the task is cancelled; lines that arrive late are told when they do."""
    from oddsock.kit.clock import SystemClock

    clock = SystemClock()
    while True:
        await clock.sleep(FOLLOW_POLL_S)
        found = await door.search_logs(query, f"now-{LATE_S}s", "now", 10_000)
        _Lines.say([row for row in found.rows if row.id not in seen])
        # Ids older than what is asked for can never come again.
        seen = {row.id for row in found.rows} | (seen if len(seen) < 20_000 else set())


class _Lines:
    """Lines for people."""

    @staticmethod
    def say(rows: "list[Log]") -> None:
        """One line each: when, who, how bad, what."""
        from oddsock.cli import screen

        for row in rows:
            who = row.tag("pod_name") or row.service or row.host
            screen.say(f"{row.at}  {row.status or '-':<7}  {who}  {_harmless(row.message)}")


class _Json(_Lines):
    """One document."""

    @staticmethod
    def say(rows: "list[Log]") -> None:
        """The rows as they are."""
        from oddsock.cli import screen

        screen.say_json({"logs": rows})


class _Csv(_Lines):
    """Comma-separated values."""

    @staticmethod
    def say(rows: "list[Log]") -> None:
        """A heading and one record a line; a message may have several lines."""
        from oddsock.cli import screen
        from oddsock.clients.datadog.log_table import write_table

        screen.say(write_table(rows).rstrip("\n"))


def _harmless(text: str) -> str:
    # A line may hold colours, and whatever else could move a terminal's cursor.
    text = _COLOUR.sub("", text)
    return "".join(one for one in text if one.isprintable() or one in "\n\t")
