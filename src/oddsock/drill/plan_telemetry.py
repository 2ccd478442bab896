"""What a plan asks of telemetry: log queries, metrics, views, events and dashboards, with what it expects as numbers.

`{order 2}`, `{trace 2}` and `{pod orders}` in a query are filled in by the run: the second failed order of the fault's
window, its trace id, and the name of the pod of a deployment. All else is asked as it is written.
"""

import re
from typing import Annotated, Literal

import msgspec

from oddsock.drill.predicate import Predicate
from oddsock.drill.seconds import Seconds

QUESTION = r"^[A-Z][A-Z0-9]{0,5}[a-z]?$"
"""The id of a question, such as Q10a."""

PLACEHOLDER = re.compile(r"\{(order|trace) ([1-9]\d?)\}|\{pod ([a-z0-9-]+)\}")
"""What the run fills in."""

LOG_FIGURES = (
    "lines.window",
    "lines.held",
    "lines.past",
    "lines.before",
    "lines.after",
    "orders.window",
    "services.window",
    "steps.window",
)
"""Lines of the fault's window, while its effect held, of the literal range, before, after; and what they name."""

METRIC_FIGURES = ("min", "max", "mean", "last", "points", "series", "to_before")
"""Of the points before, during or after; *to_before* is their mean over that of the points before."""

EVENT_FIGURES = ("events.window", "scaled_down.window", "scaled_up.window", "ended.window", "started.window")
DASHBOARD_FIGURES = ("widgets", "answered", "with_values")
VIEW_FIGURES = {
    "deployments": ("wanted.", "available.", "endpoints."),
    "containers": ("running.",),
    "hosts": ("hosts.up", "hosts.down", "hosts.total"),
}
"""By kind of view; a name that ends in a full stop is followed by a deployment's."""

QuestionId = Annotated[str, msgspec.Meta(pattern=QUESTION)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
ViewKind = Literal["deployments", "containers", "hosts"]


class _Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing asked: *lesson* is said of it whatever it answers."""

    id: QuestionId
    name: str = ""
    lesson: str = ""


class LogQuestion(_Question, frozen=True, kw_only=True):
    """A log search over the fault's window and over the *past* wall seconds."""

    query: Text
    past: Seconds = msgspec.field(default_factory=lambda: Seconds(3 * 3600))
    expect: list[Predicate] = []


class MetricQuestion(_Question, frozen=True, kw_only=True):
    """A metric query, judged before, during and after the fault.

    Where it has no points, *confirmed_by* may say with zeros that there is nothing to measure.
    """

    query: Text
    confirmed_by: str = ""
    past: Seconds = msgspec.field(default_factory=lambda: Seconds(3 * 3600))
    before: list[Predicate] = []
    during: list[Predicate] = []
    after: list[Predicate] = []


class ViewQuestion(_Question, frozen=True, kw_only=True):
    """A list as it stands while the fault holds: deployments, containers or hosts that *filter* names."""

    kind: ViewKind
    filter: Text
    expect: list[Predicate] = []


class EventQuestion(_Question, frozen=True, kw_only=True):
    """An event search over the fault's window."""

    query: Text
    expect: list[Predicate] = []


class DashboardQuestion(_Question, frozen=True, kw_only=True):
    """A dashboard by its *title*, every widget of it answered."""

    title: Text
    expect: list[Predicate] = []


Question = LogQuestion | MetricQuestion | ViewQuestion | EventQuestion | DashboardQuestion


class TelemetryPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything asked of telemetry; *within* bounds the wait, in wall seconds, until it has caught up."""

    queries: list[LogQuestion] = []
    metrics: list[MetricQuestion] = []
    views: list[ViewQuestion] = []
    events: list[EventQuestion] = []
    dashboards: list[DashboardQuestion] = []
    within: Seconds = msgspec.field(default_factory=lambda: Seconds(20))

    @property
    def has_before(self) -> bool:
        """Whether any metric is compared with what it was before."""
        wanted = [one for metric in self.metrics for one in (*metric.during, *metric.after)]
        return any(metric.before for metric in self.metrics) or any(one.figure == "to_before" for one in wanted)

    @property
    def has_after(self) -> bool:
        """Whether any metric is judged after the heal."""
        return any(metric.after for metric in self.metrics)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return not (self.queries or self.metrics or self.views or self.events or self.dashboards)
