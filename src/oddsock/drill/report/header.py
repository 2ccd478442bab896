"""Sections 1, 2 and 17: what this is and whose, three sentences for a chat, and how to get it again."""

from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Detection, Header, Impact, Odd, Recovery, Reproduce, Verdicts
from oddsock.drill.report.figure import plural
from oddsock.drill.report.rows import OrderRow
from oddsock.drill.report.window import last_instant, seconds_between
from oddsock.kit.clock import iso
from oddsock.kit.money import dollars

SPELLED = {
    "scale-to-zero": "was scaled to zero",
    "scale": "ran with another number of replicas",
    "delete-pods": "lost its pods",
    "set-env": "ran with a changed setting",
    "freeze-pods": "hung",
    "kill-pods": "was killed",
    "latency": "was slow",
    "http-error": "answered with errors",
    "reset": "had its connections reset",
    "drop-reply": "lost its replies",
    "black-hole": "could not be reached",
    "bandwidth": "was reached over a slow line",
}

ENDED = {
    "running": "unfinished: case.json still says running, so its owner was killed or is at work",
    "completed": "completed",
    "interrupted": "interrupted",
    "aborted": "aborted",
    "failed": "failed",
}


def make_header(context: Context, impact: Impact, odd: Odd) -> Header:
    """Who, what, when; the last instant is the case's own, so the same case always gives the same header."""
    meta, plan, window = context.files.meta, context.files.plan, context.window
    severity, rule = _rate(context, impact)
    last = last_instant(context.files)
    took = None
    if window and window.to_at:
        took = context.figures.duration(
            "header.window",
            seconds_between(window.from_at, window.to_at),
            context.speed,
            ["history.jsonl", "undo.jsonl"],
            "from the moment the fault was injected until it was healed",
        )
    return Header(
        title=str(plan.get("title") or meta.plan),
        incident=str(plan.get("incident") or ""),
        case=meta.name,
        plan=meta.plan,
        plan_sha256=context.files.digests.get("plan.yaml", ""),
        kind=meta.kind,
        status=meta.state,
        ended_how=meta.ended_how or ENDED[meta.state],
        severity=severity,
        severity_rule=rule,
        operator=meta.operator or str(plan.get("operator") or ""),
        owner=str(plan.get("owner") or ""),
        next_action=_next_action(context, odd),
        runbook=str(plan.get("runbook") or ""),
        started_at=meta.started_at,
        ended_at=meta.ended_at or (iso(last) if last else ""),
        window_from_at=window.from_at if window else "",
        window_to_at=window.to_at if window else "",
        window=took,
        seed=meta.seed,
        speed=meta.speed,
        mode=meta.mode,
        cluster=meta.cluster.server,
        cluster_own=meta.cluster.own,
        namespace=meta.namespace,
        versions={"oddsock": meta.version, "python": meta.python},
    )


def _rate(context: Context, impact: Impact) -> tuple[str, str]:
    declared = str(context.files.plan.get("severity") or "")
    if declared:
        return declared, f"as the plan says; {impact.failure_percent:g} % of the orders in the window failed"
    if not impact.orders_failed:
        return "P4", "no order failed"
    measured = "P1" if impact.failure_percent >= 50 else "P2"
    return measured, f"{impact.failure_percent:g} % of the orders in the window failed (P1 from 50 %)"


def _next_action(context: Context, odd: Odd) -> str:
    meta, files = context.files.meta, context.files
    healed = {row.get("id") for row in files.undo if row.get("kind") == "healed"}
    if any(row.get("kind") == "undo" and row.get("id") not in healed for row in files.undo):
        return f"Put back what the fault changed: `oddsock heal {meta.name}`"
    left = (odd.after_total if odd.after_taken else odd.before_total) or 0
    if left:
        return f"Mend {plural(left, 'odd order')}: `oddsock mend {meta.name} --apply`"
    if not odd.before_taken:
        return f"Run it again, this case holds no account: `oddsock drill {meta.plan}`"
    if files.share.get("accepted") is True:
        return f"Hold the post-mortem on {files.share.get('post_mortem_at') or 'a date to be found'}"
    return f"Share this report and call the post-mortem: `oddsock report {meta.name} --share`"


