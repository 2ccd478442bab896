"""Metrics through official clients: datadog-api-client (versions 1 and 2), datadog and dogshell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import datadog
import pytest
from datadog.api.http_client import RequestClient
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.metrics_api import MetricsApi as MetricsApiV1
from datadog_api_client.v1.model.metric_metadata import MetricMetadata
from datadog_api_client.v1.model.metrics_payload import MetricsPayload
from datadog_api_client.v1.model.point import Point
from datadog_api_client.v1.model.series import Series
from datadog_api_client.v2.api.metrics_api import MetricsApi
from datadog_api_client.v2.model.metric_content_encoding import MetricContentEncoding
from datadog_api_client.v2.model.metric_intake_type import MetricIntakeType
from datadog_api_client.v2.model.metric_payload import MetricPayload
from datadog_api_client.v2.model.metric_point import MetricPoint
from datadog_api_client.v2.model.metric_resource import MetricResource
from datadog_api_client.v2.model.metric_series import MetricSeries

from oddsock.kit.clock import SystemClock

DOG_S_MAX = 60
PAYMENT = ["kube_namespace:sock-shop", "kube_deployment:payment"]


def now_s() -> int:
    return int(SystemClock().now().timestamp())


def ask(server: Any, query: str, from_s: int, to_s: int) -> Any:
    with server.client() as client:
        return MetricsApiV1(client).query_metrics(_from=from_s, to=to_s, query=query)


def values_of(series: Any) -> list[float]:
    """The values of a pointlist, without the buckets that have none."""
    return [point.value[1] for point in series["pointlist"] if point.value[1] is not None]


@pytest.mark.parametrize("encoding", ["deflate", "gzip", "zstd1"])
def test_series_of_version_2_are_read_back_in_buckets(server: Any, encoding: str) -> None:
    metric, begin = f"contract.v2.{encoding}", now_s() // 60 * 60 - 120
    series = MetricSeries(
        metric=metric,
        type=MetricIntakeType.GAUGE,
        points=[MetricPoint(timestamp=begin + 5 * step, value=float(step)) for step in range(8)],
        resources=[MetricResource(type="host", name="sockshop-worker")],
        tags=[*PAYMENT, "pod_name:payment-1"],
    )
    with server.client() as client:
        answer = MetricsApi(client).submit_metrics(
            content_encoding=MetricContentEncoding(encoding), body=MetricPayload(series=[series])
        )
        assert answer.errors == []
    query = f"avg:{metric}{{kube_namespace:sock-shop,kube_deployment:payment}} by {{pod_name}}"
    answer = ask(server, query, begin, begin + 39)
    assert (answer.status, answer.res_type, answer.query) == ("ok", "time_series", query)
    assert answer.group_by == ["pod_name"]
    (one,) = answer.series
    assert (one.metric, one.interval, one.aggr, one.tag_set) == (metric, 20, "avg", ["pod_name:payment-1"])
    assert [point.value for point in one.pointlist] == [[begin * 1000, 1.5], [(begin + 20) * 1000, 5.5]]
    assert (one.start, one.end, one.length) == (begin * 1000, (begin + 40) * 1000 - 1, 2)


def test_counts_of_version_1_add_up(server: Any) -> None:
    begin = now_s() // 60 * 60 - 120
    series = Series(
        metric="contract.v1.orders",
        type="count",
        interval=10,
        host="sockshop-worker",
        points=[Point([float(begin + 10 * step), 2.0]) for step in range(6)],
        tags=PAYMENT,
    )
    with server.client() as client:
        assert MetricsApiV1(client).submit_metrics(body=MetricsPayload(series=[series])).status == "ok"
    for query, value in {
        "sum:contract.v1.orders{*}.as_count().rollup(sum, 60)": 12.0,
        "sum:contract.v1.orders{host:sockshop-worker}.as_rate().rollup(sum, 60)": 0.2,
        "sum:contract.v1.orders{*}.rollup(avg, 60)": 2.0,
        "100 * sum:contract.v1.orders{*}.as_count().rollup(60) / 24": 50.0,
    }.items():
        (one,) = ask(server, query, begin, begin + 59).series
        assert values_of(one) == [value], query


def test_a_series_that_stops_is_told_by_null_and_by_default_zero_as_zero(server: Any) -> None:
    begin = now_s() // 60 * 60 - 120
    body = {"series": [{"metric": "contract.stops", "points": [[begin, 1]], "tags": PAYMENT}]}
    server.ask("POST", "/api/v1/series", json.dumps(body).encode())
    (gone,) = ask(server, "avg:contract.stops{kube_deployment:payment}", begin, begin + 59).series
    assert [point.value[1] for point in gone.pointlist] == [1.0, None, None]
    (zero,) = ask(server, "default_zero(avg:contract.stops{kube_deployment:payment})", begin, begin + 59).series
    assert [point.value[1] for point in zero.pointlist] == [1.0, 0.0, 0.0]
    assert ask(server, "avg:contract.stops{kube_deployment:nobody}", begin, begin + 59).series == []


def test_the_name_that_no_agent_sends_is_answered_and_told(server: Any) -> None:
    begin = now_s() // 60 * 60 - 120
    body = {"series": [{"metric": "kubernetes.cpu.usage.total", "points": [[begin, 7e6]], "tags": ["pod_name:orders"]}]}
    server.ask("POST", "/api/v1/series", json.dumps(body).encode())
    answer = ask(server, "avg:kubernetes.cpu.usage{pod_name:orders}", begin, begin + 19)
    assert "kubernetes.cpu.usage.total answers in its place" in answer.message
    assert (answer.series[0].metric, values_of(answer.series[0])) == ("kubernetes.cpu.usage.total", [7e6])


def test_an_hour_comes_in_buckets_of_20_seconds(reader: Any, server: Any) -> None:
    body = {"series": [{"metric": "system.load.1", "points": [[now_s() - 60, 1]], "host": "reader"}]}
    server.ask("POST", "/api/v1/series", json.dumps(body).encode())
    answer = MetricsApiV1(reader).query_metrics(_from=now_s() - 3_600, to=now_s(), query="avg:system.load.1{*}")
    assert (answer.status, answer.res_type, answer.query) == ("ok", "time_series", "avg:system.load.1{*}")
    for one in answer.series:
        assert (one.metric, one.aggr, one.scope, one.interval) == ("system.load.1", "avg", "*", 20)


def test_a_query_that_is_wrong_is_refused_with_its_column(server: Any) -> None:
    with pytest.raises(ApiException) as refusal:
        ask(server, "avg:system.load.1", 0, 60)
    assert refusal.value.status == 400
    assert "Column 18" in refusal.value.body["errors"][0]


def test_metrics_are_listed_described_and_found(server: Any) -> None:
    body = {"series": [{"metric": "contract.named", "points": [[now_s(), 1]], "tags": ["team:socks"], "host": "h1"}]}
    server.ask("POST", "/api/v1/series", json.dumps(body).encode())
    with server.client() as client:
        api = MetricsApiV1(client)
        assert "contract.named" in api.list_active_metrics(_from=now_s() - 60).metrics
        assert api.list_active_metrics(_from=now_s() - 60, host="h1", tag_filter="team:socks").metrics == [
            "contract.named"
        ]
        assert api.get_metric_metadata("contract.named").type == "gauge"
        told = MetricMetadata(description="Socks with a name", unit="byte", per_unit="second", short_name="socks")
        assert api.update_metric_metadata("contract.named", told).description == "Socks with a name"
        assert api.get_metric_metadata("contract.named").per_unit == "second"
        with pytest.raises(ApiException) as refusal:
            api.get_metric_metadata("contract.nobody")
        assert refusal.value.status == 404
        (one,) = ask(server, "avg:contract.named{*}", now_s() - 60, now_s()).series
        assert one.unit[0].name == "byte"
        tags = MetricsApi(client).list_tags_by_metric_name("contract.named").data.attributes.tags
        assert sorted(tags) == ["host:h1", "team:socks"]
    assert server.ask("GET", "/api/v1/search?q=metrics:contract.na")["results"]["metrics"] == ["contract.named"]


@pytest.fixture
def datadogpy(server: Any) -> Iterator[Any]:
    """The older official library, pointed at the server."""
    datadog.initialize(
        api_key=server.api_key, app_key=server.app_key, api_host=server.url, host_name="here", mute=False
    )
    yield datadog.api
    # The library keeps its connection for ever, which pytest calls a leak.
    if RequestClient._session is not None:
        RequestClient._session.close()
        RequestClient._session = None


def test_the_older_library_sends_and_asks(datadogpy: Any) -> None:
    begin = now_s()
    answer = datadogpy.Metric.send(
        metric="contract.datadogpy", points=[(begin - 1, 4), (begin, 6)], tags=PAYMENT, type="gauge"
    )
    assert answer["status"] == "ok"
    found = datadogpy.Metric.query(
        start=begin - 60, end=begin + 60, query="max:contract.datadogpy{*} by {host}.rollup(max)"
    )
    assert [value for _, value in found["series"][0]["pointlist"] if value is not None][-1] == 6.0
    assert found["series"][0]["tag_set"] == ["host:here"]


def test_dogshell_posts_a_point(server: Any, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "DATADOG_HOST": server.url,
        "DATADOG_API_KEY": server.api_key,
        "DATADOG_APP_KEY": server.app_key,
    }
    words = ["metric", "post", "--tags", "team:dog", "--host", "kennel", "contract.dog", "3"]
    done = subprocess.run(
        [sys.executable, "-c", "from datadog.dogshell import main; main()", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DOG_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (one,) = ask(server, "avg:contract.dog{team:dog,host:kennel}", now_s() - 120, now_s() + 5).series
    assert values_of(one) == [3.0]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "sentence"),
    [
        ("/api/v2/series", b"\x0a", {"Content-Type": "application/x-protobuf"}, 415, "Protobuf is not taken"),
        ("/api/v2/series", b"{}", {}, 400, "missing required field `series`"),
        ("/api/v1/series", b'{"series":[{"metric":"a","points":[[1,"x"]]}]}', {}, 400, "$.series[0].points[0][1]"),
        ("/api/v1/series", b'{"series":[{"metric":"1a","points":[]}]}', {}, 400, "must begin with a letter"),
        ("/api/v2/series", b'{"series":[{"metric":"a","type":9,"points":[]}]}', {}, 400, "series[0].type must be"),
        (
            "/api/v1/series",
            b'{"series":[{"metric":"a","points":[],"interval":99999999999999999999}]}',
            {},
            400,
            "interval",
        ),
        ("/api/v2/series", b'{"series":[{"metric":"a","points":[],"interval":-1}]}', {}, 400, "series[0].interval"),
        ("/api/v1/series", b'{"x":' + b"[" * 100_000, {}, 400, "nested too deeply"),
        ("/api/v2/series", b" " * 6_000_000, {}, 413, "Payload too large"),
        ("/api/v2/series", b"\xff" * 600_000, {"Content-Encoding": "deflate"}, 400, "compressed body"),
    ],
)
def test_series_that_cannot_be_taken_are_refused_with_their_reason(
    server: Any, path: str, body: bytes, headers: dict[str, str], status: int, sentence: str
) -> None:
    with pytest.raises(HTTPError) as refusal:
        server.ask("POST", path, body, headers)
    assert refusal.value.code == status
    assert sentence in json.loads(refusal.value.read())["errors"][0]


def test_points_from_the_future_are_left_out_and_told(server: Any) -> None:
    points = [[now_s(), 1], [now_s() + 7200, 2], [now_s() * 1000, 3]]
    answer = server.ask(
        "POST", "/api/v1/series", json.dumps({"series": [{"metric": "contract.late", "points": points}]}).encode()
    )
    assert answer["status"] == "ok"
    assert answer["errors"][0].startswith("2 points were not taken")


def test_no_acknowledged_point_is_lost_by_kill_9(start_server: Any) -> None:
    server, begin = start_server(), now_s() - 100
    for step in range(20):
        points = [[begin + step, step]]
        body = {"series": [{"metric": "contract.killed", "points": points, "type": "count", "tags": ["n:1"]}]}
        assert server.ask("POST", "/api/v1/series", json.dumps(body).encode()) == {"status": "ok"}
    server.kill()
    again = start_server()
    (one,) = ask(again, "sum:contract.killed{n:1}.as_count().rollup(sum, 3600)", begin - 3600, begin + 100).series
    assert sum(values_of(one)) == sum(range(20))
    # What is shipped again after the crash is still there once.
    assert again.ask("POST", "/api/v1/series", json.dumps(body).encode()) == {"status": "ok"}
    (one,) = ask(again, "sum:contract.killed{n:1}.as_count().rollup(sum, 3600)", begin - 3600, begin + 100).series
    assert sum(values_of(one)) == sum(range(20))


def test_past_the_limit_new_series_are_refused_by_name_and_known_ones_still_taken(start_server: Any) -> None:
    server = start_server(series_max=3)

    def post(*tags: str) -> Any:
        series = [{"metric": "contract.many", "points": [[now_s(), 1]], "tags": [tag]} for tag in tags]
        return server.ask("POST", "/api/v1/series", json.dumps({"series": series}).encode())

    assert post("n:1", "n:2", "n:3") == {"status": "ok"}
    answer = post("n:3", "n:4")
    assert answer["errors"][0].startswith("SeriesLimit: 3 metric series are active, 1 new ones were refused")
    with pytest.raises(HTTPError) as refusal:
        post("n:5", "n:6")
    assert refusal.value.code == 429
    assert "2 new ones were refused" in json.loads(refusal.value.read())["errors"][0]
    assert '"event":"series_limit"' in server.log.read_text()
    found = ask(server, "sum:contract.many{*} by {n}", now_s() - 60, now_s()).series
    assert [one.tag_set for one in found] == [["n:1"], ["n:2"], ["n:3"]]
