"""What a reading makes of a group's state: the rules of thresholds, recovery, missing data and repeated notices.

Pure: no clock, no store. Instants are wall milliseconds; what a monitor says in plan seconds is divided by *speed*.
"""

from enum import StrEnum

import msgspec

from oddsock.telemetry.monitors.definition import Definition

KEPT_WITHOUT_DATA_S = 24 * 3600.0
"""After how long without data a group is forgotten, plan seconds: Datadog's default of 24 hours."""

WALL_S_MIN = 2.0
"""No window becomes shorter than this, however high the speed: what happened has to arrive first."""


class Status(StrEnum):
    """The states of a monitor and of each of its groups, as Datadog spells them."""

    OK = "OK"
    WARN = "Warn"
    ALERT = "Alert"
    NO_DATA = "No Data"
    IGNORED = "Ignored"
    SKIPPED = "Skipped"
    UNKNOWN = "Unknown"


_WORST_FIRST = (
    Status.ALERT, Status.WARN, Status.UNKNOWN, Status.NO_DATA, Status.OK, Status.SKIPPED, Status.IGNORED
)  # fmt: skip


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation found for one group.

    *value* is None when there were no data; *status* is given where states are read instead of computed (checks,
    composites); *reason* says more, above all why a question failed.
    """

    value: float | None = None
    status: Status | None = None
    reason: str = ""
    is_failed: bool = False
    """Whether the question could not be answered at all."""
    is_window_full: bool = True

    @property
    def has_data(self) -> bool:
        """Whether there was anything to judge."""
        return self.value is not None or self.status is not None


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one group, as it is kept on disk; instants are 0 where there was none."""

    group: str
    status: Status
    since_ms: int
    first_seen_ms: int
    value: float | None = None
    reason: str = ""
    told: Status = Status.OK
    """The last state that people were told of, or that was good enough to tell nobody."""
    tellings: int = 0
    last_data_ms: int = 0
    """0 while there never were any; silence then counts from the first look."""
    last_triggered_ms: int = 0
    last_resolved_ms: int = 0
    last_nodata_ms: int = 0
    last_notified_ms: int = 0


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one group's state, or (*before* is *after*) the same state told again."""

    monitor_id: int
    group: str
    at_ms: int
    before: Status | None
    after: Status
    value: float | None = None
    reason: str = ""
    has_event: bool = True
    is_told: bool = False
    """Whether people are told: webhook and mail."""

    @property
    def is_repeated(self) -> bool:
        """Whether the same state is told again."""
        return self.before is self.after


def wall_ms(plan_s: float, speed: float) -> int:
    """A window of *plan_s* plan seconds in wall milliseconds.

    >>> wall_ms(300, 1), wall_ms(300, 60), wall_ms(60, 60)
    (300000, 5000, 2000)
    """
    return round(max(WALL_S_MIN, plan_s / speed) * 1000)


def worst(statuses: "list[Status]") -> Status:
    """The state of a monitor whose groups have *statuses*; without any it has no data."""
    return min(statuses, key=_WORST_FIRST.index, default=Status.NO_DATA)


def judge(
    monitor: Definition, before: GroupState | None, reading: Reading, group: str, now_ms: int, speed: float
) -> tuple[GroupState, Transition | None]:
    """The group's state after *reading*, and the transition when it is a new one or has to be told again."""
    seen = before or GroupState(group=group, status=Status.NO_DATA, since_ms=now_ms, first_seen_ms=now_ms)
    status = _status(monitor, before, seen, reading, now_ms, speed)
    after = msgspec.structs.replace(
        seen,
        status=status,
        value=reading.value,
        reason=reading.reason,
        since_ms=now_ms if before is None or status is not seen.status else seen.since_ms,
        last_data_ms=now_ms if reading.has_data and not reading.is_failed else seen.last_data_ms,
    )
    if before is not None and status is before.status:
        return _tell_again(monitor, after, now_ms, speed)
    is_told = _is_told(monitor, after, seen.told)
    transition = Transition(
        monitor_id=monitor.id,
        group=group,
        at_ms=now_ms,
        before=before.status if before else None,
        after=status,
        value=reading.value,
        reason=reading.reason,
        has_event=before is not None or status in {Status.ALERT, Status.WARN, Status.UNKNOWN},
        is_told=is_told,
    )
    return _stamped(after, now_ms, is_told), transition


def is_forgettable(monitor: Definition, state: GroupState, now_ms: int, speed: float) -> bool:
    """Whether a group of a grouped monitor has had no data for so long that nobody expects it back."""
    quiet = state.status in {Status.OK, Status.NO_DATA, Status.SKIPPED, Status.IGNORED}
    return monitor.is_grouped and quiet and now_ms - _heard_ms(state) > KEPT_WITHOUT_DATA_S * 1000 / speed


