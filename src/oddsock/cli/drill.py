"""`oddsock drill`: run a plan, account for every order, mend, prove, report."""

from typing import Annotated

import typer

from oddsock.cli.options import STACK, Context, Datadog, Json, Kubeconfig, Name, Remedies

EXAMPLES = """Examples:

\b
  oddsock drill incident-3                  on a stack of its own, or on the one that is up
  oddsock drill my-plan.yaml --speed 60 --no-mend
  oddsock drill incident-3 --remedies all              every recommendation of the report on; or retry,idempotency
  oddsock drill incident-3 --switch TRACE_LOGS=on      one trace id finds an order in every service
  oddsock drill incident-3 --json > result.json
  oddsock drill incident-3 --context kind-sockshop     in a namespace annotated oddsock.dev/drills=allowed

The last line is `report: PATH`. Ctrl-C heals at once. Exit codes: 0 nothing odd left, 1 odd left, 2 usage,
3 could not run, 4 could not heal.
"""


def command(
    plan: Annotated[
        str, typer.Argument(help="A plan's file, or the name of one that comes with oddsock.", metavar="PLAN")
    ],
    speed: Annotated[
        float | None,
        typer.Option(help="Plan seconds in one wall second; else the stack's, else the plan's.", min=0.1, max=1000),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of customers and load; else the plan's.", min=0)] = None,
    name: Name = STACK,
    mend: Annotated[
        bool | None, typer.Option("--mend/--no-mend", help="Apply the mend, or only plan it; else as the plan says.")
    ] = None,
    replay: Annotated[
        str,
        typer.Option(
            help="Charge suspected re-attempts: all, latest or ask; else as the plan says.", show_default=False
        ),
    ] = "",
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="The shop's namespace; else the plan's.", show_default=False)
    ] = "",
    switch: Annotated[
        list[str] | None,
        typer.Option(help="A switch of the shop, beside the plan's; may be given several times.", metavar="NAME=VALUE"),
    ] = None,
    remedies: Remedies = "",
    datadog: Datadog = False,
    json: Json = False,
) -> None:
    """Run a plan: break, account, mend, prove, report.

    Breaks the shop as PLAN says while customers buy, accounts for every order, mends what is odd, proves that nothing
    odd is left, and writes the incident report. What PLAN asks of telemetry is asked of the stack's own store. Takes
    the stack that is up, or boots one for itself.
    """
    from oddsock.cli.drilling import DrillOrder, drill

    order = DrillOrder(
        plan=plan,
        speed=speed,
        seed=seed,
        name=name,
        mend=mend,
        replay=replay,
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        switches=tuple(switch or ()),
        remedies=remedies,
        datadog=datadog,
        json=json,
    )
    raise typer.Exit(drill(order))
