"""`oddsock down`: end a stack and everything it runs."""

from oddsock.cli.options import STACK, Name

EXAMPLES = """Examples:

\b
  oddsock down
  oddsock down --name second
"""


def command(name: Name = STACK) -> None:
    """End a stack: its services, its control plane; its cases, logs and books stay."""
    from oddsock.cli import screen
    from oddsock.kit.settings import home
    from oddsock.stack.boot import stop

    if stop(home(), name):
        screen.say(f"Stack {name} is down.")
    else:
        screen.say(f"No stack named {name} was up.")
