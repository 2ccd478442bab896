"""What the widgets of a dashboard ask, in every form that Datadog writes it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oddsock.clients.datadog.widget_queries import Call, call_of, read_queries

FROM_MS, TO_MS = 1_761_812_640_000, 1_761_812_940_000


def _widget(definition: dict[str, Any], widget_id: int = 1) -> dict[str, Any]:
    return {"id": widget_id, "definition": {"title": "t", **definition}}


def _ask(*definitions: dict[str, Any], **dashboard: Any) -> list[Call]:
    document = {"widgets": [_widget(definition) for definition in definitions], **dashboard}
    return [call_of(question, FROM_MS, TO_MS) for question in read_queries(document)]


def test_a_metric_query_of_the_older_form_is_asked_by_itself() -> None:
    (call,) = _ask({"type": "timeseries", "requests": [{"q": "avg:a{*}"}]})
    parameters = {"from": "1761812640", "to": "1761812940", "query": "avg:a{*}"}
    assert call == Call(method="GET", path="/api/v1/query", parameters=parameters)


def test_queries_with_formulas_are_one_question_and_one_call() -> None:
    queries = [
        {"data_source": "metrics", "name": "a", "query": "avg:a{*}"},
        {"data_source": "logs", "name": "b", "search": {"query": "status:error"}, "compute": {"aggregation": "count"}},
    ]
    request = {"queries": queries, "formulas": [{"formula": "100 * a / b", "alias": "%"}], "response_format": "scalar"}
    document = {"widgets": [_widget({"type": "query_value", "requests": [request]}, 9)]}
    (question,) = read_queries(document)
    assert (question.widget_id, question.title, question.is_scalar) == (9, "t", True)
    assert question.query == "a = avg:a{*}; b = logs status:error; 100 * a / b"
    call = call_of(question, FROM_MS, TO_MS)
    assert call.path == "/api/v2/query/scalar"
    assert call.body == {
        "data": {
            "type": "scalar_request",
            "attributes": {"from": FROM_MS, "to": TO_MS, "queries": queries, "formulas": [{"formula": "100 * a / b"}]},
        }
    }


def test_a_query_over_logs_of_the_older_form_is_aggregated() -> None:
    query = {
        "index": "*",
        "search": {"query": "status:error"},
        "compute": {"aggregation": "avg", "facet": "@duration", "interval": 60_000},
        "group_by": [{"facet": "service", "limit": 3, "sort": {"aggregation": "count", "order": "desc"}}],
    }
    (series,) = _ask({"type": "timeseries", "requests": [{"log_query": query}]})
    assert series.path == "/api/v2/logs/analytics/aggregate"
    assert series.body == {
        "filter": {"query": "status:error", "from": "2025-10-30T08:24:00.000Z", "to": "2025-10-30T08:29:00.000Z"},
        "compute": [{"aggregation": "avg", "metric": "@duration", "type": "timeseries", "interval": "60s"}],
        "group_by": [{"facet": "service", "limit": 3}],
    }
    (total,) = _ask({"type": "toplist", "requests": [{"log_query": query}]})
    assert total.body is not None
    assert total.body["compute"] == [{"aggregation": "avg", "metric": "@duration", "type": "total"}]


def test_streams_checks_and_alerts_have_calls_of_their_own() -> None:
    calls = _ask(
        {"type": "list_stream", "requests": [{"query": {"data_source": "logs_stream", "query_string": "a"}}]},
        {"type": "list_stream", "requests": [{"query": {"data_source": "event_stream", "query_string": "b"}}]},
        {"type": "event_stream", "query": "c"},
        {"type": "check_status", "check": "d", "tags": ["a:b", "c:d"]},
        {"type": "alert_graph", "alert_id": "5"},
        {"type": "note", "content": "says much, asks nothing"},
    )
    assert [call.path for call in calls] == [
        "/api/v2/logs/events/search",
        "/api/v2/events/search",
        "/api/v2/events/search",
        "/_oddsock/checks",
        "/api/v1/monitor/5",
    ]
    assert calls[3].parameters == {"check": "d", "tags": "a:b,c:d"}


def test_widgets_inside_groups_and_named_requests_are_read() -> None:
    inner = _widget({"type": "scatterplot", "requests": {"x": {"q": "avg:x{*}"}, "y": {"q": "avg:y{*}"}}})
    calls = _ask({"type": "group", "widgets": [inner]})
    assert [call.parameters["query"] for call in calls] == ["avg:x{*}", "avg:y{*}"]


def test_a_template_variable_stands_for_its_default() -> None:
    variables = [
        {"name": "ns", "prefix": "kube_namespace", "defaults": ["sock-shop"]},
        {"name": "host", "prefix": "host", "default": "*"},
    ]
    (call,) = _ask(
        {"type": "timeseries", "requests": [{"q": "avg:a{$ns,$host,env:$ns.value,$other}"}]},
        template_variables=variables,
    )
    assert call.parameters["query"] == "avg:a{kube_namespace:sock-shop,*,env:sock-shop,$other}"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda deeper: (
        st.lists(deeper, max_size=3)
        | st.dictionaries(
            st.sampled_from(["widgets", "definition", "requests", "queries", "formulas", "query", "q", "log_query"]),
            deeper,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_whatever_stands_in_a_dashboard_is_read_or_left_out(widgets: Any) -> None:
    for question in read_queries({"widgets": widgets, "template_variables": widgets}):
        call_of(question, FROM_MS, TO_MS)
