"""The numbers of an answer that a plan's predicates compare; pure, over what a case kept. None is no evidence."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from oddsock.drill.telemetry_files import Answer
from oddsock.drill.telemetry_span import Span
from oddsock.kit.clock import instant

Figures = dict[str, float | None]

AGENT_PLAN_S = 15.0
AGENT_WALL_S_MIN = 0.5
"""How often the agent measures, in plan seconds and at least: so long a rate may still tell of the state before."""

STEPS = (
    "Order created with ID: {id}",
    "Order {id} status updated to PENDING",
    "Sending payment request for order {id}",
    "Payment failed for order {id}",
    "Order {id} status updated to PAYMENT_FAILED",
)
"""The five lines that a failed order leaves, in order, as the hand-written report lists them."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time between two instants, ISO 8601."""

    from_at: str
    to_at: str

    def holds(self, at: datetime, later_s: float = 0.0) -> bool:
        """Whether *at* lies in it, or up to *later_s* seconds behind it."""
        return instant(self.from_at) <= at and (at - instant(self.to_at)).total_seconds() <= later_s


def log_figures(window: Answer | None, past: Answer | None, span: Span, order_ids: Sequence[str]) -> Figures:
    """The figures of a log query, of its answers over the window and over its literal range."""
    found: Figures = {}
    if window is not None and window.present:
        rows = window.rows
        found["lines.window"] = len(rows)
        found["lines.held"] = sum(1 for row in rows if span.is_held_at(str(row["at"])))
        found["orders.window"] = sum(1 for one in order_ids if any(one in str(row["message"]) for row in rows))
        found["services.window"] = len({row["service"] for row in rows if row["service"]})
        found["steps.window"] = max((count_steps(rows, one) for one in order_ids), default=0)
    if past is not None and past.present:
        ats = [instant(str(row["at"])) for row in past.rows]
        found["lines.past"] = len(ats)
        found["lines.before"] = sum(1 for at in ats if at < instant(span.from_at))
        found["lines.after"] = sum(1 for at in ats if at > instant(span.healing_at))
    return found


def count_steps(rows: Sequence[dict[str, Any]], order_id: str) -> int:
    """How many of the five lines of *order_id* stand in *rows* in their order."""
    return len(find_steps(rows, order_id))


def find_steps(rows: Sequence[dict[str, Any]], order_id: str) -> list[str]:
    """The lines of *order_id* that follow its five steps in their order, as far as they do."""
    lines = [str(row["message"]) for row in rows if order_id in str(row["message"])]
    found: list[str] = []
    place = 0
    for step in STEPS:
        text = step.format(id=order_id)
        at = next((n for n in range(place, len(lines)) if text in lines[n]), None)
        if at is None:
            break
        found.append(lines[at])
        place = at + 1
    return found


class MetricFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a metric before, during and after; *is_gap_confirmed*: none were there, and zeros say why."""

    before: Figures
    during: Figures
    after: Figures
    is_gap_confirmed: bool = False


def metric_figures(
    run: Answer | None, confirmed: Answer | None, span: Span, outages: Sequence[Stretch], speed: float
) -> MetricFigures:
    """The figures of a metric's points over the run; *outages* are the lead's own faults, which are no normal."""
    if run is None or not run.present:
        return MetricFigures(before={}, during={}, after={})
    before = _points(run, "before", span, outages, speed)
    during = _points(run, "during", span, outages, speed)
    after = _points(run, "after", span, outages, speed)
    zeros = _points(confirmed, "during", span, outages, speed) if confirmed is not None and not during else []
    is_gap = bool(zeros) and not any(zeros)
    mean = _mean(before)
    return MetricFigures(
        before=_sum_up(before, mean, run),
        during=_sum_up(zeros if is_gap else during, mean, run),
        after=_sum_up(after, mean, run),
        is_gap_confirmed=is_gap,
    )


def _points(answer: Answer, part: str, span: Span, outages: Sequence[Stretch], speed: float) -> list[float]:
    """The values of every series in *part* of the run; those that may mix two states are left out."""
    values: list[float] = []
    for series in answer.rows:
        interval_s = float(series.get("interval_s") or 0)
        late_s = max(AGENT_PLAN_S / speed, AGENT_WALL_S_MIN)
        for at_ms, value in series.get("points") or []:
            at = datetime.fromtimestamp(at_ms / 1000, UTC)
            since_held = (at - instant(span.held_at)).total_seconds()
            to_heal = (instant(span.healing_at) - at).total_seconds()
            if part == "before":
                is_in = (instant(span.from_at) - at).total_seconds() >= interval_s
                is_in = is_in and not any(one.holds(at, late_s) for one in outages)
            elif part == "during":
                # Stamped before it was read, a value may be of a moment later than its second.
                is_in = since_held >= late_s and to_heal >= interval_s + AGENT_WALL_S_MIN
            else:
                is_in = (at - instant(span.to_at)).total_seconds() >= late_s
            if is_in and value is not None:
                values.append(float(value))
    return values


def _sum_up(values: Sequence[float], mean_before: float | None, run: Answer) -> Figures:
    found: Figures = {"points": len(values), "series": len(run.rows)}
    if values:
        mean = _mean(values) or 0.0
        found |= {"min": min(values), "max": max(values), "mean": mean, "last": values[-1]}
        found["to_before"] = mean / mean_before if mean_before else None
    return found


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def event_figures(answer: Answer | None, span: Span) -> Figures:
    """Events in the window, and what they tell of: scalings, pods that ended and started."""
    if answer is None or not answer.present:
        return {}
    # The stamp of an event may be cut to the whole second.
    until = instant(span.to_at).timestamp() + 1
    rows = [row for row in answer.rows if instant(str(row["at"])).timestamp() <= until]
    texts = [f"{row.get('title', '')} {row.get('text', '')}" for row in rows]
    return {
        "events.window": len(rows),
        "scaled_down.window": sum(1 for text in texts if "Scaled down" in text),
        "scaled_up.window": sum(1 for text in texts if "Scaled up" in text),
        "ended.window": sum(1 for text in texts if "Killing" in text or "Stopping container" in text),
        "started.window": sum(1 for text in texts if ": Started" in text or "Started container" in text),
    }


def view_figures(answer: Answer | None, kind: str, names: Sequence[str]) -> Figures:
    """The figures of a view; a deployment in *names* that has no row counts 0 containers."""
    if answer is None or not answer.present:
        return {}
    rows = answer.rows
    if kind == "hosts":
        up = sum(1 for row in rows if row.get("is_up"))
        return {"hosts.up": up, "hosts.down": len(rows) - up, "hosts.total": len(rows)}
    if kind == "containers":
        # A list without any row is no view of a cluster, and proves nothing of one deployment.
        if not rows:
            return {}
        running = Counter(str(row.get("deployment")) for row in rows if str(row.get("state")).lower() == "running")
        return {f"running.{name}": running[name] for name in {*names, *running}}
    found: Figures = {}
    for row in rows:
        for number in ("wanted", "available", "endpoints"):
            if row.get(number) is not None:
                found[f"{number}.{row['deployment']}"] = float(row[number])
    return found


def dashboard_figures(answer: Answer | None) -> Figures:
    """How many widgets a dashboard has, how many were answered, and how many with any value."""
    if answer is None or not answer.present:
        return {}
    return {
        "widgets": len(answer.rows),
        "answered": sum(1 for row in answer.rows if row.get("answered")),
        "with_values": sum(1 for row in answer.rows if row.get("values")),
    }
