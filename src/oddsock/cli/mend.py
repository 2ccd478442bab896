"""`oddsock mend`: what would mend a case, and, with --apply, mend it and prove it."""

from typing import Annotated

import typer

from oddsock.cli.options import SHOP, STACK, Case, Context, Json, Kubeconfig, Namespace

EXAMPLES = """Examples:

\b
  oddsock mend                          what would be done for the latest case, and done by nobody
  oddsock mend CASE --apply             does it; again changes nothing
  oddsock mend CASE --apply --replay latest
"""


def command(
    case: Case = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, the plan is only shown.")] = False,
    replay: Annotated[
        str, typer.Option(help="Which suspected re-attempts are charged: all, latest or ask.", show_default=False)
    ] = "",
    carried_over: Annotated[
        bool, typer.Option("--carried-over", help="Also orders that were odd before the fault.")
    ] = False,
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Namespace = SHOP,
    json: Json = False,
) -> None:
    """Show what would mend a case, or mend it.

    With --apply it is done through the shop, looked at again, and proved: mending again would change nothing.
    """
    from oddsock.cli.mending import MendOrder, apply_it, show_it
    from oddsock.cli.target import Wanted

    order = MendOrder(
        case=case,
        replay=replay,
        carried_over=carried_over,
        wanted=Wanted(name=STACK, kubeconfig=kubeconfig, context=context, namespace=namespace),
        json=json,
    )
    raise typer.Exit(apply_it(order) if apply else show_it(order))
