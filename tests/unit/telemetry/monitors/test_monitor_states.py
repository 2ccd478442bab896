"""The rules of states: thresholds, recovery, missing data, groups that are new, notices told again."""

from typing import Any

import pytest

from oddsock.kit.errors import UsageError
from oddsock.telemetry.monitors.definition import Definition, read_definition
from oddsock.telemetry.monitors.states import GroupState, Reading, Status, Transition, is_forgettable, judge, worst

NOW_MS = 1_761_812_640_000


def _monitor(query: str = "avg(last_5m):avg:a{*} > 10", kind: str = "query alert", **options: Any) -> Definition:
    return read_definition({"type": kind, "query": query, "options": options}, 7)


class Course:
    """One group of a monitor through time; every step is a minute."""

    def __init__(self, monitor: Definition, speed: float = 1.0) -> None:
        self.monitor = monitor
        self.speed = speed
        self.state: GroupState | None = None
        self.now_ms = NOW_MS
        self.transitions: list[Transition] = []

    def see(self, *values: float | Reading | None) -> list[str]:
        """The states after each reading; None is a reading without data."""
        statuses = []
        for value in values:
            reading = value if isinstance(value, Reading) else Reading(value=value)
            self.state, transition = judge(self.monitor, self.state, reading, "*", self.now_ms, self.speed)
            if transition is not None:
                self.transitions.append(transition)
            statuses.append(self.state.status.value)
            self.now_ms += 60_000
        return statuses

    @property
    def told(self) -> list[str]:
        """The states that people were told of."""
        return [one.after.value for one in self.transitions if one.is_told]


def test_a_value_past_its_threshold_is_an_alert_and_back_is_a_recovery() -> None:
    course = Course(_monitor())
    assert course.see(5, 10, 11, 12, 10) == ["OK", "OK", "Alert", "Alert", "OK"]
    assert course.told == ["Alert", "OK"]
    assert [(one.before, one.after) for one in course.transitions] == [
        (None, Status.OK),
        (Status.OK, Status.ALERT),
        (Status.ALERT, Status.OK),
    ]
    assert not course.transitions[0].has_event


def test_a_warning_lies_between_and_each_step_is_told() -> None:
    course = Course(_monitor(thresholds={"critical": 10, "warning": 5}))
    assert course.see(6, 11, 6, 5) == ["Warn", "Alert", "Warn", "OK"]
    assert course.told == ["Warn", "Alert", "Warn", "OK"]


def test_a_monitor_with_recovery_thresholds_does_not_flap() -> None:
    limits = {"critical": 10, "critical_recovery": 8, "warning": 5, "warning_recovery": 3}
    course = Course(_monitor(thresholds=limits))
    assert course.see(11, 9, 8, 4, 3) == ["Alert", "Alert", "Warn", "Warn", "OK"]


def test_below_works_as_above_the_other_way_round() -> None:
    limits = {"critical": 1, "critical_recovery": 2}
    course = Course(_monitor("avg(last_5m):avg:a{*} < 1", thresholds=limits))
    assert course.see(1, 0, 1, 2) == ["OK", "Alert", "Alert", "OK"]


@pytest.mark.parametrize(
    ("options", "expected", "told"),
    [
        ({}, ["Alert", "Alert", "Alert", "Alert"], ["Alert"]),
        (
            {"notify_no_data": True, "no_data_timeframe": 2},
            ["Alert", "Alert", "No Data", "No Data"],
            ["Alert", "No Data"],
        ),
        ({"on_missing_data": "resolve"}, ["Alert", "OK", "OK", "OK"], ["Alert", "OK"]),
        ({"on_missing_data": "show_no_data"}, ["Alert", "No Data", "No Data", "No Data"], ["Alert"]),
        (
            {"on_missing_data": "show_and_notify_no_data"},
            ["Alert", "No Data", "No Data", "No Data"],
            ["Alert", "No Data"],
        ),
    ],
)
def test_missing_data_is_treated_as_the_monitor_says(options: Any, expected: list[str], told: list[str]) -> None:
    course = Course(_monitor(**options))
    course.see(11)
    assert ["Alert", *course.see(None, None, None)] == expected
    assert course.told == told


