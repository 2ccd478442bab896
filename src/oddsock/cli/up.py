"""`oddsock up`: boot the cluster and the shop."""

from enum import StrEnum
from typing import Annotated

import typer

from oddsock.cli.options import STACK, Json, Name, Remedies
from oddsock.cli.up_order import PORTS, SPEEDS, UpOrder

EXAMPLES = """Examples:

\b
  oddsock up                     stays in this terminal; Ctrl-C takes everything down
  oddsock up --detach            leaves it running; `oddsock down` ends it
  oddsock up --detach --name second --speed 30
  oddsock up --log-pipeline      levels and trace ids of the logs are read, as in no legacy shop
  oddsock up --remedies all      the shop as the report recommends it
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
    speed: Annotated[float, typer.Option(help="Plan seconds in one wall second.", min=SPEEDS[0], max=SPEEDS[1])] = 1.0,
    port: Annotated[
        int, typer.Option(help="Port of the API server; 0 takes a free one.", min=PORTS[0], max=PORTS[1])
    ] = 0,
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
    no_telemetry: Annotated[bool, typer.Option("--no-telemetry", help="Without store and agent.")] = False,
    no_alerts: Annotated[bool, typer.Option("--no-alerts", help="Without the shipped monitors.")] = False,
    log_pipeline: Annotated[
        bool, typer.Option("--log-pipeline", help="With the shipped log pipelines, which read level and trace.")
    ] = False,
    ship_to_datadog: Annotated[
        bool,
        typer.Option("--ship-to-datadog", help="The agent ships to the real Datadog of DD_SITE and DD_API_KEY."),
    ] = False,
    no_console: Annotated[bool, typer.Option("--no-console", help="Without the console.")] = False,
    remedies: Remedies = "",
    json: Json = False,
) -> None:
    """Boot a cluster with the Sock Shop on this machine.

    Waits until every service is available, and stays in this terminal unless it is told to detach.
    """
    from oddsock.cli.booting import boot

    boot(
        UpOrder(
            detach=detach,
            name=name,
            speed=speed,
            port=port,
            no_zygote=no_zygote,
            network=network.value,
            dialect=dialect.value,
            profile=profile.value,
            no_telemetry=no_telemetry,
            no_alerts=no_alerts,
            log_pipeline=log_pipeline,
            ship_to_datadog=ship_to_datadog,
            no_console=no_console,
            remedies=remedies,
            json=json,
        )
    )
