"""What a transition is told with: conditions and variables of the message, handles, titles."""

from typing import Any

import pytest

from oddsock.telemetry.monitors.definition import read_definition
from oddsock.telemetry.monitors.event_rollup import roll_up_events
from oddsock.telemetry.monitors.notice import compose_event, describe, render
from oddsock.telemetry.monitors.states import Status, Transition
from oddsock.telemetry.records import Event

MONITOR = read_definition(
    {
        "type": "query alert",
        "query": "avg(last_5m):avg:a{*} by {host} > 10",
        "name": "load",
        "options": {"thresholds": {"critical": 10, "warning": 5}, "escalation_message": "still!"},
    },
    7,
)


def _transition(after: Status, before: Status | None = Status.OK, **more: Any) -> Transition:
    return Transition(monitor_id=7, group="host:a,pod:b", at_ms=1, before=before, after=after, value=12.5, **more)


@pytest.mark.parametrize(
    ("message", "after", "before", "text"),
    [
        ("{{#is_alert}}down{{/is_alert}}{{#is_recovery}}up{{/is_recovery}}", Status.ALERT, Status.OK, "down"),
        ("{{#is_alert}}down{{/is_alert}}{{#is_recovery}}up{{/is_recovery}}", Status.OK, Status.ALERT, "up"),
        ("{{^is_alert}}calm{{/is_alert}}", Status.WARN, Status.OK, "calm"),
        (
            "{{#is_warning}}a{{#is_alert_to_warning}}b{{/is_alert_to_warning}}{{/is_warning}}",
            Status.WARN,
            Status.ALERT,
            "ab",
        ),
        ("{{value}} > {{threshold}}, {{ warn_threshold }}", Status.ALERT, Status.OK, "12.5 > 10, 5"),
        ("{{host.name}} and {{pod.name}}", Status.ALERT, Status.OK, "a and b"),
        ("{{unheard.of}} {{#if x}}{{/is_alert}}", Status.ALERT, Status.OK, "{{unheard.of}} {{#if x}}{{/is_alert}}"),
        ("{{#is_alert}}never closed", Status.ALERT, Status.OK, "never closed"),
    ],
)
def test_a_message_is_rendered_as_the_transition_is(message: str, after: Status, before: Status, text: str) -> None:
    assert render(message, MONITOR, _transition(after, before)) == text


def test_an_event_names_the_group_and_a_repeated_one_escalates() -> None:
    event = compose_event(MONITOR, _transition(Status.ALERT, reason="because"))
    assert event.title == "[Triggered on {host:a,pod:b}] load"
    assert event.text.endswith("because")
    assert event.tags == ("host:a", "pod:b", "monitor_id:7")
    assert event.attributes["monitor"]["query"] == MONITOR.body.query
    again = compose_event(MONITOR, _transition(Status.ALERT, Status.ALERT))
    assert (again.title, again.text) == ("[Re-Triggered on {host:a,pod:b}] load", "still!")
    assert describe(_transition(Status.UNKNOWN)) == "Unknown"


def test_events_are_rolled_up_by_every_value_of_a_facet() -> None:
    events = [
        Event(at_ms=1, title="x", tags=("a:1", "a:2"), attributes={"n": 4}),
        Event(at_ms=2, title="y", tags=("a:1",), attributes={"n": "6"}),
        Event(at_ms=3, title="z"),
    ]
    one, two = (("a", "1"),), (("a", "2"),)
    assert roll_up_events(events, "count", "", ["a"]) == {one: 2.0, two: 1.0}
    assert roll_up_events(events, "avg", "@n", ["a"]) == {one: 5.0, two: 4.0}
    assert roll_up_events(events, "cardinality", "a", []) == {(): 2.0}
    assert roll_up_events(events, "median", "@n", []) == {(): 5.0}
    assert roll_up_events(events, "max", "@absent", []) == {(): None}
    assert roll_up_events([], "count", "", []) == {(): 0.0}
