"""Pipelines through the official client: made, read, changed, ordered, deleted; and what they change for a search."""

import json
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from datadog_api_client import ApiClient
from datadog_api_client.exceptions import ApiException, NotFoundException
from datadog_api_client.v1.model.logs_filter import LogsFilter
from datadog_api_client.v1.model.logs_grok_parser import LogsGrokParser
from datadog_api_client.v1.model.logs_grok_parser_rules import LogsGrokParserRules
from datadog_api_client.v1.model.logs_grok_parser_type import LogsGrokParserType
from datadog_api_client.v1.model.logs_pipeline import LogsPipeline
from datadog_api_client.v1.model.logs_pipelines_order import LogsPipelinesOrder
from datadog_api_client.v1.model.logs_status_remapper import LogsStatusRemapper
from datadog_api_client.v1.model.logs_status_remapper_type import LogsStatusRemapperType
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter

with warnings.catch_warnings():
    # Python warns of escapes in the client's docstrings when it compiles them for the first time.
    warnings.simplefilter("ignore")
    from datadog_api_client.v1.api.logs_pipelines_api import LogsPipelinesApi

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server
    from tests.contract.datadog.pipelines.conftest import Record, ShopLines


@pytest.fixture
def client(start_server: "Callable[..., Server]") -> Iterator[ApiClient]:
    """An official client of a server of the test's own: pipelines change what everybody's logs become."""
    with start_server().client() as made:
        yield made


def pipeline(name: str, rule: str = "rule %{word:level} %{data:rest}") -> LogsPipeline:
    return LogsPipeline(
        name=name,
        is_enabled=True,
        filter=LogsFilter(query="source:test"),
        processors=[
            LogsGrokParser(
                type=LogsGrokParserType.GROK_PARSER,
                source="message",
                samples=["ERROR a"],
                grok=LogsGrokParserRules(match_rules=rule, support_rules=""),
            ),
            LogsStatusRemapper(type=LogsStatusRemapperType.STATUS_REMAPPER, sources=["level"]),
        ],
    )


def test_a_pipeline_is_made_read_changed_ordered_and_deleted(client: ApiClient) -> None:
    api = LogsPipelinesApi(client)
    first, second = api.create_logs_pipeline(pipeline("first")), api.create_logs_pipeline(pipeline("second"))
    assert first.is_read_only is False
    assert first.type == "pipeline"
    assert api.get_logs_pipeline(first.id).processors[0].samples == ["ERROR a"]
    assert [found.name for found in api.list_logs_pipelines().value] == ["first", "second"]
    assert api.get_logs_pipeline_order().pipeline_ids == [first.id, second.id]

    turned = LogsPipelinesOrder(pipeline_ids=[second.id, first.id])
    assert api.update_logs_pipeline_order(turned).pipeline_ids == [second.id, first.id]
    assert [found.name for found in api.list_logs_pipelines().value] == ["second", "first"]

    assert api.update_logs_pipeline(first.id, pipeline("renamed")).id == first.id
    assert api.get_logs_pipeline(first.id).name == "renamed"
    api.delete_logs_pipeline(first.id)
    with pytest.raises(NotFoundException, match="There is no pipeline"):
        api.get_logs_pipeline(first.id)
    assert api.get_logs_pipeline_order().pipeline_ids == [second.id]


def test_what_is_wrong_is_refused_with_rule_line_and_column(client: ApiClient) -> None:
    api = LogsPipelinesApi(client)
    with pytest.raises(ApiException) as caught:
        api.create_logs_pipeline(pipeline("wrong", "good a\nbad %{word:x"))
    assert caught.value.status == 400
    said = json.loads(json.dumps(caught.value.body))
    assert "processors[0].grok.match_rules, rule bad, line 2, column 13: the closing brace" in str(said)
    with pytest.raises(ApiException) as caught:
        api.update_logs_pipeline_order(LogsPipelinesOrder(pipeline_ids=["nobody"]))
    assert caught.value.status == 422
    assert api.list_logs_pipelines().value == []


def send(client: ApiClient, records: "list[Record]", tag: str) -> None:
    items = [
        HTTPLogItem(message=r.message, service=r.service, ddtags=f"kube_namespace:sock-shop,run:{tag}", status=r.status)
        for r in records
    ]
    LogsApi(client).submit_log(body=HTTPLog(items))


def search(client: ApiClient, query: str) -> list[Any]:
    request = LogsListRequest(
        filter=LogsQueryFilter(query=query, _from="now-1h", to="now+1h"), page=LogsListRequestPage(limit=1000)
    )
    return [found.attributes for found in LogsApi(client).list_logs(body=request).data]


def test_status_error_finds_the_error_lines_of_orders_only_when_the_pipelines_are_on(
    client: ApiClient, shop_lines: "ShopLines", bodies: dict[str, Any]
) -> None:
    records = [*shop_lines.failed_order(), *shop_lines.go_kit(), *shop_lines.front_end()]
    orders = "kube_namespace:sock-shop service:sock-shop-orders"

    send(client, records, "before")
    assert search(client, f"{orders} status:error run:before") == []
    assert len(search(client, f'{orders} "ERROR" run:before')) == 2, "the report's work-around"
    assert search(client, "service:sock-shop-payment -status:error run:before") == [], "all of stderr is an error"
    assert search(client, "@order.id:690320cee2c84800016ceb4a run:before") == []

    for body in bodies.values():
        LogsPipelinesApi(client).create_logs_pipeline(LogsPipeline(**body))
    send(client, records, "after")
    errors = search(client, f"{orders} status:error run:after")
    assert sorted(found.attributes["error"]["kind"] for found in errors) == [
        "java.net.ConnectException",
        "org.springframework.web.client.ResourceAccessException",
    ]
    assert all(" ERROR [" in found.message for found in errors)
    assert len(search(client, f'{orders} "ERROR" run:after')) == 2, "the queries of the report find what they found"
    failed = search(client, f"{orders} status:warn @order.status:PAYMENT_FAILED run:after")
    assert ["status updated to PAYMENT_FAILED" in found.message for found in failed] == [True]
    health = search(client, "service:sock-shop-payment @method:Health run:after")
    assert {found.status for found in health} == {"info"}
    refused = search(client, "service:sock-shop-front-end status:error @http.status_code:500 run:after")
    assert {found.attributes["http"]["url_details"]["path"] for found in refused} >= {"/orders"}
    assert len(search(client, "@order.id:690320cee2c84800016ceb4a service:sock-shop-orders run:after")) == 5


def test_a_rule_that_never_ends_does_not_keep_the_intake_from_answering(client: ApiClient) -> None:
    LogsPipelinesApi(client).create_logs_pipeline(
        LogsPipeline(
            name="slow",
            is_enabled=True,
            filter=LogsFilter(query=""),
            processors=pipeline("slow", "rule (a+)+b%{data:x}").processors,
        )
    )
    items = [HTTPLogItem(message="a" * 60, ddtags="run:slow", service="test") for _ in range(200)]
    # Each of the 200 alone would take longer than the age of the universe.
    LogsApi(client).submit_log(body=HTTPLog(items))
    assert len(search(client, "run:slow")) == 200
