"""`oddsock matrix`: what each recommendation is worth, measured with the same orders and the same faults."""

from typing import Annotated

import typer

from oddsock.cli.options import Json

EXAMPLES = """Examples:

\b
  oddsock matrix incident-3 --quick         a handful of cells
  oddsock matrix payment-reply-lost         all cells under three seeds
  oddsock matrix crash-after-charge --cells none,resume,all,all-resume
  oddsock matrix my-plan.yaml --resume      goes on where the last one stopped
  oddsock matrix incident-3 --json > matrix.json

Exit codes: 0 all cells measured, 1 some cells failed, 2 usage, 3 could not run.
"""


def command(
    plan: Annotated[
        str, typer.Argument(help="A plan's file, or the name of one that comes with oddsock.", metavar="PLAN")
    ],
    seeds: Annotated[int, typer.Option(help="Seeds, from the plan's own on.", min=1, max=20)] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Only none, retry, retry+idempotency and all.")] = False,
    cells: Annotated[
        str, typer.Option(help="Only these, such as none,retry,all-saga.", metavar="NAMES", show_default=False)
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Keep the cells that are measured already.")] = False,
    json: Json = False,
) -> None:
    """Measure what each recommendation is worth.

    Runs PLAN with no remedy, each alone, all, each left out, and two pairs; every cell on a fresh stack with the same
    orders and faults, its case kept. The books are judged, nothing is mended. Writes Markdown, HTML and JSON.
    """
    from oddsock.cli.measuring import measure_matrix

    raise typer.Exit(measure_matrix(plan, seeds=seeds, quick=quick, told=cells, resume=resume, json=json))
