"""`oddsock doctor`: what this machine can do, and a cluster that is named."""

from oddsock.cli.options import SHOP, STACK, Context, Json, Kubeconfig, Namespace

EXAMPLES = """Examples:

\b
  oddsock doctor
  oddsock doctor --context kind-sockshop        what that cluster lacks
  oddsock doctor --json | jq '.[] | select(.verdict != "ok")'
"""


def command(
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Namespace = SHOP,
    json: Json = False,
) -> None:
    """Say what this machine can do.

    Python, ports, disk, kubectl, faults, and of a cluster that is named what it lacks; 3 when something essential is
    missing.
    """
    import typer

    from oddsock.cli import screen
    from oddsock.cli.machine import examine
    from oddsock.kit.errors import EXIT_CANNOT_RUN
    from oddsock.kit.settings import home

    symptoms = examine(home())
    if kubeconfig or context:
        import asyncio

        from oddsock.cli.cluster_symptoms import examine_named
        from oddsock.cli.target import Wanted

        wanted = Wanted(name=STACK, kubeconfig=kubeconfig, context=context, namespace=namespace)
        symptoms += asyncio.run(examine_named(wanted))
    if json:
        screen.say_json(symptoms)
    else:
        screen.say_table(("what", "verdict", "found"), [(one.what, one.verdict, one.found) for one in symptoms])
    if any(one.verdict == "missing" for one in symptoms):
        raise typer.Exit(EXIT_CANNOT_RUN)
