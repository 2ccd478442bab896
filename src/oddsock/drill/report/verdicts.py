"""Section 3: did the fault take effect, did the system hold, is the cleanup complete: three separate answers."""

from typing import Any

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Impact, Odd, Verdicts
from oddsock.drill.report.figure import plural
from oddsock.drill.report.folder import AFTER_HEAL, AFTER_MEND, BEFORE, DURING
from oddsock.drill.report.rows import OrderRow, VerdictLine
from oddsock.drill.report.state_probes import (
    count_refused,
    deployment_number,
    scaled_to_zero,
    target_addresses,
    target_pods,
)
from oddsock.drill.verdict import Verdict

Numbers = dict[str, int | float | str | None]


def judge_case(context: Context, impact: Impact, odd: Odd, orders: list[OrderRow]) -> Verdicts:
    """The three verdicts with the numbers behind them; what has no evidence is "unknown", never "ok"."""
    return Verdicts(
        fault=_judge_fault(context),
        system=_judge_system(context, impact, odd),
        cleanup=_judge_cleanup(context, orders),
    )


def _line(verdict: Verdict, label: str, sentence: str, numbers: Numbers) -> VerdictLine:
    return VerdictLine(verdict=verdict, label=label, sentence=sentence, numbers=numbers)


def _judge_fault(context: Context) -> VerdictLine:
    window, during = context.window, context.files.evidence[DURING]
    if window is None:
        planned = context.files.plan.get("faults")
        if planned:
            return _line("odd", "not injected", "The plan has a fault and the history holds none in force.", {})
        return _line("ok", "no fault planned", "This run has no fault: a clean run, to see that nothing is odd.", {})
    pods, addresses = target_pods(during, window.target), target_addresses(during, window.target)
    replicas = deployment_number(during, window.target, "replicas")
    ready = deployment_number(during, window.target, "ready")
    refused = count_refused(context)
    numbers: Numbers = {
        "pods": pods,
        "endpoints": addresses,
        "replicas": replicas,
        "ready": ready,
        "refused_calls": refused,
    }
    if not scaled_to_zero(context):
        sentence = f"{window.fault} on {window.target}: {window.effect or 'its effect was not written down'}."
        if window.took_effect is None:
            return _line("unknown", "not shown", sentence, numbers)
        label = "took effect" if window.took_effect else "did not take effect"
        return _line("ok" if window.took_effect else "odd", label, sentence, numbers)
    if pods is None or addresses is None or replicas is None:
        return _line(
            "unknown", "not shown", "No evidence of the cluster was taken while the fault was in force.", numbers
        )
    sentence = (
        f"During the fault {window.target} had {plural(pods, 'pod')}, {plural(addresses, 'endpoint')}, "
        f"deployment {ready}/{replicas}; {refused if refused is not None else 'unknown many'} of "
        f"{plural(len(context.failed_ids), 'failed order')} met a refused connection."
    )
    if pods == addresses == replicas == 0:
        return _line("ok", "took effect", sentence, numbers)
    return _line("odd", "did not take effect", sentence, numbers)


def _judge_system(context: Context, impact: Impact, odd: Odd) -> VerdictLine:
    numbers: Numbers = {
        "orders_attempted": impact.orders_attempted,
        "orders_failed": impact.orders_failed,
        "odd": odd.before_total,
        "untold": impact.untold,
        "shown_wrong": impact.shown_wrong,
    }
    count = odd.before_total or 0
    sentence = (
        f"{impact.orders_failed} of {plural(impact.orders_attempted, 'order')} failed; "
        + (f"{count} odd after the heal" if odd.before_taken else "no account could be made")
        + f"; {plural(impact.untold, 'attempt')} left untold, "
        + ("no page was read." if impact.shown_wrong is None else f"{impact.shown_wrong} shown as “Shipped”.")
    )
    if impact.orders_failed or count:
        return _line("odd", "did not hold", sentence, numbers)
    if not odd.before_taken:
        return _line("unknown", "not known", sentence, numbers)
    if context.window is not None and not impact.orders_attempted:
        return _line("unknown", "not tested", "Nobody ordered while the fault was in force.", numbers)
    return _line("ok", "held", sentence, numbers)


def _judge_cleanup(context: Context, orders: list[OrderRow]) -> VerdictLine:
    files = context.files
    faults = [row for row in files.undo if row.get("kind") == "undo"]
    healed = {row.get("id"): row for row in files.undo if row.get("kind") == "healed"}
    open_faults = [row for row in faults if row.get("id") not in healed]
    left = [item for row in healed.values() for item in row.get("left") or []]
    later = AFTER_MEND if files.has(AFTER_MEND, "deployments") else AFTER_HEAL
    changed = _changed_deployments(context, later)
    kept = [row for row in orders if row.group == "synthetic" and row.captured_cents != row.refunded_cents]
    numbers: Numbers = {
        "faults": len(faults),
        "healed": len(faults) - len(open_faults),
        "fields_left": len(left),
        "deployments_changed": len(changed) if changed is not None else None,
        "test_orders_unrefunded": len(kept),
    }
    problems = [f"{row.get('id')} was never healed" for row in open_faults]
    problems += [_spell_left(item) for item in left]
    problems += [f"{name} has {now} replicas, before it had {was}" for name, was, now in changed or []]
    problems += [f"test order {row.id} was not refunded" for row in kept]
    if problems:
        return _line("odd", "not complete", f"Not all is as it was: {'; '.join(problems)}.", numbers)
    if changed is None and faults:
        return _line(
            "unknown", "not shown", "Every fault was healed by its journal; the cluster was not read after.", numbers
        )
    sentence = (
        f"{plural(len(faults), 'fault')} healed, every deployment has the replicas it had before, "
        f"{plural(sum(1 for row in orders if row.group == 'synthetic'), 'test order')} refunded."
    )
    return _line("ok", "complete", sentence, numbers)


def _spell_left(item: Any) -> str:
    return str(item.get("sentence") or f"{item.get('path')} was left as it is") if isinstance(item, dict) else str(item)


def _changed_deployments(context: Context, later: str) -> list[tuple[str, int, int]] | None:
    before, after = context.files.evidence[BEFORE].deployments, context.files.evidence[later].deployments
    if not before.present or not after.present:
        return None
    was = {str(row.get("name")): int(row.get("replicas") or 0) for row in before.rows}
    now = {str(row.get("name")): int(row.get("replicas") or 0) for row in after.rows}
    return [(name, was[name], now.get(name, 0)) for name in was if now.get(name, 0) != was[name]]
