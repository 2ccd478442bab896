"""Log lines and their histogram as pages tell them."""

from typing import Any

import pytest

from oddsock.clients.datadog.records import Bucket, Event, Log
from oddsock.console.log_documents import BARS_MAX, STEPS_MS, list_facets, make_histogram, make_line, step_ms
from oddsock.console.pages.events import make_row
from oddsock.console.span import Span, write_instant

ORDER = "690320cee2c84800016ceb4a"


def _log(message: str = "", **more: Any) -> Log:
    return Log(id="1", at="2025-10-30T08:24:46.328Z", message=message, **more)


def _span(from_ms: int, to_ms: int) -> Span:
    return Span(from_text="", to_text="", from_ms=from_ms, to_ms=to_ms)


@pytest.mark.parametrize(
    "message",
    [
        f"Order {ORDER} status updated to PAYMENT_FAILED due to: Connection refused",
        f"Payment failed for order {ORDER}: I/O error",
        f'Order response: {{"id":"{ORDER}","customerId":"57a98d98e4b00679b4a830b2"}}',
        f"Saved order: CustomerOrder{{id='{ORDER}', customerId='57a98d98e4b00679b4a830b2'}}",
        f"GET /orders/{ORDER} 200 4.018 ms",
    ],
)
def test_a_line_leads_to_the_order_that_it_names(message: str) -> None:
    assert make_line(_log(message)).order == ORDER


def test_what_is_no_order_is_not_taken_for_one() -> None:
    assert make_line(_log("Attempting to get cart: 57a98d98e4b00679b4a830b2")).order == ""
    assert make_line(_log(f"order {ORDER}00")).order == ""


def test_an_attribute_knows_the_order_better_than_the_message() -> None:
    assert make_line(_log(f"order {ORDER}", attributes={"order": {"id": "other"}})).order == "other"


@pytest.mark.parametrize(
    "attributes",
    [{"trace_id": "ab"}, {"dd": {"trace_id": "ab"}}, {"dd.trace_id": "ab"}, {"sleuth": {"trace_id": "ab"}}],
)
def test_a_line_leads_to_its_trace(attributes: dict[str, Any]) -> None:
    assert make_line(_log(attributes=attributes)).trace == "ab"


def test_no_card_is_shown_but_ids_are() -> None:
    line = make_line(
        _log(
            "longNum=5953580604169678, ccv=678", attributes={"card": "5953580604169678", "trace_id": "1234567890123456"}
        )
    )

    assert "5953580604169678" not in line.message
    assert "678," not in line.message.replace("9678,", "")
    assert line.attributes == {"card": "************9678", "trace_id": "1234567890123456"}


def test_what_can_be_searched_by_is_told_from_the_lines() -> None:
    logs = [_log(tags=("pod_name:a", "env:b", "bare"), attributes={"http": {"status_code": 500}, "duration": 3})]

    found = list_facets(logs)

    assert found[:2] == ["status", "service"]
    assert found[-4:] == ["env", "pod_name", "@duration", "@http.status_code"]


@pytest.mark.parametrize("length_ms", [1, 60_000, 900_000, 3_600_000, 14_400_000, 86_400_000, 40 * 86_400_000])
def test_a_histogram_has_no_more_bars_than_fit_and_whole_minutes_from_a_minute_on(length_ms: int) -> None:
    step = step_ms(_span(0, length_ms))

    assert step in STEPS_MS
    assert length_ms / step <= BARS_MAX
    assert step <= 60_000 or step % 60_000 == 0


def test_bars_are_counted_by_status_worst_first() -> None:
    points = [{"time": write_instant(60_000), "value": 3}, {"time": write_instant(120_000), "value": 1}]
    buckets = [
        Bucket(by={"status": "info"}, computes={"c0": points}),
        Bucket(by={"status": "error"}, computes={"c0": points[:1]}),
    ]

    told = make_histogram(buckets, _span(61_000, 150_000), 60_000)

    assert (told["from_ms"], told["to_ms"], told["total"], told["highest"]) == (60_000, 180_000, 7, 6)
    assert [one["name"] for one in told["statuses"]] == ["error", "info"]
    assert told["bars"] == [{"at_ms": 60_000, "n": {"info": 3, "error": 3}}, {"at_ms": 120_000, "n": {"info": 1}}]


def test_an_event_leads_to_the_logs_of_what_it_is_about() -> None:
    event = Event(id="1", at="2025-10-30T08:24:46.000Z", tags=("deployment:payment", "pod_name:payment-1"))

    assert make_row(event)["logs"] == "pod_name:payment-1"
    assert make_row(Event(id="2", at=event.at))["logs"] == ""
