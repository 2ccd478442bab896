"""What no type can say of a plan's questions to telemetry: ids that stand twice, figures no answer has."""

import re
from collections.abc import Iterator, Sequence

from oddsock.drill.plan_complaint import suggest
from oddsock.drill.plan_source import Step
from oddsock.drill.plan_telemetry import (
    DASHBOARD_FIGURES,
    EVENT_FIGURES,
    LOG_FIGURES,
    METRIC_FIGURES,
    PLACEHOLDER,
    VIEW_FIGURES,
    TelemetryPlan,
)
from oddsock.drill.predicate import Predicate
from oddsock.drill.remedies import remedies

Mistake = tuple[list[Step], str]

_BRACES = re.compile(r"\{(?:order|trace|pod)\b[^}]*\}?")


def find_telemetry_mistakes(plan: TelemetryPlan) -> Iterator[Mistake]:
    """Every mistake as the place where it stands and one sentence."""
    where: list[Step] = ["evidence", "telemetry"]
    yield from _ids(where, plan)
    for at, question in enumerate(plan.queries):
        yield from _placeholders([*where, "queries", at, "query"], question.query)
        yield from _figures([*where, "queries", at, "expect"], question.expect, LOG_FIGURES)
    for at, metric in enumerate(plan.metrics):
        yield from _placeholders([*where, "metrics", at, "query"], metric.query)
        for span in ("before", "during", "after"):
            yield from _figures([*where, "metrics", at, span], getattr(metric, span), METRIC_FIGURES)
    for at, view in enumerate(plan.views):
        yield from _figures([*where, "views", at, "expect"], view.expect, VIEW_FIGURES[view.kind])
    for at, event in enumerate(plan.events):
        yield from _figures([*where, "events", at, "expect"], event.expect, EVENT_FIGURES)
    for at, dashboard in enumerate(plan.dashboards):
        yield from _figures([*where, "dashboards", at, "expect"], dashboard.expect, DASHBOARD_FIGURES)


def _ids(where: list[Step], plan: TelemetryPlan) -> Iterator[Mistake]:
    seen: set[str] = set()
    for part in ("queries", "metrics", "views", "events", "dashboards"):
        for at, question in enumerate(getattr(plan, part)):
            if question.id in seen:
                yield [*where, part, at, "id"], f"The question {question.id} stands twice in the plan."
            seen.add(question.id)


def _placeholders(where: list[Step], query: str) -> Iterator[Mistake]:
    for found in _BRACES.finditer(query):
        if not PLACEHOLDER.fullmatch(found[0]):
            yield where, f"`{found[0]}` is nothing a run fills in; write {{order 1}}, {{trace 1}} or {{pod orders}}."


def _figures(where: list[Step], wanted: Sequence[Predicate], known: Sequence[str]) -> Iterator[Mistake]:
    for at, predicate in enumerate(wanted):
        figure = predicate.figure
        if not any(figure == name or (name.endswith(".") and figure.startswith(name)) for name in known):
            names = ", ".join(f"{name}NAME" if name.endswith(".") else name for name in known)
            yield [*where, at], f"An answer has no figure `{figure}`, only {names}{suggest(figure, known)}"
    yield from find_remedy_mistakes(where, wanted)


def find_remedy_mistakes(where: list[Step], wanted: Sequence[Predicate]) -> Iterator[Mistake]:
    """The remedies that the predicates *wanted* name and that are none, or none that a switch of the shop is."""
    known = [row.name for row in remedies().values() if row.switches]
    for at, predicate in enumerate(wanted):
        for name in (*predicate.needed, *predicate.unless):
            if name not in known:
                yield [*where, at], f"There is no remedy {name}, only {', '.join(known)}{suggest(name, known)}"
