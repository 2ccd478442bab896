"""Questions of version 2 by the official client: named queries of metrics, logs, events, and formulas over them."""

import json
from typing import Any
from urllib.error import HTTPError

import pytest
from datadog_api_client.v2.api.metrics_api import MetricsApi

from oddsock.kit.clock import SystemClock


def now_s() -> int:
    return int(SystemClock().now().timestamp())


@pytest.fixture(scope="module")
def begin(server: Any) -> int:
    """A minute with points, logs and events of the namespace formulas; seconds since 1970."""
    minute = now_s() // 60 * 60 - 120
    series = [
        {"metric": "formulas.paid", "type": "count", "points": [[minute, 3], [minute + 20, 5]], "tags": ["pod:a"]},
        {"metric": "formulas.failed", "type": "count", "points": [[minute, 1]], "tags": ["pod:a"]},
        {"metric": "formulas.used", "points": [[minute, 2], [minute + 20, 4]], "tags": ["pod:a"]},
        {"metric": "formulas.used", "points": [[minute, 10], [minute + 40, 30]], "tags": ["pod:b"]},
    ]
    server.ask("POST", "/api/v1/series", json.dumps({"series": series}).encode())
    logs = [
        {
            "message": "Order status updated to PAYMENT_FAILED",
            "service": "sock-shop-orders",
            "status": status,
            "timestamp": (minute + second) * 1000,
            "ddtags": "kube_namespace:formulas",
        }
        for second, status in ((1, "error"), (2, "error"), (25, "info"))
    ]
    server.ask("POST", "/api/v2/logs", json.dumps(logs).encode())
    event = {
        "title": "Scaled down",
        "text": "1 to 0",
        "tags": ["kube_namespace:formulas", "kube_deployment:payment"],
        "date_happened": minute + 45,
        "source_type_name": "kubernetes",
    }
    server.ask("POST", "/api/v1/events", json.dumps(event).encode())
    return minute


def body(kind: str, begin: int, queries: list[dict[str, Any]], *formulas: Any) -> dict[str, Any]:
    wanted = [{"formula": one} if isinstance(one, str) else one for one in formulas]
    attributes: dict[str, Any] = {"from": begin * 1000, "to": (begin + 59) * 1000, "queries": queries}
    if wanted:
        attributes["formulas"] = wanted
    return {"data": {"type": f"{kind}_request", "attributes": attributes}}


def series_of(server: Any, begin: int, queries: list[dict[str, Any]], *formulas: Any) -> Any:
    with server.client() as client:
        request: Any = body("timeseries", begin, queries, *formulas)
        return MetricsApi(client).query_timeseries_data(body=request).data.attributes


def columns_of(server: Any, begin: int, queries: list[dict[str, Any]], *formulas: Any) -> Any:
    with server.client() as client:
        request: Any = body("scalar", begin, queries, *formulas)
        columns = MetricsApi(client).query_scalar_data(body=request).data.attributes.columns
        return {column.name: list(column.values) for column in columns}


def metric(name: str, query: str, **more: Any) -> dict[str, Any]:
    return {"data_source": "metrics", "name": name, "query": query, **more}


def searched(
    source: str, name: str, query: str, *facets: str, aggregation: str = "count", **more: Any
) -> dict[str, Any]:
    groups = {"group_by": [{"facet": facet} for facet in facets]} if facets else {}
    compute = {"aggregation": aggregation, **more}
    return {"data_source": source, "name": name, "search": {"query": query}, "compute": compute, **groups}


def test_a_formula_over_two_metrics_is_a_series(server: Any, begin: int) -> None:
    queries = [
        metric("paid", "sum:formulas.paid{*}.as_count()"),
        metric("failed", "sum:formulas.failed{*}.as_count()"),
    ]
    found = series_of(server, begin, queries, "100 * paid / (paid + failed)", "paid")
    assert list(found.times.value) == [(begin + second) * 1000 for second in (0, 20, 40)]
    assert [series.query_index for series in found.series.value] == [0, 1]
    assert [list(values.value) for values in found.values.value] == [[75.0, 100.0, None], [3.0, 5.0, None]]


