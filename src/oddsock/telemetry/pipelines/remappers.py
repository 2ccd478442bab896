"""The remappers: each takes a value from one of its sources and puts it where Datadog keeps such a value."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from oddsock.telemetry.pipelines.body import Body
from oddsock.telemetry.pipelines.draft import Draft
from oddsock.telemetry.pipelines.errors import PipelineError
from oddsock.telemetry.statuses import status_of

Step = Callable[[Draft], None]


def status_remapper(body: Body) -> Step:
    """Set the log's status from the first source that is there."""
    sources = body.paths("sources")

    def apply(draft: Draft) -> None:
        found = _first(draft, sources)
        if found is not None and draft.claim("status"):
            draft.set_field("status", status_of(found))

    return apply


def date_remapper(body: Body) -> Step:
    """Set the log's instant from the first source that is a date: milliseconds since 1970 or ISO 8601."""
    sources = body.paths("sources")

    def apply(draft: Draft) -> None:
        for source in sources:
            at_ms = instant_ms_of(draft.read(source))
            if at_ms is not None:
                if draft.claim("date"):
                    draft.set_time(at_ms)
                return

    return apply


AT_MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def instant_ms_of(value: object) -> int | None:
    """Milliseconds since 1970 that *value* names (a number of them, or ISO 8601), None when it names no instant.

    >>> instant_ms_of("2025-10-30T08:24:46.328Z"), instant_ms_of("1761812686328"), instant_ms_of("yesterday")
    (1761812686328, 1761812686328, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) <= 15:
            return _within_reason(int(text))
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return _within_reason(round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))
    if isinstance(value, int | float) and 0 <= value <= AT_MS_MAX:
        return int(value)
    return None


def _within_reason(at_ms: int) -> int | None:
    return at_ms if 0 <= at_ms <= AT_MS_MAX else None


def message_remapper(body: Body) -> Step:
    """Set the log's message from the first source that is there."""
    return _field_remapper(body, "message")


def service_remapper(body: Body) -> Step:
    """Set the log's service from the first source that is there."""
    return _field_remapper(body, "service")


def trace_id_remapper(body: Body) -> Step:
    """Set the log's trace id from the first source that is there."""
    return _field_remapper(body, "trace_id")


def _field_remapper(body: Body, field: str) -> Step:
    sources = body.paths("sources")

    def apply(draft: Draft) -> None:
        found = _first(draft, sources)
        if found is not None and draft.claim(field):
            draft.set_field(field, text_of(found))

    return apply


def _first(draft: Draft, sources: list[str]) -> Any:
    for source in sources:
        value = draft.read(source)
        if value is not None and value != "" and not isinstance(value, dict):
            return value
    return None


def text_of(value: object) -> str:
    """A value as a tag or a template shows it: booleans in small letters, lists joined by commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text_of(entry) for entry in value)
    return str(value)


_FORMATS = ("auto", "string", "integer", "double")


def attribute_remapper(body: Body) -> Step:
    """Move or copy the first source that is there to an attribute or a tag, in a type of choice."""
    sources = body.paths("sources")
    target = body.path("target")
    from_tag = body.choice("source_type", ("attribute", "tag")) == "tag"
    to_tag = body.choice("target_type", ("attribute", "tag")) == "tag"
    shape = body.choice("target_format", _FORMATS)
    if to_tag and shape not in ("auto", "string"):
        raise PipelineError(body.within("target_format"), "a tag has no format; leave target_format out.")
    keeps = body.flag("preserve_source", False)
    overrides = body.flag("override_on_conflict", False)

    def apply(draft: Draft) -> None:
        for source in sources:
            value = draft.tag(source) if from_tag else draft.read(source)
            if value is None:
                continue
            if _put(draft, target, value, shape, to_tag, overrides) and not keeps:
                _take_away(draft, source, target, from_tag, to_tag)
            return

    return apply


def _put(draft: Draft, target: str, value: Any, shape: str, to_tag: bool, overrides: bool) -> bool:
    if to_tag:
        return not isinstance(value, dict) and draft.set_tag(target, text_of(value), overrides)
    if draft.read(target) is not None and not overrides:
        return False
    draft.write(target, cast(value, shape))
    return True


def _take_away(draft: Draft, source: str, target: str, from_tag: bool, to_tag: bool) -> None:
    if from_tag == to_tag and source == target:
        return
    if from_tag:
        draft.drop_tag(source)
    else:
        draft.remove(source)


def cast(value: Any, shape: str) -> Any:
    """*value* as *shape* (string, integer, double); as it was when it cannot be, or for auto."""
    if shape == "string":
        return value if isinstance(value, dict | list) else text_of(value)
    try:
        if shape == "integer":
            return int(float(value)) if isinstance(value, str) and "." in value else int(value)
        if shape == "double":
            number = float(value)
            return number if number - number == 0 else value
    except (ValueError, TypeError, OverflowError):
        return value
    return value
