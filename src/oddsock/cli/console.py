"""`oddsock console`: the way into the console, in a browser."""

from typing import Annotated

import typer

from oddsock.cli.options import STACK, Json, Name

EXAMPLES = """Examples:

\\b
  oddsock console                the link into the console of the stack that is up; good once, for ten minutes
  oddsock console --open         opens it in a browser
  oddsock console --here         cases only, served by this terminal until Ctrl-C; no stack is needed
"""


def command(
    name: Name = STACK,
    open_: Annotated[bool, typer.Option("--open", help="Open the link in a browser.")] = False,
    here: Annotated[bool, typer.Option("--here", help="Serve one in this terminal, for the cases there are.")] = False,
    port: Annotated[int, typer.Option(help="Port for --here; 0 takes a free one.", min=0, max=65535)] = 0,
    json: Json = False,
) -> None:
    """Print the link into the console.

    `oddsock up` starts it beside the stack; a link is good once. Without a stack, or with --here, it is served by this
    terminal and shows the cases.
    """
    from oddsock.cli.entering import enter

    enter(name, open_, here, port, json)
