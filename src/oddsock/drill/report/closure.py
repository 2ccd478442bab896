"""Section 16: the closure checklist; a line is ticked by a check of the machine or it is not ticked."""

from oddsock.drill.exports import ExportCheck
from oddsock.drill.report.context import Context
from oddsock.drill.report.document import Cause, Impact, Recovery, Verdicts
from oddsock.drill.report.figure import plural
from oddsock.drill.report.rows import ClosureLine, Expectation, LogSequence, OrderRow


def check_closure(
    context: Context,
    verdicts: Verdicts,
    impact: Impact,
    cause: Cause,
    recovery: Recovery,
    orders: list[OrderRow],
    evidence: list[Expectation],
    sequences: list[LogSequence],
    exports: list[ExportCheck],
) -> list[ClosureLine]:
    """The hand-written report's nine lines, each with the proof that ticks it or what is missing."""
    return [
        _reproduced(verdicts, impact),
        _documented(context, orders),
        _caused(cause),
        _queries(evidence, sequences),
        _step("Service restored", recovery, 1),
        _verified(recovery),
        _exported(exports),
        _shared(context),
        _scheduled(context),
    ]


def _reproduced(verdicts: Verdicts, impact: Impact) -> ClosureLine:
    done = verdicts.fault.verdict == "ok" and impact.orders_failed > 0
    proof = f"Fault {verdicts.fault.label}; {plural(impact.orders_failed, 'order')} failed in its window."
    return ClosureLine(name="Incident reproduced successfully", done=done, proof=proof)


def _documented(context: Context, orders: list[OrderRow]) -> ClosureLine:
    rows = [row for row in orders if row.failed]
    whole = [row for row in rows if row.id and row.lines and row.statuses and row.total_cents]
    done = bool(rows) and len(whole) == len(context.failed_attempts)
    proof = f"{len(whole)} of {plural(len(context.failed_attempts), 'failed attempt')} with lines, total and history."
    return ClosureLine(name="Failed orders documented", done=done, proof=proof)


def _caused(cause: Cause) -> ClosureLine:
    seen = [claim for claim in cause.mechanism if claim.seen == "seen"]
    done = cause.trigger.seen == "seen" and bool(cause.mechanism) and len(seen) == len(cause.mechanism)
    proof = f"Trigger {cause.trigger.seen}; {len(seen)} of {plural(len(cause.mechanism), 'step')} of the mechanism."
    return ClosureLine(name="Root cause identified", done=done, proof=proof)


def _queries(evidence: list[Expectation], sequences: list[LogSequence]) -> ClosureLine:
    ran = [row for row in evidence if row.verdict != "no evidence"]
    seen = [row for row in ran if row.verdict == "seen"]
    logs = [row for row in ran if row.kind == "log"]
    whole = [row for row in sequences if row.complete]
    # A validated query is one whose answer is known, "not seen" included; logs and state must both have answered.
    done = bool(logs) and any(row.kind == "state" for row in ran) and bool(whole) and len(whole) == len(sequences)
    proof = (
        f"{len(ran)} of {plural(len(evidence), 'query', 'queries')} answered ({len(seen)} as expected); "
        f"{len(whole)} of {plural(len(sequences), 'order')} with its five log lines in order."
    )
    return ClosureLine(name="Queries validated (logs and state)", done=done, proof=proof)


def _step(name: str, recovery: Recovery, n: int) -> ClosureLine:
    step = next(step for step in recovery.steps if step.n == n)
    return ClosureLine(name=name, done=step.done, proof=step.proof)


def _verified(recovery: Recovery) -> ClosureLine:
    health, order = recovery.steps[1], recovery.steps[2]
    return ClosureLine(
        name="Recovery verified with a successful order",
        done=health.done and order.done,
        proof=order.proof if health.done else health.proof,
    )


def _exported(exports: list[ExportCheck]) -> ClosureLine:
    problems = [check.problem for check in exports if check.problem]
    counts = ", ".join(f"{check.name} {check.found}" for check in exports)
    proof = "; ".join(problems) or counts or "there were no orders to export"
    return ClosureLine(name="Failed orders exported", done=bool(exports) and not problems, proof=f"{proof}.")


def _shared(context: Context) -> ClosureLine:
    share = context.files.share
    done = share.get("accepted") is True
    proof = f"{share.get('server')} accepted it at {share.get('at')} for {', '.join(share.get('to') or [])}."
    missing = str(share.get("error") or "No server accepted it yet (oddsock report --share).")
    return ClosureLine(name="Incident report shared with the team", done=done, proof=proof if done else missing)


def _scheduled(context: Context) -> ClosureLine:
    share = context.files.share
    done = share.get("accepted") is True and bool(share.get("post_mortem_at"))
    proof = f"Invitation for {share.get('post_mortem_at')} was accepted with the report."
    return ClosureLine(
        name="Post-mortem scheduled", done=done, proof=proof if done else "No invitation was accepted by a server yet."
    )
