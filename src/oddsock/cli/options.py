"""Options that several verbs take, with one wording each."""

from typing import Annotated, Literal

import typer

from oddsock.stack.state import DEFAULT_NAME

Name = Annotated[str, typer.Option("--name", help="Which stack, where several are up.", metavar="STACK")]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document instead.")]
Kubeconfig = Annotated[
    str,
    typer.Option("--kubeconfig", help="Another cluster, by its kubeconfig file.", metavar="FILE", show_default=False),
]
Context = Annotated[
    str, typer.Option("--context", help="Another cluster, by a context of that kubeconfig.", show_default=False)
]
Datadog = Annotated[
    bool, typer.Option("--datadog", help="Ask the real Datadog of DD_SITE, DD_API_KEY and DD_APP_KEY instead.")
]
Remedies = Annotated[
    str,
    typer.Option(
        help="Which recommendations are on: none, all, or names with commas; else as the shop is.",
        metavar="NAMES",
        show_default=False,
    ),
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="The shop's namespace on that cluster.")]
Case = Annotated[
    str, typer.Argument(help="A case's name or folder; the latest when left out.", metavar="CASE", show_default=False)
]

REPLAYS: dict[str, Literal["all", "latest", "ask"]] = {"all": "all", "latest": "latest", "ask": "ask"}
STACK = DEFAULT_NAME
SHOP = "sock-shop"
