"""Whatever is sent to events, checks, monitors and dashboards is answered, never with a 500."""

import json
from typing import Any
from urllib.error import HTTPError

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=6), deeper, max_size=3)
)

# For each path the fields that are read there, with values that lead somewhere.
KNOWN: dict[str, dict[str, list[Any]]] = {
    "/api/v1/events": {
        "title": ["x"],
        "text": ["y"],
        "date_happened": [0, 1, "1", -1, 1e300, 2**80],
        "alert_type": ["error"],
        "priority": ["low"],
        "tags": [["a:b"], "a:b,c", [1]],
        "host": ["h"],
        "source_type_name": ["kubernetes"],
    },
    "/api/v2/events": {
        "data": [
            {"type": "event"},
            {"type": "event", "attributes": {"title": "x", "category": "alert", "attributes": {"status": "ok"}}},
            {"type": "event", "attributes": {"title": "x", "category": "alert", "timestamp": "99999-01-01"}},
            {
                "type": "event",
                "attributes": {"title": "x", "category": "change", "attributes": {"changed_resource": 1}},
            },
        ],
    },
    "/api/v2/events/search": {
        "filter": [{"query": "a OR"}, {"query": "@a:[1 TO 2]"}, {"from": "now-"}, {"to": 9**30}, {"query": 5}],
        "page": [{"limit": 10**30}, {"cursor": "AAAA"}, {"cursor": "MTIz"}, {"limit": "5"}],
        "sort": ["timestamp", {}],
    },
    "/api/v1/check_run": {
        "check": ["c"],
        "status": [0, 3, 4, "0", True],
        "timestamp": [1, 2**70, "x"],
        "tags": [["a"]],
    },
    "/api/v1/monitor/validate": {
        "type": ["query alert", "log alert", "service check", "composite", "event-v2 alert", [], "slo alert"],
        "query": [
            "avg(last_5m):avg:a{*} > 1",
            'logs("a").last("5m") > 1e999',
            "1 && 2",
            '"c".last(1).count_by_status()',
        ],
        "options": [
            {"thresholds": {"critical": 1}},
            {"thresholds": []},
            {"silenced": {"*": None}},
            {"silenced": 5},
            [],
        ],
        "tags": [["a"], "a"],
        "name": ["n", 5],
    },
    "/api/v1/dashboard": {
        "title": ["x"],
        "layout_type": ["ordered"],
        "widgets": [
            [],
            [{"definition": {"type": "group", "widgets": [{}]}}],
            [{"definition": {"type": "x", "a": [[]]}}],
        ],
        "template_variables": [[{"name": "a", "defaults": [5]}], 5],
    },
}


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str, Any]:
    path = draw(st.sampled_from(sorted(KNOWN)))
    if draw(st.integers(0, 9)) == 0:
        return path, draw(values)
    body = {}
    for name, choices in KNOWN[path].items():
        if draw(st.integers(0, 5)):
            body[name] = draw(st.sampled_from(choices) if draw(st.integers(0, 3)) else values)
    return path, body


def _answer(server: Any, method: str, path: str, body: Any) -> tuple[int, Any]:
    try:
        return 200, server.ask(method, path, None if body is None else json.dumps(body).encode())
    except HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(_bodies())
def test_any_body_is_taken_or_refused_with_a_sentence(server: Any, asked: tuple[str, Any]) -> None:
    code, answer = _answer(server, "POST", *asked)
    assert code in {200, 400}, (code, answer)
    if code == 400:
        assert all(isinstance(sentence, str) and sentence for sentence in answer["errors"])
    elif asked[0] == "/api/v1/dashboard":
        # What was taken can be asked, and goes again.
        assert _answer(server, "GET", f"/_oddsock/dashboards/{answer['id']}/queries", None)[0] == 200
        assert _answer(server, "DELETE", f"/api/v1/dashboard/{answer['id']}", None)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/monitor?page=-1",
        "/api/v1/monitor?page_size=0",
        "/api/v1/monitor?page_size=99999999999999999999999",
        "/api/v1/monitor/search?query=a%20AND%20(",
        "/api/v1/monitor/search?per_page=x",
        "/api/v1/monitor/can_delete",
        "/api/v1/monitor/can_delete?monitor_ids=a,b",
        "/api/v1/monitor/99999999999999999999",
        "/api/v1/monitor/%C2%B2",
        "/_oddsock/monitors/x/history",
        "/_oddsock/checks?check=a&limit=0",
        "/_oddsock/dashboards/x/queries",
        "/api/v1/dashboard?count=0",
        "/api/v1/dashboard/%00",
        "/api/v1/events?start=1&end=2&page=100",
        "/api/v2/events?page[limit]=x",
        "/api/v2/events?filter[from]=tomorrow",
        "/api/v2/events/%C2%B2",
    ],
)
def test_an_address_that_asks_nonsense_is_refused_with_a_sentence(server: Any, path: str) -> None:
    code, answer = _answer(server, "GET", path, None)
    assert code in {400, 404}, answer
    assert answer["errors"][0]