def test_what_never_reported_has_no_data_and_tells_nobody() -> None:
    course = Course(_monitor(notify_no_data=True, no_data_timeframe=1))
    assert course.see(None, None, None) == ["No Data"] * 3
    assert course.told == []
    assert not course.transitions[0].has_event


def test_an_alert_that_was_silent_for_a_while_is_not_told_twice() -> None:
    course = Course(_monitor(on_missing_data="show_no_data"))
    assert course.see(11, None, 11, 1) == ["Alert", "No Data", "Alert", "OK"]
    assert course.told == ["Alert", "OK"]


def test_what_cannot_be_asked_is_unknown_with_its_reason() -> None:
    course = Course(_monitor())
    failed = Reading(is_failed=True, reason="the disk is full")
    assert course.see(11, failed, None, 11) == ["Alert", "Unknown", "No Data", "Alert"]
    assert course.transitions[1].reason == "the disk is full"
    assert course.told == ["Alert"]


def test_a_window_that_is_not_full_is_skipped_where_the_monitor_wants_it_full() -> None:
    course = Course(_monitor(require_full_window=True))
    part = Reading(value=11, is_window_full=False)
    assert course.see(part, 11, part) == ["Skipped", "Alert", "Alert"]


def test_a_group_that_is_new_is_ignored_for_a_while() -> None:
    course = Course(_monitor("avg(last_5m):avg:a{*} by {host} > 10", new_group_delay=90))
    assert course.see(11, 11, 11) == ["Ignored", "Ignored", "Alert"]


def test_an_alert_is_told_again_as_often_as_the_monitor_says() -> None:
    course = Course(_monitor(renotify_interval=2, renotify_occurrences=2))
    course.see(*[11] * 10)
    assert course.told == ["Alert", "Alert", "Alert"]
    assert [one.is_repeated for one in course.transitions] == [False, True, True]
    assert Course(_monitor(renotify_interval=2, renotify_statuses=["warn"])).see(*[11] * 5) == ["Alert"] * 5


def test_a_high_speed_divides_every_wait() -> None:
    course = Course(_monitor(notify_no_data=True, no_data_timeframe=60, renotify_interval=60), speed=60.0)
    assert course.see(11, 11, None) == ["Alert", "Alert", "No Data"]
    assert course.told == ["Alert", "Alert", "No Data"]


def test_a_group_without_data_for_a_day_is_forgotten_but_not_while_it_is_an_alert() -> None:
    monitor = _monitor("avg(last_5m):avg:a{*} by {host} > 10")
    course = Course(monitor)
    course.see(1)
    assert course.state is not None
    day_ms = 25 * 3_600_000
    assert is_forgettable(monitor, course.state, NOW_MS + day_ms, 1)
    assert not is_forgettable(monitor, course.state, NOW_MS + day_ms // 2, 1)
    course.see(11)
    assert not is_forgettable(monitor, course.state, NOW_MS + day_ms, 1)


def test_a_monitor_is_as_bad_as_its_worst_group() -> None:
    assert worst([Status.OK, Status.WARN, Status.NO_DATA]) is Status.WARN
    assert worst([]) is Status.NO_DATA


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"thresholds": {"critical": 11}}, "does not match that used in the query"),
        ({"thresholds": {"critical": 10, "warning": 12}}, "warning (12) must be below critical (10)"),
        ({"thresholds": {"warning_recovery": 1}}, "warning_recovery needs options.thresholds.warning"),
        ({"thresholds": {"critical": "ten"}}, "$.options.thresholds.critical"),
        ({"no_data_timeframe": -1}, "no_data_timeframe must be from 0"),
        ({"on_missing_data": "guess"}, "on_missing_data"),
    ],
)
def test_options_that_contradict_are_refused(options: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        _monitor(**options)
    assert sentence in str(error.value)


def test_a_service_check_counts_no_more_reports_than_it_looks_at() -> None:
    query = '"c".over("*").last(2).count_by_status()'
    with pytest.raises(UsageError, match="from 1 to"):
        _monitor(query, "service check", thresholds={"critical": 3})