def summarise(
    context: Context,
    impact: Impact,
    odd: Odd,
    recovery: Recovery,
    verdicts: Verdicts,
    detection: Detection,
    orders: list[OrderRow],
) -> list[str]:
    """Three sentences that can be pasted into a chat as they are."""
    return [
        _what_happened(context, impact),
        _what_was_done(context, odd, recovery, orders),
        f"Fault: {verdicts.fault.label}; system: {verdicts.system.label}; cleanup: {verdicts.cleanup.label}"
        + _what_fired(context, detection),
    ]


def _what_fired(context: Context, detection: Detection) -> str:
    if not context.window:
        return "."
    if not detection.monitors:
        return "; no monitor exists in this run, so nothing would have fired."
    if detection.after is None:
        return f"; none of {plural(detection.monitors, 'monitor')} fired."
    return f"; “{detection.monitor}” fired first, {detection.after.text} after the fault."


def _what_happened(context: Context, impact: Impact) -> str:
    window = context.window
    if window is None:
        return f"No fault was injected; {plural(len(context.files.attempts), 'order')} were placed and accounted for."
    took = next((span.duration for span in impact.times if span.name == "fault in force"), None)
    away = f"{window.target} {SPELLED.get(window.fault, f'was under {window.fault}')}"
    away += f" for {took.text}" if took else ""
    if not impact.orders_attempted:
        return f"{away} and nobody ordered."
    return (
        f"{away[0].upper()}{away[1:]}: {impact.orders_failed} of {plural(impact.orders_attempted, 'order')} from "
        f"{plural(impact.customers_affected, 'customer')} failed, {dollars(impact.at_risk_cents)} at risk, "
        f"{'an unknown number' if impact.shown_wrong is None else impact.shown_wrong} shown as “Shipped”, "
        f"{impact.untold} untold."
    )


def _what_was_done(context: Context, odd: Odd, recovery: Recovery, orders: list[OrderRow]) -> str:
    state = context.files.meta.state
    if not odd.before_taken:
        return f"The case is {state} and holds no evidence after the heal, so no order is accounted for in it."
    carried = odd.carried_over_total
    apart = f"; {carried} carried over from before, counted apart" if carried else ""
    if not odd.after_taken:
        return f"{odd.before_total} odd after the heal; no mend was checked in this run{apart}."
    failed = [row for row in orders if row.failed]
    done = (
        f"{recovery.paid} paid and shipped ({dollars(recovery.collected_cents)}), {recovery.declined} cancelled as "
        f"declined ({dollars(recovery.declined_cents)})"
        if failed
        else f"nothing was to be mended: {plural(len(context.unplaced), 'failed attempt')} left no order"
        if context.unplaced
        else "nothing had failed"
    )
    return f"After the mend {done}; odd {odd.before_total} → {odd.after_total}{apart}."


def tell_how_to_repeat(context: Context) -> Reproduce:
    """The commands, and what this run does not show."""
    meta = context.files.meta
    speed = f"{meta.speed:g}"
    limits = [
        "Dates are the run's own; offsets are the plan's. Plan time is wall time multiplied by the speed.",
        "The same seed gives the same customers, carts and order of operations; instants and ids differ.",
    ]
    if not any(answer.present for answer in context.files.answers.values()):
        limits.append("No telemetry was asked in this run, so nothing is said of metrics and monitors.")
    if context.files.meta.cluster.own:
        limits.append("The cluster is one machine; its nodes are two names of it.")
    return Reproduce(
        commands=[f"oddsock drill {meta.plan} --seed {meta.seed} --speed {speed}{_other_switches(context)}"],
        verify=f"oddsock report --verify {meta.name}",
        limits=limits,
    )


def _other_switches(context: Context) -> str:
    """The switches that the command line named beside the plan's, as it named them."""
    planned = (context.files.plan.get("steady_state") or {}).get("switches") or {}
    told = next((entry.value.get("switches") or {} for entry in context.files.entries("drill", "note")), {})
    return "".join(f" --switch {name}={value}" for name, value in told.items() if planned.get(name) != value)
