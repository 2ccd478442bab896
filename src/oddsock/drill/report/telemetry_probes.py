"""What the plan asked of telemetry: each question with its text, what was expected, what came, and what was learnt."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from oddsock.drill.plan import decode_value
from oddsock.drill.plan_telemetry import (
    DashboardQuestion,
    EventQuestion,
    LogQuestion,
    MetricQuestion,
    TelemetryPlan,
    ViewQuestion,
)
from oddsock.drill.predicate import Predicate
from oddsock.drill.report.context import Context
from oddsock.drill.report.rows import Expectation, Seen
from oddsock.drill.report.telemetry_lessons import (
    explain_beyond,
    lead_outages,
    learn_of_events,
    learn_of_logs,
    learn_of_metric,
)
from oddsock.drill.report.telemetry_links import link_console, link_datadog
from oddsock.drill.telemetry_figures import (
    Figures,
    dashboard_figures,
    event_figures,
    log_figures,
    metric_figures,
    view_figures,
)
from oddsock.drill.telemetry_files import Answer
from oddsock.drill.telemetry_span import Span, read_span

GROUPS = {
    "log": "Telemetry: logs",
    "metric": "Telemetry: metrics",
    "view": "Telemetry: views during the fault",
    "event": "Telemetry: events",
    "dashboard": "Telemetry: dashboards",
}

NOT_ASKED = Answer(id="", kind="", missing="it was not asked: the drill ended before")

Judged = tuple[str, Predicate, float | None]
"""The stretch of time a predicate is about (empty: the window), the predicate, and the number found."""


def read_asked(plan: Mapping[str, Any]) -> TelemetryPlan:
    """What a case's plan asks of telemetry; nothing when it asks nothing, or what nobody understands."""
    asked = (plan.get("evidence") or {}).get("telemetry") or {}
    try:
        return msgspec.convert(asked, TelemetryPlan, dec_hook=decode_value)
    except msgspec.ValidationError:
        return TelemetryPlan()


