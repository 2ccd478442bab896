"""`oddsock doctor`: what this machine can do."""

from oddsock.cli.options import Json

EXAMPLES = """Examples:

\b
  oddsock doctor
  oddsock doctor --json | jq '.[] | select(.verdict != "ok")'
"""


def command(json: Json = False) -> None:
    """Say what this machine can do.

    Python, ports, disk, kubectl, faults; 3 when something essential is missing.
    """
    import typer

    from oddsock.cli import screen
    from oddsock.cli.machine import examine
    from oddsock.kit.errors import EXIT_CANNOT_RUN
    from oddsock.kit.settings import home

    symptoms = examine(home())
    if json:
        screen.say_json(symptoms)
    else:
        screen.say_table(("what", "verdict", "found"), [(one.what, one.verdict, one.found) for one in symptoms])
    if any(one.verdict == "missing" for one in symptoms):
        raise typer.Exit(EXIT_CANNOT_RUN)
