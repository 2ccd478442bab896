"""`oddsock status`: what is up, and what is still broken."""

from typing import TYPE_CHECKING, Any

from oddsock.cli.options import STACK, Json, Name

if TYPE_CHECKING:
    from oddsock.stack.state import StackState

EXAMPLES = """Examples:

\b
  oddsock status
  oddsock status --json | jq -r .services.orders
"""


def command(name: Name = STACK, json: Json = False) -> None:
    """Show a stack: addresses, deployments, what is broken.

    Also names the cases that are not healed yet.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.kit.settings import home
    from oddsock.stack.state import require

    state = require(home(), name)
    document = run_to_end(_look(state))
    if json:
        screen.say_json(document)
        return
    screen.say(f"Stack {name} is {document['state']} at speed {state.speed:g} (network mode {state.mode}).")
    screen.say(f"storefront  {state.storefront}")
    screen.say(f"kubeconfig  {state.kubeconfig}")
    if state.telemetry:
        lost = ", ".join(child.name for child in state.children if not child.is_alive)
        screen.say(f"telemetry   {state.telemetry}{f' (ended: {lost})' if lost else ''}")
    if state.console:
        screen.say(f"console     {state.console} (enter by `oddsock console`)")
    screen.say("")
    deployments = document["deployments"]
    rows = [
        (one["name"], f"{one['available']}/{one['replicas']}", state.services.get(one["name"], ""))
        for one in deployments
    ]
    screen.say_table(("deployment", "available", "service"), rows, right=(1,))
    for case in document["unhealed"]:
        screen.say(f"\nNot healed: {case}. Run `oddsock heal {case}`.")


async def _look(state: "StackState") -> dict[str, Any]:
    """What `--json` shows: the stack's state, with its deployments as they are now and the unhealed cases."""
    from oddsock.cli.healing import open_cluster
    from oddsock.cli.target import Wanted
    from oddsock.drill.heal import unhealed_cases
    from oddsock.kit.settings import home

    wanted = Wanted(name=state.name, kubeconfig="", context="", namespace=state.namespace)
    async with open_cluster(wanted) as cluster:
        deployments = await cluster.deployments()
    ready = all(one.available >= one.replicas for one in deployments)
    return {
        "name": state.name,
        "state": "running" if ready else "degraded",
        "kubeconfig": state.kubeconfig,
        "storefront": state.storefront,
        "services": state.services,
        "speed": state.speed,
        "mode": state.mode,
        "namespace": state.namespace,
        "server": state.server,
        "pid": state.pid,
        "started_at": state.started_at,
        "telemetry": state.telemetry,
        "console": state.console,
        "deployments": [
            {"name": one.name, "replicas": one.replicas, "ready": one.ready, "available": one.available}
            for one in deployments
        ],
        "unhealed": [case.path.name for case in unhealed_cases(home(), with_kept=True)],
    }
