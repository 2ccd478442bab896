"""A monitor's JSON, checked: what may be stored as a monitor, and what its evaluation needs of it.

Times are plan seconds here; whoever compares them with wall time divides by the speed. Source of the fields:
https://docs.datadoghq.com/api/latest/monitors/. Fields that change nothing here are stored and answered all the same.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from oddsock.kit.errors import QueryError, UsageError
from oddsock.telemetry.monitors.query import parse_monitor_query
from oddsock.telemetry.monitors.query_tree import (
    CheckAlert,
    Comparison,
    Composite,
    CountAlert,
    MetricAlert,
    Query,
    parts,
)

NAME_LENGTH_MAX, MESSAGE_LENGTH_MAX, TAGS_MAX = 500, 10_000, 100
NO_DATA_S_CHECK = 120.0
"""After how long a silent service check has no data, when the monitor does not say: Datadog's two minutes."""

_TIMES = ("no_data_timeframe", "renotify_interval", "renotify_occurrences", "evaluation_delay", "new_group_delay")

MissingData = Literal["default", "show_no_data", "show_and_notify_no_data", "resolve"]
RenotifyStatus = Literal["alert", "warn", "no data"]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Where a monitor changes its state; of a service check, how many reports in a row it takes."""

    critical: float | None = None
    warning: float | None = None
    critical_recovery: float | None = None
    warning_recovery: float | None = None
    ok: float | None = None
    unknown: float | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options that change an evaluation; minutes and seconds as Datadog has them."""

    thresholds: Thresholds | None = None
    notify_no_data: bool = False
    no_data_timeframe: int | None = None
    on_missing_data: MissingData = "default"
    renotify_interval: int | None = None
    renotify_occurrences: int | None = None
    renotify_statuses: list[RenotifyStatus] | None = None
    escalation_message: str = ""
    evaluation_delay: int | None = None
    new_group_delay: int | None = None
    require_full_window: bool = False
    silenced: dict[str, int | None] | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor as it is posted."""

    type: str
    query: str
    name: str = ""
    message: str = ""
    tags: list[str] = []
    options: Options = Options()
    priority: int | None = None


@dataclass(frozen=True)
class Definition:
    """A monitor that may be evaluated; times in plan seconds."""

    id: int
    body: Body
    query: Query
    thresholds: Thresholds

    @property
    def comparison(self) -> Comparison | None:
        """How values are compared with thresholds; None where states are read, not computed."""
        return self.query.comparison if isinstance(self.query, MetricAlert | CountAlert) else None

    @property
    def is_grouped(self) -> bool:
        """Whether each group of the monitor has a state of its own."""
        match self.query:
            case CountAlert(by=by) | CheckAlert(by=by):
                return bool(by)
            case MetricAlert(is_grouped=is_grouped):
                return is_grouped
        return False

    @property
    def no_data_s(self) -> float:
        """After how long without data a group has none."""
        if self.body.options.no_data_timeframe:
            return self.body.options.no_data_timeframe * 60.0
        return NO_DATA_S_CHECK if isinstance(self.query, CheckAlert) else 2 * self.window_s

    @property
    def window_s(self) -> float:
        """The span an evaluation looks at; 0 where it looks at the newest reports, whatever their age."""
        return self.query.window_s if isinstance(self.query, MetricAlert | CountAlert) else 0.0

    @property
    def parts(self) -> tuple[int, ...]:
        """The monitors that a composite one names, each once, in the order of its query."""
        named = parts(self.query.root) if isinstance(self.query, Composite) else []
        return tuple(dict.fromkeys(part.monitor_id for part in named))


def read_definition(document: dict[str, Any], monitor_id: int = 0) -> Definition:
    """The monitor that *document* describes; UsageError with a sentence when it cannot be one."""
    given = _without_nulls(document)
    if isinstance(given.get("options"), dict):
        given["options"] = _without_nulls(given["options"])
    try:
        body = msgspec.convert(given, Body)
    except msgspec.ValidationError as cause:
        raise UsageError(f"The monitor is wrong: {cause}.") from None
    _check_sizes(body)
    try:
        query = parse_monitor_query(body.type, body.query)
    except QueryError as error:
        raise UsageError(f"The value provided for parameter 'query' is invalid: {error}") from error
    thresholds = body.options.thresholds or Thresholds()
    if isinstance(query, MetricAlert | CountAlert):
        thresholds = _check_values(thresholds, query.comparison)
    elif isinstance(query, CheckAlert):
        thresholds = _check_counts(thresholds, query)
    return Definition(monitor_id, body, query, thresholds)


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    # Clients write what they leave open as null.
    return {name: value for name, value in fields.items() if value is not None}


def _check_sizes(body: Body) -> None:
    if len(body.name) > NAME_LENGTH_MAX:
        raise UsageError(f"The monitor's name is longer than {NAME_LENGTH_MAX} characters.")
    if len(body.message) > MESSAGE_LENGTH_MAX or len(body.options.escalation_message) > MESSAGE_LENGTH_MAX:
        raise UsageError(f"The monitor's message is longer than {MESSAGE_LENGTH_MAX} characters.")
    if len(body.tags) > TAGS_MAX:
        raise UsageError(f"The monitor has more than {TAGS_MAX} tags.")
    times = body.options
    for name in (
        "no_data_timeframe",
        "renotify_interval",
        "renotify_occurrences",
        "evaluation_delay",
        "new_group_delay",
    ):
        if (value := getattr(times, name)) is not None and not 0 <= value <= 1_000_000:
            raise UsageError(f"options.{name} must be from 0 to 1000000, not {value}.")


def _check_values(thresholds: Thresholds, comparison: Comparison) -> Thresholds:
    critical = comparison.threshold if thresholds.critical is None else thresholds.critical
    if critical != comparison.threshold:
        raise UsageError(
            f"Alert threshold ({critical:g}) does not match that used in the query ({comparison.threshold:g})."
        )
    rising = comparison.operator in {">", ">="}
    if comparison.operator in {"==", "!="}:
        if thresholds.warning is not None:
            raise UsageError(f"A monitor that compares with {comparison.operator} has no warning threshold.")
    else:
        steps = (
            ("warning", thresholds.warning, "critical", critical),
            ("critical_recovery", thresholds.critical_recovery, "critical", critical),
            ("warning_recovery", thresholds.warning_recovery, "warning", thresholds.warning),
        )
        for name, value, above, limit in steps:
            if value is not None and limit is None:
                raise UsageError(f"options.thresholds.{name} needs options.thresholds.{above}.")
            if value is not None and limit is not None and (value >= limit if rising else value <= limit):
                side = "below" if rising else "above"
                raise UsageError(f"options.thresholds.{name} ({value:g}) must be {side} {above} ({limit:g}).")
    return msgspec.structs.replace(thresholds, critical=critical)


def _check_counts(thresholds: Thresholds, query: CheckAlert) -> Thresholds:
    for name in ("critical", "warning", "ok", "unknown"):
        count = getattr(thresholds, name)
        if count is not None and not (float(count).is_integer() and 1 <= count <= query.last):
            raise UsageError(
                f"options.thresholds.{name} must be a whole number of reports from 1 to .last({query.last})."
            )
    return msgspec.structs.replace(
        thresholds,
        critical=thresholds.critical or 1,
        warning=thresholds.warning or 1,
        ok=thresholds.ok or 1,
        unknown=thresholds.unknown or 1,
    )
