"""`oddsock monitors`: every monitor and the state it is in."""

from typing import TYPE_CHECKING

from oddsock.cli.options import STACK, Datadog, Json, Name

if TYPE_CHECKING:
    from oddsock.clients.datadog.records import Monitor

EXAMPLES = """Examples:

\b
  oddsock monitors
  oddsock monitors --json | jq '.monitors[] | select(.state != "OK")'
  oddsock monitors --datadog
"""


def command(json: Json = False, name: Name = STACK, datadog: Datadog = False) -> None:
    """List the monitors and their states.

    OK, Warn, Alert or No Data; those that are not OK first.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end

    monitors = sorted(run_to_end(_read(name, datadog)), key=lambda one: (one.state == "OK", one.name))
    if json:
        screen.say_json({"monitors": monitors})
        return
    rows = [(one.state or "-", one.name, one.type, one.query) for one in monitors]
    screen.say_table(("state", "monitor", "type", "query"), rows)


async def _read(name: str, datadog: bool) -> "list[Monitor]":
    from oddsock.cli.telemetry import open_telemetry

    async with open_telemetry(name, datadog) as door:
        return await door.monitors()
