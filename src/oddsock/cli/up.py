"""`oddsock up`: boot the cluster and the shop."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import STACK, Json, Name

if TYPE_CHECKING:
    from oddsock.stack.boot import KeptBy
    from oddsock.stack.state import StackState

EXAMPLES = """Examples:

\b
  oddsock up                     stays in this terminal; Ctrl-C takes everything down
  oddsock up --detach            leaves it running; `oddsock down` ends it
  oddsock up --detach --name second --speed 30
  oddsock up --dialect weave --profile upstream     the shop as its makers wrote it
"""


class Dialect(StrEnum):
    """Whose wire the shop speaks."""

    POWER = "power"
    WEAVE = "weave"


class Profile(StrEnum):
    """How the shop stores an order."""

    INCIDENT_3 = "incident-3"
    UPSTREAM = "upstream"


class NetworkMode(StrEnum):
    """How pods and Services are reached."""

    AUTO = "auto"
    NS = "ns"
    PORTS = "ports"


def command(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave the stack running and return.")] = False,
    name: Name = STACK,
    speed: Annotated[float, typer.Option(help="Plan seconds in one wall second.", min=0.1, max=100)] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the API server; 0 takes a free one.", min=0, max=65535)] = 0,
    no_zygote: Annotated[bool, typer.Option("--no-zygote", help="Execute every pod instead of forking it.")] = False,
    network: Annotated[
        NetworkMode,
        typer.Option(help="ns: real names and cluster IPs (Linux); ports: 127.0.0.1 only; auto: ns if it can."),
    ] = NetworkMode.AUTO,
    dialect: Annotated[
        Dialect, typer.Option(help="power: the fork that the report ran; weave: the upstream.")
    ] = Dialect.POWER,
    profile: Annotated[
        Profile, typer.Option(help="incident-3: save first, with a status; upstream: pay, ship, save last.")
    ] = Profile.INCIDENT_3,
    json: Json = False,
) -> None:
    """Boot a cluster with the Sock Shop on this machine.

    Waits until every service is available, and stays in this terminal unless it is told to detach.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.kit.settings import home
    from oddsock.stack.boot import Stack

    async def start(kept_by: "KeptBy") -> Stack:
        return await Stack.start(
            home(),
            name,
            speed=speed,
            port=port,
            kept_by=kept_by,
            forks=not no_zygote,
            network=network.value,
            switches={"DIALECT": dialect.value, "ORDER_PROFILE": profile.value},
        )

    async def boot_and_stay() -> None:
        async with await start("terminal") as stack:
            _show(stack.state, json)
            screen.note("Ctrl-C takes it down.")
            await stack.wait_for_end()

    if not detach:
        run_to_end(boot_and_stay(), f"Stack {name} is down.")
        return
    stack = run_to_end(start("itself"), "Nothing is left running.")
    _show(stack.state, json)


def _show(state: "StackState", json: bool) -> None:
    from oddsock.cli import screen

    if json:
        screen.say_json(state)
        return
    screen.say(f"Stack {state.name} is up at speed {state.speed:g} (network mode {state.mode}).")
    screen.say(f"storefront  {state.storefront}")
    screen.say(f"kubeconfig  {state.kubeconfig}")
    suffix = "" if state.name == STACK else f" --name {state.name}"
    screen.say(f'kubectl     eval "$(oddsock env{suffix})" && kubectl -n {state.namespace} get pods')