def list_telemetry(context: Context, first: int) -> list[Expectation]:
    """A row a question, part by part in the plan's order; *first* is the first one's place in the report."""
    span = read_span(context.files.history)
    asked = read_asked(context.files.plan)
    if span is None or asked.is_empty:
        return []
    rows = [
        *(_logs(context, one, span) for one in asked.queries),
        *(_metric(context, one, span) for one in asked.metrics),
        *(_view(context, one) for one in asked.views),
        *(_events(context, one, span) for one in asked.events),
        *(_dashboard(context, one) for one in asked.dashboards),
    ]
    return [_finish(context, place, row) for place, row in enumerate(rows, start=first)]


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A question on its way to become a row."""

    question: Any
    kind: str
    page: str
    answer: Answer
    judged: list[Judged]
    main: tuple[str, float | None]
    learnt: list[str]
    files: list[str]
    beyond: list[str] = []


def _finish(context: Context, place: int, row: _Row) -> Expectation:
    answer, question = row.answer, row.question
    verdict = _verdict(row.judged, answer)
    name, value = row.main
    if answer.present and value is not None:
        rule = f"{answer.asked or answer.written}: {name}"
        context.figures.count(f"evidence[{place}].actual", int(value), name, row.files, rule)
        others = [one for one in row.judged if one[1].figure != name]
        rest = [_spell(part, predicate.figure, number) for part, predicate, number in others]
        actual = "; ".join(dict.fromkeys([f"{int(value)} {name}", *rest]))
    else:
        actual = "no evidence"
    learnt = [question.lesson] if question.lesson else []
    learnt = [*row.learnt, *learnt] if answer.present else [f"No evidence: {str(answer.missing).rstrip('.')}.", *learnt]
    expected = "; ".join(f"{part} {predicate}".strip() for part, predicate, _ in row.judged)
    return Expectation(
        id=question.id,
        group=GROUPS[row.kind],
        kind=row.kind,
        name=question.name,
        query=answer.written or answer.asked,
        asked=answer.asked,
        command=_command(row.kind, answer.asked),
        expected=expected or "nothing in particular",
        actual=actual,
        verdict=verdict,
        learnt=" ".join(learnt) or {"seen": "As expected.", "not seen": "Not as expected."}.get(verdict, ""),
        source=", ".join(row.files),
        console_url=link_console(row.page, answer) if answer.asked else "",
        datadog_url=link_datadog(row.page, answer) if answer.asked else "",
        beyond=row.beyond,
    )


def _verdict(judged: Sequence[Judged], answer: Answer) -> Seen:
    if not answer.present:
        return "no evidence"
    held = [None if number is None else predicate.holds(number) for _, predicate, number in judged]
    if any(one is False for one in held):
        return "not seen"
    return "no evidence" if any(one is None for one in held) else "seen"


def _spell(part: str, figure: str, number: float | None) -> str:
    told = "no evidence" if number is None else f"{number:.4g}" if number < 1e5 else f"{number:,.0f}"
    return f"{part} {figure} {told}".strip()


def _command(kind: str, asked: str) -> str:
    verbs = {"log": "logs", "metric": "metrics", "event": "events"}
    return f"oddsock {verbs[kind]} '{asked}'" if kind in verbs and asked else ""


def _judge(context: Context, figures: Figures, wanted: Sequence[Predicate], part: str = "") -> list[Judged]:
    asked = [predicate for predicate in wanted if predicate.is_asked(context.files.remedies)]
    return [(part, predicate, figures.get(predicate.figure)) for predicate in asked]


def _files(*answers: Answer | None) -> list[str]:
    return [answer.file for answer in answers if answer is not None and answer.id]


def _logs(context: Context, question: LogQuestion, span: Span) -> _Row:
    answers = context.files.answers
    window, past = answers.get(f"{question.id}-window"), answers.get(f"{question.id}-past")
    figures = log_figures(window, past, span, context.failed_ids)
    return _Row(
        question=question,
        kind="log",
        page="log",
        answer=window or msgspec.structs.replace(NOT_ASKED, written=question.query),
        judged=_judge(context, figures, question.expect),
        main=("lines.window", figures.get("lines.window")),
        learnt=learn_of_logs(context, window, past, span),
        files=_files(window, past),
        beyond=explain_beyond(context, past, span),
    )


def _metric(context: Context, question: MetricQuestion, span: Span) -> _Row:
    answers = context.files.answers
    run, confirmed = answers.get(f"{question.id}-run"), answers.get(f"{question.id}-confirmed")
    figures = metric_figures(run, confirmed, span, lead_outages(context), context.speed)
    judged = [
        *_judge(context, figures.before, question.before, "before"),
        *_judge(context, figures.during, question.during, "during"),
        *_judge(context, figures.after, question.after, "after"),
    ]
    return _Row(
        question=question,
        kind="metric",
        page="metric",
        answer=run or msgspec.structs.replace(NOT_ASKED, written=question.query),
        judged=judged,
        main=("points during", figures.during.get("points")),
        learnt=learn_of_metric(run, figures),
        files=_files(run, confirmed, answers.get(f"{question.id}-past")),
    )


def _view(context: Context, question: ViewQuestion) -> _Row:
    answer = context.files.answers.get(question.id)
    names = [predicate.figure.partition(".")[2] for predicate in question.expect]
    figures = view_figures(answer, question.kind, names)
    return _Row(
        question=question,
        kind="view",
        page=question.kind,
        answer=answer or msgspec.structs.replace(NOT_ASKED, written=question.filter),
        judged=_judge(context, figures, question.expect),
        main=(question.kind, len(answer.rows) if answer else None),
        learnt=[],
        files=_files(answer),
    )


def _events(context: Context, question: EventQuestion, span: Span) -> _Row:
    answer = context.files.answers.get(question.id)
    figures = event_figures(answer, span)
    return _Row(
        question=question,
        kind="event",
        page="event",
        answer=answer or msgspec.structs.replace(NOT_ASKED, written=question.query),
        judged=_judge(context, figures, question.expect),
        main=("events.window", figures.get("events.window")),
        learnt=learn_of_events(answer),
        files=_files(answer),
    )


def _dashboard(context: Context, question: DashboardQuestion) -> _Row:
    answer = context.files.answers.get(question.id)
    figures = dashboard_figures(answer)
    unanswered = [row for row in (answer.rows if answer else []) if not row.get("answered")]
    return _Row(
        question=question,
        kind="dashboard",
        page="dashboard",
        answer=answer or msgspec.structs.replace(NOT_ASKED, written=question.title),
        judged=_judge(context, figures, question.expect),
        main=("widgets", figures.get("widgets")),
        learnt=[f"{row.get('title') or row.get('type')} was not answered: {row.get('why')}." for row in unanswered],
        files=_files(answer),
    )
