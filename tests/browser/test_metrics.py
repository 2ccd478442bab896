"""Metrics, dashboards and monitors of the console."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Operator

UP = ("--speed", "10")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_metrics")]

REPLICAS = "avg:kubernetes_state.deployment.replicas_desired{*} by {kube_deployment}"
TITLE = "<script>alert(1)</script> board"
BOARD = {
    "title": TITLE,
    "layout_type": "ordered",
    "widgets": [
        {"definition": {"type": "note", "content": "<b>words</b> and `code`"}},
        {"definition": {"type": "timeseries", "title": "Refused", "requests": [{"q": "avg:x{"}]}},
    ],
}


def test_a_metric_is_completed_asked_and_drawn(operator: "Operator") -> None:
    operator.go("/metrics")
    box = operator.page.get_by_label("Search for")
    box.press_sequentially("replicas_desir")
    operator.page.get_by_role("option", name="kubernetes_state.deployment.replicas_desired", exact=True).click()
    assert box.input_value() == "avg:kubernetes_state.deployment.replicas_desired{"

    box.fill(REPLICAS)
    operator.press("Search")
    operator.page.locator("#chart canvas").wait_for()

    operator.page.get_by_role("button", name="kube_deployment:payment").wait_for()
    assert operator.page.locator("#lines tr").count() >= 8


def test_a_mistake_in_a_query_has_a_caret_below_it(operator: "Operator") -> None:
    operator.go("/metrics?query=avg:x{")

    assert operator.page.locator(".caret").inner_text() == "avg:x{\n      ^"


def test_a_dashboard_is_imported_shown_and_deleted(operator: "Operator") -> None:
    operator.go("/dashboards")
    operator.page.get_by_label("JSON", exact=True).fill("{no")
    operator.press("Import")
    assert "This is not JSON" in operator.page.get_by_role("alert").inner_text()

    operator.page.get_by_label("JSON", exact=True).fill(json.dumps(BOARD))
    operator.press("Import")
    operator.page.get_by_role("heading", name=TITLE).wait_for()
    assert operator.page.locator(".note").inner_text() == "<b>words</b> and code"
    assert "avg:x{" in operator.page.locator(".is-failed pre").inner_text()

    operator.press("delete")
    operator.press(f"Delete {TITLE}")
    operator.page.get_by_role("heading", name="Import a dashboard").wait_for()
    assert [one["title"] for one in operator.answer("/dashboards.json")["dashboards"]] == [
        "Incident overview",
        "Transaction flow health",
    ]


def test_the_shipped_dashboards_and_monitors_answer_on_a_phone(operator_on_a_phone: "Operator") -> None:
    for one in operator_on_a_phone.answer("/dashboards.json")["dashboards"]:
        widgets = operator_on_a_phone.answer(f"/dashboards/{one['id']}.json")["widgets"]
        assert [widget["failed"] for widget in widgets if widget["failed"]] == []
    monitors = operator_on_a_phone.answer("/monitors.json")["monitors"]
    assert len(monitors) == 5

    operator_on_a_phone.go(f"/monitors/{monitors[0]['id']}")

    assert operator_on_a_phone.page.locator("h1").inner_text() == monitors[0]["name"]
    page = operator_on_a_phone.page
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
