"""The command line as Markdown, read from the command's own tree; docs/cli.md holds it."""

import textwrap
from typing import Any

from oddsock.cli.registry import VERBS, load


def reference() -> str:
    """One section a verb: what it does, its arguments and options, its examples."""
    return "\n\n".join(_section(verb, load(verb)) for verb in VERBS)


def _section(verb: str, command: Any) -> str:
    context = command.context_class(command, info_name=f"oddsock {verb}")
    parts = [f"### oddsock {verb}", f"`{' '.join(command.get_usage(context).removeprefix('Usage: ').split())}`"]
    parts.append(_unwrapped(command.help or ""))
    rows = [record for parameter in command.params if (record := parameter.get_help_record(context))]
    if rows:
        lines = ["| argument or option | meaning |", "| --- | --- |"]
        lines += [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows]
        parts.append("\n".join(lines))
    if command.epilog:
        parts.append(_unwrapped(command.epilog))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _unwrapped(text: str) -> str:
    blocks = []
    for block in textwrap.dedent(text).strip().split("\n\n"):
        if block.startswith("\b"):
            blocks.append(f"```\n{textwrap.dedent(block.lstrip(chr(8)).strip(chr(10)))}\n```")
        else:
            blocks.append(" ".join(block.split()))
    return "\n\n".join(blocks)
