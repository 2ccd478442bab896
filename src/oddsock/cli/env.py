"""`oddsock env`: what a shell needs to point kubectl at the stack."""

import shlex

from oddsock.cli.options import STACK, Json, Name

EXAMPLES = """Examples:

\b
  eval "$(oddsock env)"          then: kubectl -n sock-shop get pods
  oddsock env --json
"""


def command(name: Name = STACK, json: Json = False) -> None:
    """Print what a shell needs to use kubectl.

    Sets KUBECONFIG to the stack's own file; ~/.kube/config is never touched.
    """
    from oddsock.cli import screen
    from oddsock.kit.settings import home
    from oddsock.stack.state import require

    state = require(home(), name)
    variables = {"KUBECONFIG": state.kubeconfig, "ODDSOCK_STOREFRONT": state.storefront}
    if json:
        screen.say_json(variables)
        return
    for variable, value in variables.items():
        screen.say(f"export {variable}={shlex.quote(value)}")
