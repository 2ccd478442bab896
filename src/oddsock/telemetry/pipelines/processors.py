"""The kinds of processor: each reads its JSON once and answers the step that changes a draft.

A kind that Datadog has and this store does not apply is kept as it was given and answers no step.
"""

import re
from collections.abc import Callable

from oddsock.telemetry.pipelines.arithmetic import read_expression
from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft
from oddsock.telemetry.pipelines.errors import PipelineError
from oddsock.telemetry.pipelines.filters import read_filter
from oddsock.telemetry.pipelines.grok.parser import grok_parser
from oddsock.telemetry.pipelines.remappers import (
    Step,
    attribute_remapper,
    date_remapper,
    message_remapper,
    service_remapper,
    status_remapper,
    text_of,
    trace_id_remapper,
)

PROCESSORS_MAX = 100
PIPELINES_DEEP_MAX = 2
"""A pipeline inside a pipeline, and no deeper, as in Datadog."""

NOT_APPLIED = (
    "array-processor",
    "array-map-processor",
    "decoder-processor",
    "geo-ip-parser",
    "lookup-processor",
    "schema-processor",
    "span-id-remapper",
    "url-parser",
    "user-agent-parser",
)
"""Kinds that are stored and given back, and leave every log as it is."""

_REFERENCE = re.compile(r"%\{([^{}]*)\}")


def category_processor(body: Body) -> Step:
    """Set the target to the name of the first category whose filter matches the log."""
    target = body.path("target")
    categories = []
    for index, entry in enumerate(body.list("categories")):
        category = Body(entry, f"{body.within('categories')}[{index}]")
        query = category.inner("filter")
        categories.append((read_filter(query.text("query"), query.within("query")), category.text("name")))
    if not categories:
        raise PipelineError(body.within("categories"), "at least one category is wanted here.")

    def apply(draft: Draft) -> None:
        log = draft.log()
        for matches, name in categories:
            if matches(log):
                draft.write(target, name)
                return

    return apply


def string_builder(body: Body) -> Step:
    """Set the target to a template's text, `%{name}` giving way to the attribute of that name."""
    target = body.path("target")
    parts = _REFERENCE.split(body.text("template"))
    replaces = body.flag("is_replace_missing", False)

    def apply(draft: Draft) -> None:
        text = []
        for index, part in enumerate(parts):
            if index % 2 == 0:
                text.append(part)
                continue
            value = draft.read(part.strip())
            if (value is None or isinstance(value, dict)) and not replaces:
                return
            text.append("" if value is None or isinstance(value, dict) else text_of(value))
        draft.write(target, "".join(text))

    return apply


def arithmetic_processor(body: Body) -> Step:
    """Set the target to an expression's value; nothing when an attribute is missing, unless missing ones are 0."""
    target = body.path("target")
    expression = read_expression(body.text("expression"), body.within("expression"))
    missing = 0.0 if body.flag("is_replace_missing", False) else None

    def apply(draft: Draft) -> None:
        def number(name: str) -> float | None:
            value = draft.read(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return missing
            return float(value)

        value = expression(number)
        if value is not None:
            draft.write(target, int(value) if value.is_integer() and abs(value) < 2**53 else value)

    return apply


def exclude_attribute(body: Body) -> Step:
    """Take one attribute away."""
    name = body.path("attribute_to_exclude")

    def apply(draft: Draft) -> None:
        draft.remove(name)

    return apply


KINDS: dict[str, Callable[[Body], Step]] = {
    "grok-parser": grok_parser,
    "date-remapper": date_remapper,
    "status-remapper": status_remapper,
    "attribute-remapper": attribute_remapper,
    "message-remapper": message_remapper,
    "service-remapper": service_remapper,
    "trace-id-remapper": trace_id_remapper,
    "category-processor": category_processor,
    "string-builder-processor": string_builder,
    "arithmetic-processor": arithmetic_processor,
    "exclude-attribute": exclude_attribute,
}


def read_steps(body: Body, depth: int = 1) -> list[Step]:
    """The steps of the enabled processors of the pipeline *body*, in order; PipelineError with the place of a fault."""
    entries = body.list("processors")
    if len(entries) > PROCESSORS_MAX:
        raise PipelineError(body.within("processors"), f"there are more than {PROCESSORS_MAX} processors.")
    steps = []
    for index, entry in enumerate(entries):
        step = _read_step(Body(entry, f"{body.within('processors')}[{index}]"), depth)
        if step is not None:
            steps.append(step)
    return steps


def _read_step(body: Body, depth: int) -> Step | None:
    kind = body.text("type")
    is_enabled = body.flag("is_enabled", True)
    if kind == "pipeline":
        if depth >= PIPELINES_DEEP_MAX:
            raise PipelineError(body.place, "a pipeline inside a pipeline holds no further pipeline.")
        step = read_pipeline(body, depth + 1)
    elif kind in KINDS:
        step = KINDS[kind](body)
    elif kind in NOT_APPLIED:
        return None
    else:
        known = ", ".join(sorted([*KINDS, *NOT_APPLIED, "pipeline"]))
        raise PipelineError(body.within("type"), f"there is no processor {kind[:60]!r}.", f"Known are {known}.")
    return step if is_enabled else None


def read_pipeline(body: Body, depth: int = 1) -> Step:
    """The step that takes a draft through every processor of the pipeline *body*, if the filter matches it."""
    query = body.inner("filter").text("query", "") if body.value.get("filter") is not None else ""
    matches = read_filter(query, body.within("filter.query"))
    steps = read_steps(body, depth)

    def apply(draft: Draft) -> None:
        if matches(draft.log()):
            for step in steps:
                step(draft)

    return apply


def kinds_not_applied(body: Body) -> list[str]:
    """The kinds in *body*, and in pipelines inside it, that are stored and not applied."""
    kinds: set[str] = set()
    for entry in body.list("processors"):
        processor = Body(entry, body.place)
        kind = processor.text("type", "")
        if kind == "pipeline":
            kinds.update(kinds_not_applied(processor))
        elif kind in NOT_APPLIED:
            kinds.add(kind)
    return sorted(kinds)
