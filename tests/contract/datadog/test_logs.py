"""Logs sent and read with the official Python client, datadog-api-client."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from datadog_api_client import ApiClient
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.logs_api import LogsApi as LogsApiV1
from datadog_api_client.v1.model.logs_list_request import LogsListRequest as LogsListRequestV1
from datadog_api_client.v1.model.logs_list_request_time import LogsListRequestTime
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
from datadog_api_client.v2.model.logs_aggregate_request import LogsAggregateRequest
from datadog_api_client.v2.model.logs_aggregation_function import LogsAggregationFunction
from datadog_api_client.v2.model.logs_compute import LogsCompute
from datadog_api_client.v2.model.logs_compute_type import LogsComputeType
from datadog_api_client.v2.model.logs_group_by import LogsGroupBy
from datadog_api_client.v2.model.logs_list_request import LogsListRequest
from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter
from datadog_api_client.v2.model.logs_sort import LogsSort

if TYPE_CHECKING:
    from tests.contract.datadog.conftest import Server

CALL_S_MAX = 60


def _mark() -> str:
    """A tag that no other test has."""
    return f"run:{uuid.uuid4().hex}"


def _request(query: str, limit: int | None = None, **more: Any) -> LogsListRequest:
    page = LogsListRequestPage(limit=limit) if limit else LogsListRequestPage()
    return LogsListRequest(filter=LogsQueryFilter(query=query, _from="now-1h", to="now+1h"), page=page, **more)


def _send(client: ApiClient, mark: str, *entries: dict[str, Any]) -> None:
    items = [HTTPLogItem(**{"message": "", "ddtags": mark, **entry}) for entry in entries]
    LogsApi(client).submit_log(HTTPLog(items))


@pytest.fixture
def mark(server: "Server") -> str:
    """The tag of twelve logs, one a second: eleven of orders, every third an error, and one of payment."""
    tag, now = _mark(), datetime.now(UTC)
    with server.client() as client:
        entries = [
            {
                "message": f"Order {n} status updated to {'PAYMENT_FAILED' if n % 3 == 0 else 'PAID'}",
                "service": "payment" if n == 11 else "sock-shop-orders",
                "status": "error" if n % 3 == 0 else "info",
                "hostname": "sockshop-worker",
                "ddsource": "java",
                "timestamp": (now - timedelta(seconds=60 - n)).isoformat(),
                "order": {"id": n, "total_cents": n * 100},
            }
            for n in range(12)
        ]
        _send(client, tag, *entries)
    return tag


def test_a_log_comes_back_as_it_was_sent(server: "Server") -> None:
    mark = _mark()
    with server.client() as client:
        entry = {"message": "Order 17 was paid", "status": "WARNING", "service": "orders", "hostname": "worker"}
        _send(client, mark, {**entry, "ddsource": "java", "order_id": "17", "ddtags": f"{mark},pod_name:orders-1"})
        (log,) = LogsApi(client).list_logs(body=_request(mark)).data
    assert log.type.value == "log"
    found = log.attributes
    assert (found.message, found.status, found.service, found.host) == ("Order 17 was paid", "warn", "orders", "worker")
    assert (found.tags, found.attributes) == ([mark, "pod_name:orders-1", "source:java"], {"order_id": "17"})
    assert abs(found.timestamp - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_the_client_may_compress_what_it_sends(server: "Server", encoding: str) -> None:
    mark = _mark()
    with server.client() as client:
        body = HTTPLog([HTTPLogItem(message="compressed")])
        LogsApi(client).submit_log(body, content_encoding=ContentEncoding(encoding), ddtags=f"{mark},a:b")
        (log,) = LogsApi(client).list_logs(body=_request(mark)).data
    assert (log.attributes.message, log.attributes.tags) == ("compressed", [mark, "a:b"])


def test_the_address_of_version_one_takes_logs_too(server: "Server") -> None:
    mark = _mark()
    body = gzip.compress(json.dumps({"message": "one object", "ddtags": mark}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with urlopen(
        Request(f"{server.url}/v1/input/{server.api_key}", data=body, headers=headers), timeout=CALL_S_MAX
    ) as answer:
        assert (answer.status, json.loads(answer.read())) == (200, {})
    with server.client() as client:
        assert len(LogsApi(client).list_logs(body=_request(mark)).data) == 1


def test_lines_of_text_are_logs(server: "Server") -> None:
    mark = _mark()
    server.ask("POST", f"/api/v2/logs?ddtags={mark}&service=carts", b"one\ntwo\n", {"Content-Type": "text/plain"})
    with server.client() as client:
        found = LogsApi(client).list_logs(body=_request(f"{mark} service:carts", sort=LogsSort("timestamp"))).data
    assert [log.attributes.message for log in found] == ["one", "two"]


def test_the_query_of_the_report_finds_its_lines(server: "Server", mark: str) -> None:
    with server.client() as client:
        query = f'{mark} service:sock-shop-orders "status updated to PAYMENT_FAILED"'
        found = LogsApi(client).list_logs(body=_request(query)).data
        by_attribute = LogsApi(client).list_logs(body=_request(f"{mark} @order.total_cents:[200 TO 400]")).data
    assert [log.attributes.attributes["order"]["id"] for log in found] == [9, 6, 3, 0]
    assert [log.attributes.attributes["order"]["id"] for log in by_attribute] == [4, 3, 2]


@pytest.mark.parametrize(("sort", "wanted"), [("timestamp", list(range(12))), ("-timestamp", list(range(11, -1, -1)))])
def test_the_paging_iterator_sees_every_log_once_in_order(
    server: "Server", mark: str, sort: str, wanted: list[int]
) -> None:
    with server.client() as client:
        body = _request(mark, limit=5, sort=LogsSort(sort))
        found = [
            log.attributes.attributes["order"]["id"] for log in LogsApi(client).list_logs_with_pagination(body=body)
        ]
        by_address = LogsApi(client).list_logs_get_with_pagination(
            filter_query=mark,
            filter_from=datetime.now(UTC) - timedelta(hours=1),
            filter_to=datetime.now(UTC) + timedelta(hours=1),
            sort=LogsSort(sort),
            page_limit=4,
        )
        assert [log.attributes.attributes["order"]["id"] for log in by_address] == wanted
    assert found == wanted


def test_the_last_page_has_no_cursor_and_others_have(server: "Server", mark: str) -> None:
    with server.client() as client:
        whole = LogsApi(client).list_logs(body=_request(mark, limit=12))
        part = LogsApi(client).list_logs(body=_request(mark, limit=11))
    assert "page" not in whole.meta.to_dict()
    assert part.meta.page.after
    following = server.ask("GET", part.links.next.removeprefix(server.url))
    assert [row["attributes"]["attributes"]["order"]["id"] for row in following["data"]] == [0]


def test_pages_stay_whole_while_logs_come_in(server: "Server", mark: str) -> None:
    with server.client() as client:
        seen = []
        for log in LogsApi(client).list_logs_with_pagination(body=_request(mark, limit=3)):
            _send(client, mark, {"message": "later", "order": {"id": -1}})
            seen.append(log.attributes.attributes["order"]["id"])
    assert seen == list(range(11, -1, -1))


def test_counts_measures_and_groups_are_computed(server: "Server", mark: str) -> None:
    functions = ("count", "sum", "avg", "min", "max", "median", "cardinality")
    with server.client() as client:
        body = LogsAggregateRequest(
            compute=[
                LogsCompute(aggregation=LogsAggregationFunction(name), metric="@order.total_cents")
                if name != "count"
                else LogsCompute(aggregation=LogsAggregationFunction(name))
                for name in functions
            ],
            filter=LogsQueryFilter(query=mark, _from="now-1h", to="now+1h"),
            group_by=[LogsGroupBy(facet="service")],
        )
        buckets = LogsApi(client).aggregate_logs(body=body).data.buckets
    measured = {bucket.by["service"]: [bucket.computes[f"c{n}"] for n in range(7)] for bucket in buckets}
    assert measured == {
        "sock-shop-orders": [11, 5500, 500, 0, 1000, 500, 11],
        "payment": [1, 1100, 1100, 1100, 1100, 1100, 1],
    }


def test_a_series_counts_every_log_once(server: "Server", mark: str) -> None:
    with server.client() as client:
        compute = LogsCompute(
            aggregation=LogsAggregationFunction("count"), type=LogsComputeType("timeseries"), interval="10s"
        )
        filter_ = LogsQueryFilter(query=mark, _from="now-1h", to="now+1h")
        body = LogsAggregateRequest(compute=[compute], filter=filter_)
        (bucket,) = LogsApi(client).aggregate_logs(body=body).data.buckets
    points = bucket.computes["c0"].value
    assert sum(point.value for point in points) == 12
    assert 2 <= len(points) <= 3


def test_a_total_and_what_is_missing_have_buckets_when_asked_for(server: "Server", mark: str) -> None:
    with server.client() as client:
        _send(client, mark, {"message": "no service"})
        group = {"facet": "service", "missing": "none", "total": "all", "limit": 1}
        filter_ = {"query": mark, "from": "now-1h", "to": "now+1h"}
        body = json.dumps({"compute": [{"aggregation": "count"}], "filter": filter_, "group_by": [group]}).encode()
        found = server.ask("POST", "/api/v2/logs/analytics/aggregate", body)
    counted = {bucket["by"]["service"]: bucket["computes"]["c0"] for bucket in found["data"]["buckets"]}
    assert counted["sock-shop-orders"] == 11
    assert counted["all"] == 13


def test_groups_lost_by_the_typed_client_are_told(server: "Server") -> None:
    with pytest.raises(HTTPError) as refused:
        server.ask(
            "POST", "/api/v2/logs/analytics/aggregate", b'{"group_by": {}}', {"Content-Type": "application/json"}
        )
    assert refused.value.code == 400
    assert "send a list of groups" in json.loads(refused.value.read())["errors"][0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"filter": {"query": "service:(a OR"}}, "Column "),
        ({"filter": {"from": "yesterday"}}, "'yesterday'"),
        ({"filter": {"from": "now", "to": "now-1h"}}, "the other way round"),
        ({"page": {"cursor": "bm8="}}, "take meta.page.after"),
        ({"page": {"cursor": "\u00e4"}}, "take meta.page.after"),
        ({"page": {"limit": 1001}}, "1000"),
        ({"page": {"limit": 0}}, "1"),
        ({"sort": "service"}, "sort"),
        ({"filter": []}, "$.filter"),
        ([], "object"),
    ],
)
def test_a_wrong_search_is_refused_in_a_sentence(server: "Server", body: object, said: str) -> None:
    with pytest.raises(HTTPError) as refused:
        server.ask(
            "POST", "/api/v2/logs/events/search", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
    assert refused.value.code == 400
    assert said in json.loads(refused.value.read())["errors"][0]


def test_the_trap_of_precedence_is_told_as_a_warning(server: "Server") -> None:
    with server.client() as client:
        query = 'service:shipping "rejected" OR "Message rejected"'
        answer = LogsApi(client).list_logs(body=_request(query))
    assert answer.meta.warnings[0].detail


def test_the_search_of_version_one_pages_by_the_id_of_a_log(server: "Server", mark: str) -> None:
    now, seen, start_at = datetime.now(UTC), [], None
    with server.client() as client:
        while True:
            time = LogsListRequestTime(_from=now - timedelta(hours=1), to=now + timedelta(minutes=1))
            more: dict[str, Any] = {"start_at": start_at} if start_at else {}
            found = LogsApiV1(client).list_logs(body=LogsListRequestV1(query=mark, time=time, limit=5, **more))
            seen += [log.content.attributes["order"]["id"] for log in found.logs]
            start_at = found.next_log_id
            if not start_at:
                break
    assert seen == list(range(11, -1, -1))


def test_a_batch_past_a_limit_is_refused_whole(server: "Server") -> None:
    mark = _mark()
    with server.client() as client:
        with pytest.raises(ApiException) as refused:
            _send(client, mark, *({"message": str(n)} for n in range(1001)))
        assert refused.value.status == 413
        with pytest.raises(ApiException) as refused:
            _send(client, mark, *({"message": "x" * 900_000} for n in range(6)))
        assert refused.value.status == 413
        assert LogsApi(client).list_logs(body=_request(mark)).data == []


def test_values_of_a_facet_are_completed(server: "Server", mark: str) -> None:
    found = server.ask("GET", f"/_oddsock/facets?facet=service&query={mark}&prefix=sock&from=now-1h")
    assert found == {"facet": "service", "values": [{"value": "sock-shop-orders", "count": 11}]}
    everywhere = server.ask("GET", "/_oddsock/facets?facet=service&prefix=sock-shop-or&from=now-1h")["values"]
    assert [row["value"] for row in everywhere] == ["sock-shop-orders"]


def test_a_live_tail_sees_what_it_follows_as_it_comes(server: "Server") -> None:
    mark = _mark()
    headers = {"DD-API-KEY": server.api_key, "DD-APPLICATION-KEY": server.app_key}
    with urlopen(Request(f"{server.url}/_oddsock/tail?query={mark}", headers=headers), timeout=CALL_S_MAX) as tail:
        assert tail.readline() == b": following\n"
        with server.client() as client:
            _send(client, _mark(), {"message": "another's"})
            _send(client, mark, {"message": "ours"})
        lines = [tail.readline() for _ in range(3)]
    assert lines[1] == b"event: log\n"
    assert json.loads(lines[2].removeprefix(b"data: "))["attributes"]["message"] == "ours"


def test_whatever_is_there_is_read_page_by_page(reader: ApiClient) -> None:
    body = LogsListRequest(
        filter=LogsQueryFilter(query="*", _from="now-15m", to="now"),
        page=LogsListRequestPage(limit=2),
        sort=LogsSort("-timestamp"),
    )
    first = LogsApi(reader).list_logs(body=body)
    if "page" in first.meta.to_dict():
        body.page.cursor = first.meta.page.after
        second = LogsApi(reader).list_logs(body=body)
        assert not {log.id for log in first.data} & {log.id for log in second.data}
    stamps = [log.attributes.timestamp for log in first.data]
    assert stamps == sorted(stamps, reverse=True)


def test_whatever_is_there_is_counted_by_status(reader: ApiClient) -> None:
    filter_ = LogsQueryFilter(query="*", _from="now-15m", to="now")
    compute = [LogsCompute(aggregation=LogsAggregationFunction("count"))]
    whole = LogsApi(reader).aggregate_logs(body=LogsAggregateRequest(compute=compute, filter=filter_))
    by_status = LogsApi(reader).aggregate_logs(
        body=LogsAggregateRequest(compute=compute, filter=filter_, group_by=[LogsGroupBy(facet="status")])
    )
    assert all(bucket.computes["c0"] >= 0 for bucket in whole.data.buckets)
    assert all(set(bucket.by) == {"status"} for bucket in by_status.data.buckets)


def test_a_query_that_cannot_be_parsed_is_refused(reader: ApiClient) -> None:
    with pytest.raises(ApiException) as refused:
        LogsApi(reader).list_logs(body=LogsListRequest(filter=LogsQueryFilter(query="(service:a", _from="now-1h")))
    assert refused.value.status == 400
