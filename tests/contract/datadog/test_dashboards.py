"""Dashboards through the official client, and every question of the shipped ones answered by a server with data."""

import json
from importlib import resources
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from datadog import initialize
from datadog.api.dashboards import Dashboard as DogDashboard
from datadog_api_client import Configuration
from datadog_api_client.model_utils import validate_and_convert_types
from datadog_api_client.v1.api.dashboards_api import DashboardsApi
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.service_check import ServiceCheck
from datadog_api_client.v1.model.service_check_status import ServiceCheckStatus

from oddsock.kit.clock import SystemClock

SHIPPED = ("incident-overview", "transaction-flow")


def _shipped(name: str) -> dict[str, Any]:
    text = (resources.files("oddsock") / "data" / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _typed(document: dict[str, Any], model: type[Any]) -> Any:
    """*document* as a model of the official client, which fails on what it does not take."""
    return validate_and_convert_types(document, (model,), ["shipped"], True, True, Configuration())


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_dashboard_is_made_by_the_official_client_and_answered_as_it_was_given(
    server: Any, name: str
) -> None:
    given = _shipped(name)
    with server.client() as client:
        api = DashboardsApi(client)
        made = api.create_dashboard(body=_typed(given, Dashboard))
        assert (made.title, made.is_read_only) == (given["title"], False)
        assert made.url == f"/dashboard/{made.id}/{given['title'].lower().replace(' ', '-')}"
        assert len({widget.id for widget in made.widgets}) == len(given["widgets"])
        found = api.get_dashboard(dashboard_id=made.id)
        kinds = [widget.definition.type.value for widget in found.widgets]
        assert kinds == [widget["definition"]["type"] for widget in given["widgets"]]
        assert made.id in [one.id for one in api.list_dashboards().dashboards]
        # The client's models leave out what they do not know: the whole is compared as it stands on the wire.
        whole = server.ask("GET", f"/api/v1/dashboard/{made.id}")
        assert [_without(widget, "id") for widget in whole["widgets"]] == given["widgets"]
        assert api.delete_dashboard(dashboard_id=made.id).deleted_dashboard_id == made.id
        with pytest.raises(Exception, match="404"):
            api.get_dashboard(dashboard_id=made.id)


def test_json_that_nobody_here_reads_comes_back_untouched(server: Any) -> None:
    given = {
        "title": "Round trip",
        "layout_type": "free",
        "widgets": [
            {"id": 7, "layout": {"x": 0, "y": 1.5}, "definition": {"type": "note", "content": "ü", "of_tomorrow": [0]}},
            {"definition": {"type": "group", "widgets": [{"definition": {"type": "hostmap"}}]}},
        ],
        "template_variables": [{"name": "ns", "prefix": "kube_namespace", "defaults": ["sock-shop"]}],
        "tags": ["team:shop"],
        "of_tomorrow": {"deep": [1, 2.5, "x"]},
    }  # fmt: skip
    made = server.ask("POST", "/api/v1/dashboard", json.dumps(given).encode())
    for field in ("template_variables", "tags", "of_tomorrow", "layout_type"):
        assert made[field] == given[field]
    assert made["widgets"][0] == given["widgets"][0]  # type: ignore[index]  # a list of widgets stands there
    inner = made["widgets"][1]["definition"]["widgets"][0]
    assert isinstance(inner["id"], int)
    changed = server.ask("PUT", f"/api/v1/dashboard/{made['id']}", json.dumps({**made, "title": "Anew"}).encode())
    assert (changed["title"], changed["id"], changed["created_at"]) == ("Anew", made["id"], made["created_at"])
    assert changed["widgets"] == made["widgets"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "title is missing"),
        ({"layout_type": "round"}, "layout_type is 'round'"),
        ({"widgets": {}}, "widgets must be a list"),
        ({"widgets": [{}]}, "widgets[0].definition must be an object"),
        (
            {"widgets": [{"definition": {"type": "timeseries", "requests": [{"queries": [{"group_by": {}}]}]}}]},
            "group_by must be a list of objects",
        ),
    ],
)
def test_a_dashboard_that_is_wrong_is_refused_with_its_reason(server: Any, change: Any, sentence: str) -> None:
    body = {"title": "x", "layout_type": "ordered", "widgets": [], **change}
    with pytest.raises(HTTPError) as refusal:
        server.ask("POST", "/api/v1/dashboard", json.dumps(body).encode())
    assert refusal.value.code == 400
    assert sentence in json.loads(refusal.value.read())["errors"][0]


def test_datadogpy_makes_and_reads_a_dashboard(server: Any) -> None:
    initialize(api_key=server.api_key, app_key=server.app_key, api_host=server.url, mute=False)
    made = DogDashboard.create(title="from datadogpy", layout_type="ordered", widgets=[])
    assert DogDashboard.get(made["id"])["title"] == "from datadogpy"
    assert DogDashboard.delete(made["id"]) == {"deleted_dashboard_id": made["id"]}


