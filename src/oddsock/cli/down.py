"""`oddsock down`: end a stack and everything it runs."""

from typing import Annotated

import typer

from oddsock.cli.options import STACK, Name

EXAMPLES = """Examples:

\b
  oddsock down
  oddsock down --name second
"""


def command(
    name: Name = STACK,
    keep_books: Annotated[
        bool, typer.Option("--keep-books", help="Leave the services' books for the next up.")
    ] = False,
) -> None:
    """End a stack and everything it runs.

    The cases and the log stay; the services' books go with it unless they are to be kept.
    """
    from oddsock.cli import screen
    from oddsock.kit.settings import home
    from oddsock.stack.boot import stop

    if stop(home(), name, keep_books):
        screen.say(f"Stack {name} is down.")
    else:
        screen.say(f"No stack named {name} was up.")
