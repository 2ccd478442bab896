"""`oddsock orders`: the shop's orders as they stand now."""

from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import SHOP, STACK, Context, Json, Kubeconfig, Name, Namespace
from oddsock.kit.errors import UsageError

if TYPE_CHECKING:
    from oddsock.cli.target import Wanted
    from oddsock.clients.sockshop.books import Order

EXAMPLES = """Examples:

\b
  oddsock orders
  oddsock orders --failed --csv > failed-orders.csv
  oddsock orders --json | jq '.orders[].status'
"""

FAILED = "PAYMENT_FAILED"


def command(
    failed: Annotated[bool, typer.Option("--failed", help=f"Only orders that are {FAILED}.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write comma-separated values instead.")] = False,
    json: Json = False,
    name: Name = STACK,
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Namespace = SHOP,
) -> None:
    """List the shop's orders.

    With status, total and shipment; cards only by their last four digits.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.cli.target import Wanted
    from oddsock.drill.exports import export_row, render_export
    from oddsock.kit.money import dollars

    if csv and json:
        raise UsageError("--csv and --json cannot both be written to one stdout.", "Choose one.")
    wanted = Wanted(name=name, kubeconfig=kubeconfig, context=context, namespace=namespace)
    orders = [order for order in run_to_end(_read(wanted)) if not failed or order.status == FAILED]
    if csv or json:
        text = render_export([export_row(order, None) for order in orders], "csv" if csv else "json")
        screen.say(text.rstrip("\n"))
        return
    rows = [
        (one.id, one.username, one.placed_at, one.status, dollars(one.total_cents), one.shipment_id or "")
        for one in orders
    ]
    screen.say_table(("order", "customer", "placed", "status", "total", "shipment"), rows, right=(4,))


async def _read(wanted: "Wanted") -> list["Order"]:
    from oddsock.cli.healing import open_cluster
    from oddsock.clients.sockshop.doors import ClusterDoors
    from oddsock.clients.sockshop.shop import Shop

    async with open_cluster(wanted) as cluster:
        shop = Shop(ClusterDoors(cluster))
        try:
            return sorted(await shop.orders(), key=lambda order: (order.placed_at, order.id))
        finally:
            await shop.close()