def _count(metric: str, at_s: int, value: float, *tags: str) -> dict[str, Any]:
    return {"metric": metric, "type": "count", "interval": 15, "points": [[at_s, value]], "tags": list(tags)}


def _gauge(metric: str, at_s: int, value: float, *tags: str) -> dict[str, Any]:
    return {"metric": metric, "type": "gauge", "points": [[at_s, value]], "tags": list(tags)}


def _send_incident(server: Any, at_s: int) -> None:
    """Four orders created, one paid and three failed, with payment away."""

    def post(path: str, body: Any) -> None:
        server.ask("POST", path, json.dumps(body).encode())

    payment = ("kube_namespace:sock-shop", "kube_deployment:payment", "deployment:payment", "kube_service:payment")
    series = [
        _gauge("kubernetes_state.deployment.replicas_available", at_s, 0, *payment),
        _gauge("kubernetes_state.deployment.replicas_desired", at_s, 0, *payment),
        _gauge("network.tcp.can_connect", at_s, 0, *payment),
        _count("shop.orders.created", at_s, 4, "kube_namespace:sock-shop"),
        _count("shop.orders.paid", at_s, 1, "kube_namespace:sock-shop"),
        _count("shop.orders.failed", at_s, 3, "kube_namespace:sock-shop"),
        _count("shop.orders.by_status", at_s, 1, "status:PAID"),
        _count("shop.orders.by_status", at_s, 3, "status:PAYMENT_FAILED"),
        _gauge("shop.order.duration", at_s, 0.25, "kube_namespace:sock-shop"),
    ]
    post("/api/v1/series", {"series": series})
    line = {
        "service": "sock-shop-orders",
        "ddtags": "kube_namespace:sock-shop",
        "status": "error",
        "timestamp": at_s * 1000,
    }
    post("/api/v2/logs", [{**line, "message": f"ERROR Payment failed for order {n}"} for n in range(3)])
    scaled = {"title": "ScalingReplicaSet", "text": "Scaled down", "source_type_name": "kubernetes"}
    post("/api/v1/events", {**scaled, "tags": list(payment), "date_happened": at_s})
    check = ServiceCheck(check="payment.can_connect", host_name="n", status=ServiceCheckStatus.CRITICAL, tags=[])
    post("/api/v1/check_run", {**check.to_dict(), "status": 2, "tags": list(payment)})


def _answers(server: Any, name: str, from_ms: int, to_ms: int) -> dict[str, Any]:
    """The answer to every question of a dashboard, by the title of its widget."""
    made = server.ask("POST", "/api/v1/dashboard", json.dumps(_shipped(name)).encode())
    told = server.ask("GET", f"/_oddsock/dashboards/{made['id']}/queries?from={from_ms}&to={to_ms}")
    asking = {widget["definition"].get("title") for widget in made["widgets"]} - {None}
    assert {row["question"]["title"] for row in told["queries"]} == asking
    found = {}
    for row in told["queries"]:
        call = row["call"]
        path = call["path"] + (f"?{urlencode(call['parameters'])}" if call["parameters"] else "")
        body = None if call["body"] is None else json.dumps(call["body"]).encode()
        found[row["question"]["title"]] = server.ask(call["method"], path, body)
    return found


def _sums(answer: Any) -> list[float]:
    values = answer["data"]["attributes"]["values"]
    return [sum(value for value in line if value is not None) for line in values]


def _scalar(answer: Any) -> float:
    (column,) = answer["data"]["attributes"]["columns"]
    return float(column["values"][0])


def test_every_question_of_the_shipped_dashboards_is_answered(start_server: Any) -> None:
    server = start_server()
    at_s = round(SystemClock().now().timestamp()) - 30
    _send_incident(server, at_s)
    span = (at_s * 1000 - 600_000, at_s * 1000 + 60_000)
    overview = _answers(server, "incident-overview", *span)
    assert _sums(overview["Payment: pods available"]) == [0.0, 0.0]
    assert _sums(overview["Orders: errors"]) == [3.0, 3.0]
    columns = overview["Orders: PAID and PAYMENT_FAILED"]["data"]["attributes"]["columns"]
    statuses = [values[0].lower() for values in columns[0]["values"]]
    assert dict(zip(statuses, columns[1]["values"], strict=True)) == {"paid": 1.0, "payment_failed": 3.0}
    (subject,) = overview["Payment answers"]["subjects"]
    assert subject["status"] == "CRITICAL"
    assert _scalar(overview["Payment: connection"]) == 0.0
    (event,) = overview["Payment in the event stream"]["data"]
    assert event["attributes"]["message"] == "Scaled down"

    flow = _answers(server, "transaction-flow", *span)
    assert _sums(flow["Orders created a minute"]) == [4.0]
    assert 25.0 in flow["Payment success rate"]["data"]["attributes"]["values"][0]
    assert _scalar(flow["Orders paid, of those decided"]) == 25.0
    assert _sums(flow["Time from order to decision"]) == [0.25]
    assert _scalar(flow["Failed transactions"]) == 3.0
    assert _sums(flow["Failed transactions over time"]) == [3.0]
