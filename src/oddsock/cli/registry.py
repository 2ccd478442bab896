"""The verbs, in the order a user meets them, and the group that imports a verb's file when it is wanted."""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import oddsock

VERBS = (
    "drill",
    "matrix",
    "up",
    "console",
    "down",
    "status",
    "env",
    "list",
    "faults",
    "heal",
    "reconcile",
    "mend",
    "report",
    "orders",
    "logs",
    "metrics",
    "events",
    "monitors",
    "doctor",
)

EPILOG = (
    "Exit codes: 0 nothing odd at the end, 1 odd left, 2 usage, 3 could not run, 4 could not heal. "
    "Completion for your shell: oddsock --install-completion."
)


class Verbs(TyperGroup):
    """A group whose commands are the files of this folder."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the verbs, in their order."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of the verb *cmd_name*, or None when there is none."""
        return load(cmd_name) if cmd_name in VERBS else None


def load(verb: str) -> Any:
    """The command that the function `command` in the file of *verb* describes."""
    module = importlib.import_module(f"oddsock.cli.{verb}")
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(verb, epilog=getattr(module, "EXAMPLES", None))(module.command)
    return get_command(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"oddsock {oddsock.__version__}")
        raise typer.Exit


def application() -> Any:
    """The whole command, its verbs not yet imported."""
    app = typer.Typer(
        name="oddsock",
        cls=Verbs,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=EPILOG,
    )

    @app.callback()
    def oddsock_(
        home: str = typer.Option(
            "", help="Folder of stacks and cases (else ODDSOCK_HOME, else ~/.local/state/oddsock).", show_default=False
        ),
        debug: bool = typer.Option(False, "--debug", help="Show the traceback of an unexpected error."),
        version: bool = typer.Option(
            False, "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ) -> None:
        """Break a running shop on purpose and account for every order."""

    return get_command(app)
