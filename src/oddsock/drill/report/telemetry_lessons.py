"""What an answer teaches beyond its number: a tag nobody has, a series that stops, a range that takes in more."""

import re
from collections import Counter

from oddsock.drill.report.context import Context
from oddsock.drill.report.figure import plural
from oddsock.drill.report.window import windows
from oddsock.drill.telemetry_figures import MetricFigures, Stretch
from oddsock.drill.telemetry_files import HEARTBEAT, Answer
from oddsock.drill.telemetry_span import Span
from oddsock.kit.clock import instant
from oddsock.kit.mask import mask_cards

LINE_SHOWN_LENGTH_MAX = 240
BEYOND_LINES_MAX = 100
"""Lines outside the window that a report tells one by one; of more it tells how many there are."""

_SERVICE = re.compile(r"\bservice:([\w.-]+)")


def lead_outages(context: Context) -> list[Stretch]:
    """When the lead's own faults held: no normal to compare a metric with."""
    lead = [window for window in windows(context.files) if window.phase == "lead"]
    return [Stretch(from_at=one.from_at, to_at=one.to_at or one.from_at) for one in lead]


def learn_of_logs(context: Context, window: Answer | None, past: Answer | None, span: Span) -> list[str]:
    """Why the literal range found more than the window, what the server warned of, and a tag that no line has."""
    if window is None or not window.present:
        return []
    told: list[str] = []
    if not window.is_whole:
        told.append(f"Only the first {len(window.rows)} lines were read.")
    if past is not None and past.present:
        parts = Counter(span.part_of(str(row["at"])) for row in past.rows)
        more = [f"{parts[part]} {part} it" for part in ("before", "after") if parts[part]]
        if more:
            told.append(f"Over its own range it finds {len(past.rows)}: beside the window's also {' and '.join(more)}.")
        else:
            told.append("Over its own range it finds the same lines.")
    told += [f"The server warns: {warning.rstrip('.')}." for warning in window.warnings]
    if not window.rows and not (past and past.rows):
        told += _wrong_tag(context, window.asked)
    return told


def _wrong_tag(context: Context, query: str) -> list[str]:
    beat = context.files.answers.get(HEARTBEAT)
    known = {str(row["service"]) for row in beat.rows if row.get("row") == "lines"} if beat else set()
    wanted = {service for service in _SERVICE.findall(query) if service not in known}
    if not known or not wanted:
        return []
    return [f"No line has the tag service:{min(wanted)}; services that wrote meanwhile: {', '.join(sorted(known))}."]


def explain_beyond(context: Context, past: Answer | None, span: Span) -> list[str]:
    """Each line of the literal range that lies outside the window, with why it does."""
    if past is None or not past.present:
        return []
    rows = [row for row in past.rows if span.part_of(str(row["at"])) != "window"]
    told = [
        f"{row['at']}, {_place(context, span, str(row['at']))}: {_cut(str(row['message']))}"
        for row in rows[:BEYOND_LINES_MAX]
    ]
    if len(rows) > BEYOND_LINES_MAX:
        told.append(f"and {plural(len(rows) - BEYOND_LINES_MAX, 'more line')}")
    return told


def _cut(message: str) -> str:
    # Masked before it is cut: a cut number would no longer look like one.
    return mask_cards(message).partition("\n")[0][:LINE_SHOWN_LENGTH_MAX]


def _place(context: Context, span: Span, at: str) -> str:
    when = instant(at)
    if when < instant(context.files.history[0].at):
        return "before this drill"
    outage = next((one for one in windows(context.files) if one.phase == "lead" and one.holds(at)), None)
    if outage is not None:
        return f"in the lead's own fault {outage.id}"
    return "before the fault" if span.part_of(at) == "before" else "after the heal"


def learn_of_metric(run: Answer | None, figures: MetricFigures) -> list[str]:
    """A series that stops instead of falling to zero, no series at all, and what the server says of the query."""
    if run is None or not run.present:
        return []
    told: list[str] = []
    if figures.is_gap_confirmed:
        told.append("The series stops instead of falling to 0; the gap is 0 because another metric says so.")
    elif figures.during.get("points") == 0:
        told.append("There is no point during the fault, and a gap alone proves nothing.")
    if not run.rows:
        told.append("No series answers to this name and scope.")
    if run.message:
        told.append(f"The server says: {run.message.rstrip('.')}.")
    return told


def learn_of_events(answer: Answer | None) -> list[str]:
    """What the events told, in a few words each."""
    if answer is None or not answer.present:
        return []
    reasons = Counter(str(row.get("title", "")).rpartition(": ")[2] or "untitled" for row in answer.rows)
    return [f"Told: {', '.join(f'{count} {reason}' for reason, count in sorted(reasons.items()))}."] if reasons else []