def test_without_formulas_every_query_is_answered_by_its_groups(server: Any, begin: int) -> None:
    found = series_of(server, begin, [metric("a", "avg:formulas.used{*} by {pod}")])
    assert [list(series.group_tags.value) for series in found.series.value] == [["pod:a"], ["pod:b"]]
    assert [list(values.value) for values in found.values.value] == [[2.0, 4.0, None], [10.0, None, 30.0]]
    limited = {"formula": "a", "limit": {"count": 1, "order": "desc"}}
    top = series_of(server, begin, [metric("a", "avg:formulas.used{*} by {pod}")], limited)
    assert [list(series.group_tags.value) for series in top.series.value] == [["pod:b"]]


def test_logs_and_events_stand_beside_metrics(server: Any, begin: int) -> None:
    queries = [
        searched("logs", "errors", "kube_namespace:formulas status:error"),
        searched("events", "scaled", "source:kubernetes tags:kube_namespace:formulas"),
        metric("paid", "sum:formulas.paid{*}.as_count()"),
    ]
    found = series_of(server, begin, queries, "errors", "scaled", "errors + scaled + paid")
    assert [list(values.value) for values in found.values.value] == [
        [2.0, None, None],
        [None, None, 1.0],
        [5.0, 5.0, 1.0],
    ]


def test_scalars_are_columns_of_groups_and_numbers(server: Any, begin: int) -> None:
    queries = [
        metric("mean", "avg:formulas.used{*} by {pod}", aggregator="avg"),
        metric("most", "avg:formulas.used{*} by {pod}", aggregator="max"),
    ]
    assert columns_of(server, begin, queries, "mean", "most / 2") == {
        "pod": [["a"], ["b"]],
        "mean": [3.0, 20.0],
        "most / 2": [2.0, 15.0],
    }


def test_scalars_of_logs_and_events_are_counts_of_the_whole_range(server: Any, begin: int) -> None:
    by_status = columns_of(server, begin, [searched("logs", "n", "kube_namespace:formulas", "status")])
    assert by_status == {"status": [["error"], ["info"]], "n": [2.0, 1.0]}
    events = [searched("events", "n", "tags:kube_namespace:formulas", "kube_deployment")]
    assert columns_of(server, begin, events) == {"kube_deployment": [["payment"]], "n": [1.0]}
    none = [searched("events", "n", "tags:kube_namespace:nowhere"), searched("logs", "m", "kube_namespace:nowhere")]
    assert columns_of(server, begin, none, "n", "m", "n + m") == {"n": [0.0], "m": [0.0], "n + m": [0.0]}


@pytest.mark.parametrize(
    ("queries", "formulas", "sentence"),
    [
        ([metric("a", "avg:x")], [], "Column 6: Expected '{'"),
        ([metric("a", "avg:x{*}")], ["a + b"], "Column 5: No query is named 'b'"),
        ([metric("a", "avg:x{*}"), metric("a", "avg:x{*}")], [], "Two queries have one name"),
        ([{"data_source": "rum", "name": "a"}], [], "data_source is one of metrics, logs, events"),
        ([searched("logs", "a", "x") | {"group_by": {}}], [], "group_by"),
        ([searched("logs", "a", "(x")], [], "Column"),
        ([searched("events", "a", "x", aggregation="sum", metric="@n")], [], "Events can be counted only"),
        ([searched("logs", "a", "x")], ["timeshift(a, -60)"], "timeshift is for metrics"),
        ([], [], "queries"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_its_reason(
    server: Any, begin: int, queries: list[dict[str, Any]], formulas: list[str], sentence: str
) -> None:
    for kind in ("timeseries", "scalar"):
        with pytest.raises(HTTPError) as refusal:
            server.ask("POST", f"/api/v2/query/{kind}", json.dumps(body(kind, begin, queries, *formulas)).encode())
        assert refusal.value.code == 400
        assert sentence in json.loads(refusal.value.read())["errors"][0]
