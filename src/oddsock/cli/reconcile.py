"""`oddsock reconcile`: account for every order, of a case or of the shop as it stands."""

from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import SHOP, STACK, Case, Context, Json, Kubeconfig, Name, Namespace

if TYPE_CHECKING:
    from oddsock.cli.target import Wanted
    from oddsock.drill.case import Case as DrillCase
    from oddsock.drill.verdict import Account

EXAMPLES = """Examples:

\b
  oddsock reconcile                     the shop as it stands, into a new case
  oddsock reconcile latest              the last phase of the latest case
  oddsock reconcile CASE --phase after-heal --json
"""

LATEST = "latest"


def command(
    case: Case = "",
    phase: Annotated[
        str, typer.Option(help="before, during, after-heal or after-mend; else the last.", show_default=False)
    ] = "",
    name: Name = STACK,
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    namespace: Namespace = SHOP,
    json: Json = False,
) -> None:
    """Account for every order; 1 when something is odd.

    Each is balanced, odd by class, not placed or indeterminate. Without CASE the shop is taken as it stands: its books
    go into a new case, and what customers tried is not known to it.
    """
    from oddsock.cli import screen
    from oddsock.cli.running import run_to_end
    from oddsock.cli.target import Wanted
    from oddsock.drill.account import account
    from oddsock.drill.case import find_case
    from oddsock.kit.errors import EXIT_ODD
    from oddsock.kit.settings import home

    if case:
        found = find_case(home(), None if case == LATEST else case)
    else:
        wanted = Wanted(name=name, kubeconfig=kubeconfig, context=context, namespace=namespace)
        found = run_to_end(_gather(wanted))
    reckoned = account(found, _choose_phase(found, phase))
    if json:
        screen.say_json({"case": found.name, "account": reckoned})
    else:
        _show(found, reckoned)
    if reckoned.odd:
        raise typer.Exit(EXIT_ODD)


def _choose_phase(case: "DrillCase", wanted: str) -> str:
    from oddsock.drill.evidence_files import phases_taken
    from oddsock.kit.errors import UsageError

    taken = phases_taken(case)
    if wanted and wanted not in taken:
        raise UsageError(
            f"Case {case.name} has no evidence of phase {wanted!r}.", f"It has {', '.join(taken) or 'none'}."
        )
    if not taken:
        raise UsageError(f"Case {case.name} has no evidence.", "It ended before any was taken.")
    return wanted or taken[-1]


def _show(case: "DrillCase", reckoned: "Account") -> None:
    from oddsock.cli import screen

    counts = ("attempts", "balanced", "odd", "not_placed", "indeterminate", "carried_over")
    rows = [(name.replace("_", " "), getattr(reckoned, name)) for name in counts]
    screen.say_table((f"case {case.name}, {reckoned.phase}", ""), rows, right=(1,))
    odd = [outcome for outcome in reckoned.outcomes if outcome.findings]
    if odd:
        screen.say()
        lines = [
            (
                outcome.order_id or ", ".join(outcome.attempts),
                "carried over" if outcome.carried_over else outcome.headline,
                f"{finding.check} {finding.class_name}: {finding.sentence}",
            )
            for outcome in odd
            for finding in outcome.findings
        ]
        screen.say_table(("order", "headline", "finding"), lines)
    doubts = [(each.id, each.class_name, each.reason) for each in reckoned.checks if each.verdict == "unknown"]
    if doubts:
        screen.say()
        screen.say_table(("check", "class", "cannot tell, because"), doubts)


async def _gather(wanted: "Wanted") -> "DrillCase":
    """A new case that holds the evidence of the shop as it stands; nobody's attempts are known to it."""
    import getpass

    from oddsock.cli.healing import open_cluster
    from oddsock.drill.access import open_access
    from oddsock.drill.case import Case as DrillCase
    from oddsock.drill.case import ClusterMeta
    from oddsock.drill.evidence import EvidenceTaker
    from oddsock.drill.plan import parse_plan
    from oddsock.kit.clock import SystemClock
    from oddsock.kit.files import write_whole
    from oddsock.kit.settings import home

    clock = SystemClock()
    async with open_cluster(wanted) as cluster:
        text = f"name: reconcile\ntitle: The shop as it stands\nnamespace: {cluster.namespace}\n"
        meta = ClusterMeta(server=cluster.server, own=False, stack="" if wanted.is_other else wanted.name)
        made = DrillCase.create(
            home(),
            "reconcile",
            kind="reconcile",
            namespace=cluster.namespace,
            cluster=meta,
            operator=getpass.getuser(),
        )
        access = open_access(parse_plan(text), cluster, clock)
        try:
            write_whole(made.path / "plan.yaml", text)
            missing = await EvidenceTaker(made, cluster, access.shop, access.sessions).take("after-heal")
            made.end("completed", f"no evidence of {', '.join(missing)}" if missing else "every book was read")
        except BaseException:
            made.end("failed", "the evidence could not be taken")
            raise
        finally:
            await access.close()
            made.unlock()
    return made
