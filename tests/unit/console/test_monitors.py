"""What the pages of monitors tell."""

from oddsock.clients.datadog.records import Monitor, MonitorChange
from oddsock.console.pages.monitors import asked_of, bands_of, describe
from oddsock.console.span import read_span
from oddsock.kit.clock import ManualClock


def test_states_are_bands_cut_to_the_time_that_is_shown() -> None:
    changes = [
        MonitorChange(at="2025-10-30T08:20:00Z", group="*", before="Alert", after="OK"),
        MonitorChange(at="2025-10-30T08:10:00Z", group="*", before="OK", after="Alert"),
        MonitorChange(at="2025-10-30T08:00:00Z", group="*", after="OK"),
    ]
    span = read_span({"from": "now-15m"}, ManualClock())

    (band,) = bands_of(changes, span)

    lasting = [(part["state"], (part["to_ms"] - part["from_ms"]) // 1000) for part in band["parts"]]
    assert lasting == [("OK", 60), ("Alert", 600), ("OK", 240)]
    assert (band["parts"][0]["from_ms"], band["parts"][-1]["to_ms"]) == (span.from_ms, span.to_ms)


def test_the_groups_that_are_wrong_stand_first() -> None:
    groups = {name: {"status": state} for name, state in (("a", "OK"), ("b", "No Data"), ("c", "Alert"), ("d", "Warn"))}

    told = describe(Monitor(id=1, groups=groups))

    assert [(group["name"], group["colour"]) for group in told["groups"]] == [
        ("c", "bad"),
        ("d", "wait"),
        ("b", "off"),
        ("a", "good"),
    ]


def test_a_search_of_logs_is_told_as_one_writes_it() -> None:
    query = r'logs("service:x \"some words\"").index("*").rollup("count").last("5m") > 0'

    assert asked_of(query) == {"source": "logs", "query": 'service:x "some words"'}
    assert asked_of('"payment.can_connect".over("a:b").last(3).count_by_status()')["source"] == "check"
    assert asked_of("1001 && 1002")["source"] == ""
