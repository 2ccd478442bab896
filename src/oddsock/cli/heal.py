"""`oddsock heal`: put back what a drill that was killed left broken."""

from typing import TYPE_CHECKING, Any

from oddsock.cli.options import SHOP, STACK, Case, Context, Json, Kubeconfig, Namespace

if TYPE_CHECKING:
    from oddsock.cli.target import Wanted

EXAMPLES = """Examples:

\b
  oddsock heal                   every case that was not healed
  oddsock heal 20251030-082400-incident-3
  oddsock heal CASE --context kind-sockshop     a case of another cluster
"""


def command(
    case: Case = "",
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Namespace = SHOP,
    json: Json = False,
) -> None:
    """Put back what killed drills left changed.

    Only fields that still hold the injected value are put back, to what was there before; what somebody changed
    meanwhile is left to them and named.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.cli.target import Wanted

    wanted = Wanted(name=STACK, kubeconfig=kubeconfig, context=context, namespace=namespace)
    done = run_to_end(_heal_all(case, wanted), "Run it again to finish.")
    if json:
        screen.say_json(done)
        return
    for one in done:
        screen.say(f"{one['case']}: {one['sentence']}")
    if not done:
        screen.say("Nothing is left to heal.")


async def _heal_all(name: str, wanted: "Wanted") -> list[dict[str, Any]]:
    from oddsock.cli.healing import GONE, bury_the_dead, heal_and_say, is_on_a_stack_that_ended
    from oddsock.cli.target import connect_to_case
    from oddsock.drill.case import find_case
    from oddsock.drill.heal import unhealed_cases
    from oddsock.kit.settings import home

    chosen = find_case(home(), name).path if name else None
    done: list[dict[str, Any]] = []
    for case in unhealed_cases(home(), with_kept=True):
        if chosen not in (None, case.path):
            continue
        if is_on_a_stack_that_ended(case):
            done.append({"case": case.name, "result": "nothing", "sentence": GONE})
            continue
        cluster = await connect_to_case(case, wanted)
        try:
            for healed in await heal_and_say(case, cluster):
                sentence = f"{healed.sentence} (fault {healed.id})"
                done.append({"case": case.name, "fault": healed.id, "result": healed.result, "sentence": sentence})
        finally:
            await cluster.close()
    bury_the_dead()
    return done
