"""A mend from its order on the line: a plan from the evidence, or the whole recovery of the case on its cluster."""

import sys
from dataclasses import dataclass

import msgspec

from oddsock.cli import screen
from oddsock.cli.asking import ask_on_terminal
from oddsock.cli.healing import heal_and_say, heal_reachable
from oddsock.cli.options import REPLAYS
from oddsock.cli.running import run_to_end
from oddsock.cli.summary import exit_code, summarise
from oddsock.cli.target import Wanted, connect_to_case
from oddsock.cli.watching import choose_watcher
from oddsock.clients.kubernetes.cluster import Cluster
from oddsock.drill.access import open_access
from oddsock.drill.account import account_books, read_books
from oddsock.drill.case import Case, find_case
from oddsock.drill.evidence import EvidenceTaker
from oddsock.drill.evidence_files import load, phases_taken
from oddsock.drill.heal import unhealed_cases
from oddsock.drill.logbook import Logbook, NobodyWatches
from oddsock.drill.mend_action import MendOptions
from oddsock.drill.mend_plan import plan_mend
from oddsock.drill.plan import Plan, parse_plan
from oddsock.drill.plan_fields import Replay
from oddsock.drill.recovery import run_recovery
from oddsock.drill.report import write_report
from oddsock.drill.settle import await_settled
from oddsock.kit.clock import SystemClock
from oddsock.kit.errors import EXIT_ODD, EXIT_OK, UsageError
from oddsock.kit.settings import home

AFTER_HEAL = "after-heal"
AFTER_MEND = "after-mend"


@dataclass(frozen=True, kw_only=True)
class MendOrder:
    """What the line says."""

    case: str
    replay: str
    carried_over: bool
    wanted: Wanted
    json: bool


def show_it(order: MendOrder) -> int:
    """Show what would mend the case, from its evidence alone; 1 when there is something to mend or to decide."""
    case = find_case(home(), order.case or None)
    taken = [phase for phase in phases_taken(case) if phase in (AFTER_HEAL, AFTER_MEND)]
    if not taken:
        raise UsageError(f"Case {case.name} has no evidence from after its heal.", "`--apply` takes it first.")
    books = read_books(case, taken[-1])
    options = MendOptions(replay=_replay(order, _plan_of(case)), carried_over=order.carried_over)
    plan = plan_mend(account_books(books), books.ledger, options)
    if order.json:
        screen.say_json({"case": case.name, "phase": taken[-1], "plan": plan})
    else:
        for line in plan.text or ["Nothing is to be mended."]:
            screen.say(line)
        if plan.actions:
            screen.note(f"Nothing was done. `oddsock mend {case.name} --apply` does it.")
    return EXIT_ODD if plan.text else EXIT_OK


def apply_it(order: MendOrder) -> int:
    """Mend the case on its cluster, look again, write the report; the exit code of what is left odd."""
    case = find_case(home(), order.case or None)
    plan = _plan_of(case)
    mending = msgspec.structs.replace(plan.recovery.mend, apply=True, replay=_replay(order, plan))
    recovery = msgspec.structs.replace(plan.recovery, mend=mending)
    if any(entry.verb == "test_order" and entry.kind == "ok" for entry in case.history):
        recovery = msgspec.structs.replace(recovery, test_order=None)
    plan = msgspec.structs.replace(plan, recovery=recovery)
    run_to_end(_apply(case, plan, order), f"`oddsock mend {case.name} --apply` goes on where it was.")
    summary = summarise(case)
    if order.json:
        screen.say_json(summary)
    else:
        summary.show()
        screen.say(f"report: {summary.report}")
    return exit_code(summary)


async def _apply(case: Case, plan: Plan, order: MendOrder) -> None:
    await heal_reachable()
    cluster = await connect_to_case(case, order.wanted)
    try:
        case.lock()
        try:
            if any(one.path == case.path for one in unhealed_cases(home())):
                await heal_and_say(case, cluster)
            await _mend_on(cluster, case, plan, order)
        finally:
            case.unlock()
    finally:
        await cluster.close()


async def _mend_on(cluster: Cluster, case: Case, plan: Plan, order: MendOrder) -> None:
    clock = SystemClock(case.meta.speed)
    terminal = sys.stdout.isatty() and not order.json
    if load(case, AFTER_HEAL).orders.missing is not None:
        await _take_after_heal(cluster, case, plan)
    with choose_watcher(order.json, terminal) as watcher:
        ask = ask_on_terminal(watcher) if terminal and sys.stdin.isatty() else None
        await run_recovery(plan, cluster, case, clock, watcher, ask=ask, carried_over=order.carried_over)
    write_report(case)


async def _take_after_heal(cluster: Cluster, case: Case, plan: Plan) -> None:
    """A drill that was killed while the fault held has no evidence from after its heal: take it now."""
    clock = SystemClock(case.meta.speed)
    access = open_access(plan, cluster, clock)
    try:
        await await_settled(plan.settle_s, access.shop, clock, Logbook(case, clock, NobodyWatches()))
        await EvidenceTaker(case, cluster, access.shop, access.sessions).take(AFTER_HEAL)
    finally:
        await access.close()


def _plan_of(case: Case) -> Plan:
    """The plan the case ran, with the seed it was run with."""
    path = case.path / "plan.yaml"
    if not path.exists():
        raise UsageError(f"Case {case.name} has no plan, so it never began.", "Choose another case.")
    return msgspec.structs.replace(parse_plan(path.read_text(encoding="utf-8"), str(path)), seed=case.meta.seed)


def _replay(order: MendOrder, plan: Plan) -> Replay:
    if not order.replay:
        return plan.recovery.mend.replay
    if order.replay not in REPLAYS:
        raise UsageError(f"--replay cannot be {order.replay!r}.", f"It is one of {', '.join(REPLAYS)}.")
    return REPLAYS[order.replay]