def _heard_ms(state: GroupState) -> int:
    return state.last_data_ms or state.first_seen_ms


def _status(
    monitor: Definition, before: GroupState | None, seen: GroupState, reading: Reading, now_ms: int, speed: float
) -> Status:
    options = monitor.body.options
    if reading.is_failed:
        return Status.UNKNOWN
    if not reading.has_data:
        return _without_data(monitor, before, seen, now_ms, speed)
    delay_ms = (options.new_group_delay or 0) * 1000 / speed
    if monitor.is_grouped and now_ms - seen.first_seen_ms < delay_ms:
        return Status.IGNORED
    if options.require_full_window and not reading.is_window_full:
        return before.status if before else Status.SKIPPED
    if reading.status is not None:
        return reading.status
    assert reading.value is not None
    return _level(monitor, seen.status, reading.value)


def _level(monitor: Definition, before: Status, value: float) -> Status:
    comparison, limits = monitor.comparison, monitor.thresholds
    assert comparison is not None and limits.critical is not None
    rising = comparison.operator in {">", ">="}

    def recovered(limit: float | None) -> bool:
        return limit is None or (value <= limit if rising else value >= limit)

    if compare(value, comparison.operator, limits.critical):
        return Status.ALERT
    if before is Status.ALERT and not recovered(limits.critical_recovery):
        return Status.ALERT
    if limits.warning is not None and compare(value, comparison.operator, limits.warning):
        return Status.WARN
    if before is Status.WARN and not recovered(limits.warning_recovery):
        return Status.WARN
    return Status.OK


def compare(value: float, operator: str, threshold: float) -> bool:
    """Whether `value operator threshold` holds.

    >>> compare(0.0, "<", 1.0), compare(1.0, "!=", 1.0)
    (True, False)
    """
    match operator:
        case ">":
            return value > threshold
        case ">=":
            return value >= threshold
        case "<":
            return value < threshold
        case "<=":
            return value <= threshold
        case "==":
            return value == threshold
    return value != threshold


def _without_data(
    monitor: Definition, before: GroupState | None, seen: GroupState, now_ms: int, speed: float
) -> Status:
    options = monitor.body.options
    match options.on_missing_data:
        case "resolve":
            return Status.OK
        case "show_no_data" | "show_and_notify_no_data":
            return Status.NO_DATA
    if before is None:
        return Status.NO_DATA
    silent_ms = now_ms - _heard_ms(seen)
    if options.notify_no_data and silent_ms >= wall_ms(monitor.no_data_s, speed):
        return Status.NO_DATA
    # A monitor that does not speak of missing data stays as it was, but nobody can vouch for an Unknown.
    return Status.NO_DATA if before.status is Status.UNKNOWN else before.status


def _is_told(monitor: Definition, after: GroupState, told: Status) -> bool:
    options = monitor.body.options
    match after.status:
        case Status.ALERT | Status.WARN:
            return after.status is not told
        case Status.NO_DATA:
            tells = options.notify_no_data or options.on_missing_data == "show_and_notify_no_data"
            # The first look at something that never reported tells nobody.
            return tells and told is not Status.NO_DATA and after.last_data_ms > 0
        case Status.OK:
            return told is not Status.OK
    return False


def _stamped(after: GroupState, now_ms: int, is_told: bool) -> GroupState:
    changes: dict[str, object] = {}
    match after.status:
        case Status.ALERT | Status.WARN:
            changes["last_triggered_ms"] = now_ms
        case Status.NO_DATA:
            changes["last_nodata_ms"] = now_ms
        case Status.OK:
            changes["last_resolved_ms"] = now_ms if after.told is not Status.OK else after.last_resolved_ms
    if is_told:
        changes |= {"told": after.status, "tellings": 1, "last_notified_ms": now_ms}
    return msgspec.structs.replace(after, **changes)


def _tell_again(
    monitor: Definition, after: GroupState, now_ms: int, speed: float
) -> tuple[GroupState, Transition | None]:
    options = monitor.body.options
    statuses = options.renotify_statuses or ["alert"]
    is_due = (
        bool(options.renotify_interval)
        and after.told is after.status
        and after.status.value.lower() in statuses
        and after.tellings <= (options.renotify_occurrences or 1_000_000)
        and now_ms - after.last_notified_ms >= (options.renotify_interval or 0) * 60_000 / speed
    )
    if not is_due:
        return after, None
    again = msgspec.structs.replace(after, tellings=after.tellings + 1, last_notified_ms=now_ms)
    transition = Transition(
        monitor_id=monitor.id,
        group=after.group,
        at_ms=now_ms,
        before=after.status,
        after=after.status,
        value=after.value,
        reason=after.reason,
        is_told=True,
    )
    return again, transition
