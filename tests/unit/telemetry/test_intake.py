"""From bodies to logs: every key in its place, every limit of Datadog's intake."""

import json
from datetime import timedelta
from typing import Any

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.intake import ATTRIBUTES_MAX, LOG_BYTES_MAX, Batch, Intake
from oddsock.telemetry.records import Log
from oddsock.telemetry.store.logs_day import SOURCE_OFFSET

NOW = ManualClock().now()
NOW_MS = int(NOW.timestamp() * 1000)


def _read(body: object, media_type: str = "application/json", **query: str) -> Batch:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Intake(now=NOW).read(raw, media_type, query)


def _log(**entry: Any) -> Log:
    return _read([entry]).logs[0]


def test_reserved_keys_take_their_places_and_other_keys_become_attributes() -> None:
    log = _log(
        message="Order 17 was paid",
        status="WARNING",
        service="sock-shop-orders",
        hostname="sockshop-worker",
        ddsource="java",
        ddtags="kube_namespace:sock-shop, pod_name:orders-1,,kube_namespace:sock-shop",
        timestamp="2025-10-30T08:23:00.250Z",
        order={"id": 17},
    )
    assert log == Log(
        at_ms=NOW_MS - 59_750,
        message="Order 17 was paid",
        status="warn",
        service="sock-shop-orders",
        host="sockshop-worker",
        source="java",
        tags=("kube_namespace:sock-shop", "pod_name:orders-1"),
        attributes={"order": {"id": 17}},
    )


def test_one_object_and_lines_of_text_are_bodies_too() -> None:
    assert [log.message for log in _read({"message": "alone"}).logs] == ["alone"]
    lines = _read("one\n\ntwo\r\n", "text/plain", ddtags="a:b", service="orders", ddsource="java", hostname="h")
    assert [(log.message, log.tags, log.service, log.source, log.host) for log in lines.logs] == [
        ("one", ("a:b",), "orders", "java", "h"),
        ("two", ("a:b",), "orders", "java", "h"),
    ]


def test_a_body_without_a_useful_type_is_read_as_what_it_looks_like() -> None:
    assert _read([{"message": "json"}], "application/x-www-form-urlencoded").logs[0].message == "json"
    assert _read("a line", "application/octet-stream").logs[0].message == "a line"


def test_a_message_that_is_a_json_object_becomes_attributes_and_fills_reserved_keys() -> None:
    inner = {"level": "ERROR", "message": "no route", "dd": {"trace_id": "77"}, "code": 5, "ddtags": "c:d"}
    log = _log(message=json.dumps(inner), status=None, ddtags="a:b")
    assert (log.message, log.status, log.trace_id, log.tags) == ("no route", "error", "77", ("a:b", "c:d"))
    assert log.attributes == {"level": "ERROR", "dd": {"trace_id": "77"}, "code": 5}
    silent = _log(message='{"code":5}')
    assert (silent.message, silent.attributes) == ('{"code":5}', {"code": 5})
    assert _log(message={"code": 5}) == silent


def test_a_message_that_only_looks_like_json_stays_a_message() -> None:
    assert _log(message="{not json}").message == "{not json}"
    assert _log(message=5).message == "5"


@pytest.mark.parametrize(
    ("attributes", "trace_id"),
    [
        ({"dd.trace_id": "1"}, "1"),
        ({"dd": {"trace_id": 2}}, "2"),
        ({"trace_id": "3", "dd": "no object"}, "3"),
        ({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}, "a" * 32),
        ({"traceparent": "broken"}, ""),
    ],
)
def test_the_trace_id_is_found_where_tracers_put_it(attributes: dict[str, Any], trace_id: str) -> None:
    assert _log(message="m", **attributes).trace_id == trace_id


@pytest.mark.parametrize(
    ("date", "late_ms"),
    [
        (NOW_MS - 5, 5),
        (str(NOW_MS - 5), 5),
        ("2025-10-30T08:23:59.999999999Z", 0),
        ("2025-10-30T09:23:59.000+0100", 1000),
        ("yesterday", 0),
        (None, 0),
        (True, 0),
        ([1], 0),
        ("9" * 5000, 0),
    ],
)
def test_a_log_is_dated_by_what_it_says_else_by_its_arrival(date: object, late_ms: int) -> None:
    assert _log(message="m", date=date).at_ms == NOW_MS - late_ms


