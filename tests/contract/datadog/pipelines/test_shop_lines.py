"""Every kind of record the shop writes is parsed by the pipelines that come along."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from oddsock.telemetry.records import Log

if TYPE_CHECKING:
    from tests.contract.datadog.pipelines.conftest import Record, ShopLines

Processed = Callable[["Record"], Log]

ORDER_ID = "690320cee2c84800016ceb4a"


def test_every_record_of_the_java_services_gives_level_logger_thread_and_date(
    shop_lines: "ShopLines", processed: Processed
) -> None:
    for at_debug in (False, True):
        for record in shop_lines.java(at_debug):
            log, level = processed(record), record.message.split()[2]
            found = log.attributes
            assert log.status == level.lower(), record.message
            assert found["level"] == level
            assert found["logger"]["name"]
            assert found["logger"]["thread_name"] == found["logger"]["thread_name"].strip() != ""
            assert found["sleuth"]["app"] == record.service.removeprefix("sock-shop-")
            assert found["timestamp"] == log.at_ms
            assert log.message == record.message, "the report's queries search the message as it was written"
            # Records without a trace have [orders,,,].
            assert bool(log.trace_id) == (",,," not in record.message), record.message


def test_a_failed_order_shows_its_id_its_statuses_the_reason_and_the_exception(
    shop_lines: "ShopLines", processed: Processed
) -> None:
    created, pending, paying, failed, moved, threw = map(processed, shop_lines.failed_order())
    for log in (created, pending, paying, failed, moved):
        assert log.attributes["order"]["id"] == ORDER_ID
    assert [log.attributes["order"].get("status") for log in (created, pending, moved)] == [
        "CREATED",
        "PENDING",
        "PAYMENT_FAILED",
    ]
    assert "Connection refused" in moved.attributes["order"]["reason"]
    assert [log.status for log in (created, failed, moved, threw)] == ["info", "error", "warn", "error"]
    assert failed.attributes["error"]["kind"] == "org.springframework.web.client.ResourceAccessException"
    assert threw.attributes["error"]["kind"] == "java.net.ConnectException"
    assert threw.attributes["error"]["message"] == "Connection refused (Connection refused)"
    assert threw.attributes["error"]["stack"].startswith("\tat java.net.PlainSocketImpl.socketConnect(Native Method)\n")
    assert threw.attributes["error"]["stack"].endswith("java.lang.Thread.run(Thread.java:748)")
    assert len({log.trace_id for log in (created, pending, paying, failed, moved, threw)}) == 1


def test_every_record_of_orders_that_names_an_order_shows_its_id(shop_lines: "ShopLines", processed: Processed) -> None:
    for record in shop_lines.java():
        if ORDER_ID in record.message:
            assert processed(record).attributes["order"]["id"] == ORDER_ID, record.message


def test_health_of_the_go_services_is_no_error_though_payment_says_another_result(
    shop_lines: "ShopLines", processed: Processed
) -> None:
    records = shop_lines.go_kit()
    assert {record.status for record in records} == {"error"}, "as the agent stamps stderr"
    health = [processed(record) for record in records if "method=Health" in record.message]
    assert {log.attributes["result"] for log in health} == {1, 2}
    assert {log.status for log in health} == {"info"}


def test_every_record_of_the_go_services_gives_its_fields_and_stays_an_error_only_when_it_tells_one(
    shop_lines: "ShopLines", processed: Processed
) -> None:
    for record in shop_lines.go_kit():
        log = processed(record)
        found, tells_error = log.attributes, " err=" in record.message and " err=null" not in record.message
        assert found["caller"], record.message
        assert log.status == ("error" if tells_error else "info"), record.message
        assert ("message" in found.get("error", {})) == tells_error
        if "method=" in record.message:
            assert found["method"] == record.message.partition("method=")[2].split()[0]
            assert found["duration"] >= 0, record.message
        assert log.trace_id == record.message.partition(" trace_id=")[2]
    took = [processed(record).attributes["duration"] for record in shop_lines.go_kit() if "result=2" in record.message]
    assert all(12_500_000 <= duration_ns < 10_000_000_000 for duration_ns in took), took


def test_every_record_of_the_front_end_gives_method_path_code_and_duration_and_the_code_is_the_status(
    shop_lines: "ShopLines", processed: Processed
) -> None:
    codes = {"1": "info", "2": "info", "3": "info", "4": "warn", "5": "error"}
    for record in shop_lines.front_end():
        log = processed(record)
        found = log.attributes
        assert log.trace_id == record.message.partition(" trace_id=")[2].removesuffix("\x1b[0m")
        if "\x1b[0m" in record.message:
            assert found["http"]["method"] in ("GET", "POST", "DELETE")
            assert found["http"]["url_details"]["path"] in ("/catalogue", "/orders", "/cart")
            assert log.status == codes[str(found["http"]["status_code"])[0]]
            assert found.get("duration") in (12_346_000, 23_400_000, None)
        elif "Order response" in record.message:
            assert found["order"]["id"] == ORDER_ID
