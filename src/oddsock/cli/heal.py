"""`oddsock heal`: put back what a drill that was killed left broken."""

from typing import TYPE_CHECKING, Any

from oddsock.cli.options import SHOP, STACK, Case, Context, Json, Kubeconfig, Namespace

if TYPE_CHECKING:
    from oddsock.cli.target import Wanted
    from oddsock.drill.case import Case as DrillCase

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
    """Put back what killed drills left changed: fields that still hold the injected value, to what was there before."""
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
    from oddsock.drill.case import find_case
    from oddsock.drill.heal import unhealed_cases
    from oddsock.kit.settings import home

    chosen = find_case(home(), name).path if name else None
    done: list[dict[str, Any]] = []
    for case in unhealed_cases(home()):
        if chosen not in (None, case.path):
            continue
        if is_on_a_stack_that_ended(case):
            done.append({"case": case.name, "result": "nothing", "sentence": GONE})
            continue
        cluster = await _connect(case, wanted)
        try:
            for healed in await heal_and_say(case, cluster):
                sentence = f"{healed.sentence} (fault {healed.id})"
                done.append({"case": case.name, "fault": healed.id, "result": healed.result, "sentence": sentence})
        finally:
            await cluster.close()
    bury_the_dead()
    return done


async def _connect(case: "DrillCase", wanted: "Wanted") -> Any:
    """The cluster of *case*: the one on the line, else the stack that still answers where the case says."""
    from dataclasses import replace

    from oddsock.cli.healing import name_its_cluster
    from oddsock.cli.target import connect
    from oddsock.kit.settings import home
    from oddsock.stack.state import living

    if wanted.is_other:
        return await connect(wanted)
    for state in living(home()):
        if state.server == case.meta.cluster.server:
            return await connect(replace(wanted, name=state.name))
    raise name_its_cluster(case)
