"""`oddsock env`: what a shell needs to point kubectl and Datadog's clients at the stack."""

import shlex

from oddsock.cli.options import STACK, Json, Name

EXAMPLES = """Examples:

\b
  eval "$(oddsock env)"          then: kubectl -n sock-shop get pods
  oddsock env --json             also the keys of its telemetry
"""


def command(name: Name = STACK, json: Json = False) -> None:
    """Print what a shell needs to use kubectl and Datadog's clients.

    Sets KUBECONFIG to the stack's own file; ~/.kube/config is never touched. DD_ and DATADOG_ variables lead Datadog's
    clients to the stack's telemetry.
    """
    from oddsock.cli import screen
    from oddsock.kit.settings import home
    from oddsock.stack.state import folder, require
    from oddsock.stack.telemetry import client_environment, read_keys

    state = require(home(), name)
    variables = {"KUBECONFIG": state.kubeconfig, "ODDSOCK_STOREFRONT": state.storefront}
    if state.telemetry:
        variables |= client_environment(state.telemetry, read_keys(folder(home(), name)))
    if json:
        screen.say_json(variables)
        return
    for variable, value in variables.items():
        screen.say(f"export {variable}={shlex.quote(value)}")
