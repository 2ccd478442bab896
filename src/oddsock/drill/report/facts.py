"""The facts of a report: every section computed once, in the order in which one rests on another."""

from oddsock.drill.exports import ExportCheck, check_exports
from oddsock.drill.predicate import Predicate
from oddsock.drill.report.accounts import list_invariants, list_sums, measure_odd
from oddsock.drill.report.cause import explain_cause
from oddsock.drill.report.closure import check_closure
from oddsock.drill.report.comparison import compare
from oddsock.drill.report.context import Context
from oddsock.drill.report.customers import list_customers
from oddsock.drill.report.detection import describe_detection
from oddsock.drill.report.document import SCHEMA, Report
from oddsock.drill.report.header import make_header, summarise, tell_how_to_repeat
from oddsock.drill.report.impact import measure_impact
from oddsock.drill.report.lessons import draw_lessons
from oddsock.drill.report.log_probes import list_log_probes
from oddsock.drill.report.logs import list_sequences
from oddsock.drill.report.orders import list_orders
from oddsock.drill.report.plots import list_plots
from oddsock.drill.report.probe import Probe, judge
from oddsock.drill.report.recovery import measure_recovery
from oddsock.drill.report.remedies import list_remedies
from oddsock.drill.report.rows import Expectation, OrderRow
from oddsock.drill.report.state_probes import list_state_probes
from oddsock.drill.report.telemetry_probes import list_telemetry
from oddsock.drill.report.verdicts import judge_case
from oddsock.drill.timeline import Book, TimelineRow, build_timeline


def collect_facts(context: Context) -> Report:
    """The whole report as data; reads nothing but the context and the exports beside it."""
    orders = list_orders(context)
    exports = check_exports(context.files.path / "exports", expected_exports(context)) if context.last else []
    impact = measure_impact(context, orders)
    odd = measure_odd(context)
    verdicts = judge_case(context, impact, odd, orders)
    cause = explain_cause(context, impact, orders)
    detection = describe_detection(context)
    recovery = measure_recovery(context, orders, odd, exports)
    sequences = list_sequences(context)
    attempts = list_sums(context)
    evidence = _judge_evidence(context, exports)
    return Report(
        schema=SCHEMA,
        header=make_header(context, impact, odd),
        summary=summarise(context, impact, odd, recovery, verdicts, detection, orders),
        verdicts=verdicts,
        impact=impact,
        timeline=_timeline(context, orders),
        orders=orders,
        attempts=attempts,
        odd=odd,
        customers=list_customers(context),
        cause=cause,
        detection=detection,
        recovery=recovery,
        invariants=list_invariants(context),
        evidence=evidence,
        plots=list_plots(context),
        log_sequences=sequences,
        comparison=compare(context, impact, recovery, detection, orders, exports),
        remedies=list_remedies(context.files.path, context.files.meta.plan),
        lessons=draw_lessons(context, impact, odd, recovery, verdicts, orders, detection),
        closure=check_closure(context, verdicts, impact, cause, recovery, orders, evidence, sequences, exports),
        reproduce=tell_how_to_repeat(context),
        figures=dict(sorted(context.figures.rows.items())),
        files=context.files.digests,
    )


def expected_exports(context: Context) -> dict[str, list[str]]:
    """The order ids that each export must hold: the failed ones by the account of attempts, all by the orders' book."""
    return {"orders": sorted(context.orders(context.last)), "failed-orders": sorted(context.failed_ids)}


def _judge_evidence(context: Context, exports: list[ExportCheck]) -> list[Expectation]:
    exported = next((check.found for check in exports if check.name == "exports/failed-orders.json"), None)
    first = [judge(context, place, probe) for place, probe in enumerate(_plan_probes(context))]
    first += list_telemetry(context, len(first))
    kept = [*list_log_probes(context, exported), *list_state_probes(context)]
    return first + [judge(context, place, probe) for place, probe in enumerate(kept, start=len(first))]


def _plan_probes(context: Context) -> list[Probe]:
    """The plan's own expectations, looked up among the figures; one that names no figure has no evidence.

    What is not expected with the remedies that are in force is left out, and the others keep their numbers.
    """
    probes = []
    for n, text in enumerate(context.files.plan.get("expectations") or [], start=1):
        try:
            predicate = Predicate.parse(str(text))
        except ValueError:
            continue
        if not predicate.is_asked(context.files.remedies):
            continue
        figure = context.figures.rows.get(predicate.figure)
        actual = figure.value if figure and isinstance(figure.value, int | float) else None
        probes.append(
            Probe(
                id=f"P{n}",
                group="Plan",
                kind="state",
                query=predicate.figure,
                comparison=predicate.comparison,
                expected=predicate.number,
                actual=actual,
                unit=figure.unit if figure else "",
                learnt="As the plan expects.",
                otherwise="The plan expects otherwise.",
                source=", ".join(figure.source.files) if figure else "no such figure",
            )
        )
    return probes


def _timeline(context: Context, orders: list[OrderRow]) -> list[TimelineRow]:
    files, window = context.files, context.window
    return build_timeline(
        Book(
            history=files.history,
            attempts=files.attempts,
            undo=files.undo,
            evidence=list(files.evidence.values()),
            order_of_attempt=context.order_of_attempt,
            customer_of_order={row.id: row.customer for row in orders},
            cents_of_order={row.id: row.total_cents for row in orders},
            target=window.target if window else "",
            origin=window.from_at if window else "",
            speed=files.speed,
        )
    )
