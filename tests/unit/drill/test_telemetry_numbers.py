"""Numbers of answers: points that may mix two states are left out; each widget is asked in its own spelling."""

from collections.abc import Sequence
from typing import Any

import pytest

from oddsock.clients.datadog.errors import NotThere
from oddsock.clients.datadog.memory import MemoryTelemetry
from oddsock.clients.datadog.records import Dashboard, Event, Log, Monitor, Series
from oddsock.drill.telemetry_dashboards import answer_widgets
from oddsock.drill.telemetry_figures import Stretch, metric_figures, view_figures
from oddsock.drill.telemetry_files import Answer
from oddsock.drill.telemetry_span import Span
from oddsock.drill.telemetry_views import read_view
from oddsock.kit.clock import instant

START = instant("2025-10-30T08:24:00Z")
SPAN = Span(
    from_at="2025-10-30T08:24:10.000Z",
    held_at="2025-10-30T08:24:10.400Z",
    healing_at="2025-10-30T08:24:19.900Z",
    to_at="2025-10-30T08:24:20.300Z",
)


def answer(values: Sequence[float | None]) -> Answer:
    """A point a second from 08:24:00 on."""
    begin = START.timestamp() * 1000
    points = [[begin + n * 1000, value] for n, value in enumerate(values)]
    return Answer(id="M1", kind="metric", rows=[{"interval_s": 1, "points": points}])


def test_a_point_whose_second_saw_both_states_belongs_to_neither() -> None:
    # The tenth second holds the moment of the fault, the nineteenth that of the heal, the twentieth its end.
    values = [*[1.0] * 10, 0.5, *[0.0] * 8, 0.5, 0.7, *[1.0] * 3]
    found = metric_figures(answer(values), None, SPAN, [], speed=30)
    assert (found.before["min"], found.before["points"]) == (1, 10)
    assert (found.during["max"], found.during["points"]) == (0, 8)
    assert (found.after["min"], found.after["points"]) == (1, 3)
    assert found.during["to_before"] == 0


def test_what_the_lead_broke_is_no_normal() -> None:
    outage = Stretch(from_at="2025-10-30T08:24:02.000Z", to_at="2025-10-30T08:24:04.000Z")
    found = metric_figures(answer([1, 1, 0, 0, 0, 1, 1, 1, 1, 1, *[0] * 9]), None, SPAN, [outage], speed=30)
    assert (found.before["min"], found.before["points"]) == (1, 7)


def test_a_gap_is_no_number_unless_another_metric_confirms_it() -> None:
    gap: list[float | None] = [1] * 10 + [None] * 10
    alone = metric_figures(answer(gap), None, SPAN, [], speed=30)
    assert (alone.during["points"], alone.during.get("max"), alone.is_gap_confirmed) == (0, None, False)
    confirmed = metric_figures(answer(gap), answer([1] * 10 + [0] * 10), SPAN, [], speed=30)
    assert (confirmed.during["max"], confirmed.is_gap_confirmed) == (0, True)
    denied = metric_figures(answer(gap), answer([1] * 20), SPAN, [], speed=30)
    assert (denied.during.get("max"), denied.is_gap_confirmed) == (None, False)


def test_an_empty_list_of_containers_proves_nothing_of_one_deployment() -> None:
    assert view_figures(Answer(id="V2", kind="view"), "containers", ["payment"]) == {}
    rows = [{"deployment": "orders", "state": "running"}]
    found = view_figures(Answer(id="V2", kind="view", rows=rows), "containers", ["payment", "orders"])
    assert found == {"running.payment": 0, "running.orders": 1}


async def test_the_explorers_numbers_are_read_by_deployment() -> None:
    door = MemoryTelemetry()
    query = "max:kubernetes_state.deployment.replicas_available{kube_namespace:sock-shop} by {kube_deployment}"
    at_ms = START.timestamp() * 1000
    door.series[query] = [
        Series(metric="m", tags=("kube_deployment:payment",), points=((at_ms, 1.0), (at_ms + 1000, 0.0))),
        Series(metric="m", scope="kube_deployment:orders", points=((at_ms, 1.0), (at_ms + 1000, None))),
    ]
    rows = await read_view(door, "deployments", "kube_namespace:sock-shop", int(START.timestamp()) + 2)
    assert rows == [{"deployment": "orders", "available": 1.0}, {"deployment": "payment", "available": 0.0}]


def widget(kind: str, **fields: Any) -> dict[str, Any]:
    """One widget of a dashboard."""
    return {"definition": {"type": kind, "title": kind, **fields}}


async def test_each_widget_is_asked_in_its_own_spelling() -> None:
    door = MemoryTelemetry()
    log = {"data_source": "logs", "search": {"query": "refused"}}
    metric = {"data_source": "metrics", "query": "avg:m{*}"}
    inner = [widget("timeseries", requests=[{"q": "avg:m{*}"}]), widget("note", content="read me")]
    widgets = [
        widget("group", widgets=inner),
        widget("query_value", requests=[{"queries": [metric, log], "formulas": []}]),
        widget("list_stream", requests=[{"query": {"data_source": "event_stream", "query_string": "scaled"}}]),
        widget("check_status", check="payment.can_connect"),
        widget("iframe", url="about:blank"),
    ]
    door.dashboard_rows = [Dashboard(id="d", title="Incident overview", document={"widgets": widgets})]
    at = "2025-10-30T08:24:10.000Z"
    door.series["avg:m{*}"] = [Series(metric="m", points=((instant(at).timestamp() * 1000, 1.0),))]
    door.logs = [Log(id="1", at=at, message="Connection refused")]
    door.event_rows = [Event(id="1", at=at, title="scaled")]
    door.monitor_rows = [Monitor(id=1, query='"payment.can_connect".over("*")')]
    rows = await answer_widgets(door, "Incident overview", START, instant("2025-10-30T08:25:00Z"))
    assert [(row["type"], row["answered"], row["values"]) for row in rows] == [
        ("timeseries", True, 1),
        ("query_value", True, 2),
        ("list_stream", True, 1),
        ("check_status", True, 1),
        ("iframe", False, 0),
    ]
    with pytest.raises(NotThere, match="no dashboard named 'Other'"):
        await answer_widgets(door, "Other", START, START)