def test_logs_outside_the_accepted_dates_are_counted_and_left_out() -> None:
    def at(**ago: float) -> dict[str, str]:
        return {"message": "m", "timestamp": (NOW - timedelta(**ago)).isoformat()}

    batch = _read([at(hours=18), at(hours=18, seconds=1), at(hours=-2), at(hours=-2, seconds=-1), {"timestamp": 1e300}])
    assert (len(batch.logs), batch.outside) == (2, 3)


def test_past_a_thousand_entries_the_body_is_too_large() -> None:
    assert len(_read([{"message": "m"}] * 1000).logs) == 1000
    with pytest.raises(ApiError) as refused:
        _read([{"message": "m"}] * 1001)
    assert refused.value.status == 413


def test_a_log_over_one_mebibyte_is_cut_and_its_neighbours_are_not() -> None:
    batch = _read([{"message": "ä" * LOG_BYTES_MAX, "offset": 7}, {"message": "whole"}])
    cut, whole = batch.logs
    assert batch.cut == 1
    assert LOG_BYTES_MAX - 20 < len(cut.message.encode()) <= LOG_BYTES_MAX
    assert set(cut.message) == {"ä"}
    assert (cut.attributes, whole.message) == ({"offset": 7}, "whole")


def test_attributes_that_do_not_fit_into_one_mebibyte_are_left_out() -> None:
    log = _log(message="whole", large="x" * LOG_BYTES_MAX, small=1)
    assert (log.message, log.attributes) == ("whole", {"small": 1})


def test_tags_past_a_hundred_and_attributes_past_256_or_ten_levels_are_cut() -> None:
    deep: dict[str, Any] = {"leaf": 1}
    for level in range(15):
        deep = {f"l{level}": deep}
    log = _log(message="m", ddtags=",".join(f"t:{n}" for n in range(150)), **{f"a{n}": n for n in range(300)})
    assert (len(log.tags), len(log.attributes)) == (100, ATTRIBUTES_MAX)
    levels, found = 0, _log(message="m", **deep).attributes
    while isinstance(found, dict):
        levels, found = levels + 1, next(iter(found.values()))
    assert levels == 10
    assert found == '{"l4":{"l3":{"l2":{"l1":{"l0":{"leaf":1}}}}}}'


def test_the_place_in_a_file_is_kept_when_attributes_are_cut_and_is_never_a_messages_to_say() -> None:
    many = {**{f"a{n}": {"n": n} for n in range(300)}, SOURCE_OFFSET: "orders.log:7"}
    assert _log(message="m", **many).attributes[SOURCE_OFFSET] == "orders.log:7"
    large = {"large": "x" * (LOG_BYTES_MAX - 30), "larger": "x" * LOG_BYTES_MAX, SOURCE_OFFSET: "orders.log:7"}
    assert _log(message="m", **large).attributes == {SOURCE_OFFSET: "orders.log:7"}
    line = json.dumps({SOURCE_OFFSET: "payment.log:999999", "code": 5})
    assert _log(message=line).attributes == {"code": 5}
    assert _log(message=line, **{SOURCE_OFFSET: "orders.log:7"}).attributes[SOURCE_OFFSET] == "orders.log:7"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "said"),
    [
        ("[1]", "application/json", 400, "Log 0 of the body is no JSON object"),
        ("[{]", "application/json", 400, "The body is no JSON"),
        ("[" * 100_000, "application/json", 400, "nested too deeply"),
        ("x", "application/x-protobuf", 415, "send JSON or text/plain"),
    ],
)
def test_what_is_no_log_is_refused_in_a_sentence(body: str, media_type: str, status: int, said: str) -> None:
    with pytest.raises(ApiError, match=said) as refused:
        _read(body, media_type)
    assert refused.value.status == status
