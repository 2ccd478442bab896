"""The page of the logs, used as a person would: searched, narrowed, brushed, followed, opened."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.browser.conftest import Operator
    from tests.browser.customer import Customer
    from tests.conftest import LongStack

UP = ("--speed", "10")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_logs")]

SERVICES = "#lines .line:not([hidden]) .service"


def _state(page: "Page") -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def _shown(page: "Page", query: str) -> None:
    """Wait until lines and bars of *query* are shown."""
    for place in ("lines", "histogram"):
        page.wait_for_function(
            "([id, query]) => document.getElementById(id).dataset.shown === query", arg=[place, query]
        )


def test_a_click_on_a_facet_narrows_the_search_and_another_lets_go(operator: "Operator") -> None:
    page = operator.page
    operator.go("/logs?from=now-1d")
    facet = page.locator(".facet[data-facet=service]")

    facet.get_by_role("button", name="sock-shop-catalogue", exact=True).click()
    _shown(page, "service:sock-shop-catalogue")
    narrowed = set(page.locator(SERVICES).all_inner_texts())
    address = _state(page)
    facet.get_by_role("button", name="sock-shop-catalogue", exact=True).click()
    _shown(page, "")

    assert narrowed == {"sock-shop-catalogue"}
    assert address == {"query": "service:sock-shop-catalogue", "from": "now-1d", "to": "now"}
    page.go_back()
    _shown(page, "service:sock-shop-catalogue")
    assert page.get_by_label("Search for").input_value() == "service:sock-shop-catalogue"


def test_a_query_is_completed_and_searched_from_the_keyboard(operator: "Operator") -> None:
    page = operator.page
    operator.go("/logs?from=now-1d")
    box = page.get_by_label("Search for")

    box.press_sequentially("-service:sock-shop-ca")
    page.get_by_role("option").nth(1).wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    completed = box.input_value().strip()
    box.press("Enter")
    _shown(page, f"{completed} ")

    assert completed in ("-service:sock-shop-catalogue", "-service:sock-shop-carts")
    assert completed.partition(":")[2] not in page.locator(SERVICES).all_inner_texts()


def test_a_mistake_has_a_caret_under_its_column_and_goes_with_it(operator: "Operator") -> None:
    page = operator.page
    operator.go("/logs")
    box, told = page.get_by_label("Search for"), page.get_by_role("alert")

    box.fill("service:x AND (")
    box.press("Enter")
    told.wait_for()
    caret = page.locator(".caret").inner_text()
    box.fill("service:x")
    box.press("Enter")
    told.wait_for(state="hidden")

    assert caret == "service:x AND (\n               ^"
    assert _state(page)["query"] == "service:x"
    assert "No line was found" in page.locator("#lines").inner_text()


def test_dragging_over_the_bars_narrows_the_span(operator: "Operator") -> None:
    page = operator.page
    operator.go("/logs?from=now-1m")
    _shown(page, "")
    box = page.locator("#histogram").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2

    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=4)
    page.mouse.up()
    page.wait_for_function("() => new URL(location).searchParams.get('to') !== 'now'")

    state = _state(page)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", state[name]) for name in ("from", "to"))
    assert state["from"] < state["to"]
    assert page.get_by_label("from", exact=True).input_value() == state["from"]


def test_the_live_tail_shows_what_comes_in_and_stands_still_when_told_to(operator: "Operator") -> None:
    page = operator.page
    operator.go("/logs?query=Health")

    operator.press("Live tail")
    page.locator("#live-told", has_text=re.compile(r"[1-9][\d,]* lines")).wait_for()
    operator.press("Pause")
    page.locator("#live-told", has_text=re.compile(r"paused, [1-9]")).wait_for()
    standing = page.locator("#lines .line .at").first.inner_text()
    page.locator("#live-told", has_text=re.compile(r"paused, ([2-9]|\d\d)")).wait_for()
    still = page.locator("#lines .line .at").first.inner_text()
    operator.press("Go on")
    page.wait_for_function("(at) => document.querySelector('#lines .line .at').textContent > at", arg=standing)
    address = _state(page)
    operator.press("Stop the tail")

    assert still == standing
    assert address["live"] == "1"
    assert "live" not in _state(page)


def test_a_line_leads_to_all_lines_of_its_order_in_every_service(operator: "Operator", customer: "Customer") -> None:
    customer.enter()
    order = customer.context.request.post(customer.base + "/orders").json()["id"]
    page = operator.page
    lines = page.locator("#lines .line:not([hidden])")
    operator.go(f'/logs?query=service:sock-shop-orders "{order}"')
    # A line is found some hundred milliseconds after it was written.
    while lines.count() == 0:
        operator.press("Search")
        page.wait_for_timeout(100)

    lines.first.click()
    page.get_by_role("link", name=f"All lines of order {order}").click()
    page.wait_for_url("**/logs?query=%22*")

    assert _state(page)["query"] == f'"{order}"'
    assert "sock-shop-orders" in page.locator(SERVICES).all_inner_texts()
    assert len(set(page.locator(SERVICES).all_inner_texts())) >= 2


def test_the_logs_can_be_read_without_javascript(
    chromium: "Browser", long_stack: "LongStack", enter: Callable[[], str]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(enter())
    page.goto(f"{long_stack.status['console']}/logs?query=service:sock-shop-catalogue&from=now-1d")

    page.locator("summary.line").first.click()

    assert page.get_by_role("link", name=re.compile("Logs of pod catalogue-")).first.is_visible()
    assert page.locator("#histogram rect").count() > 0
    assert page.get_by_role("link", name="error").or_(page.get_by_role("link", name="info")).count() > 0
    context.close()


def test_events_lead_to_the_logs_around_them(operator: "Operator") -> None:
    page = operator.page
    operator.go("/events?query=sources:kubernetes&from=now-1d")

    page.get_by_role("link", name=re.compile("Logs around Pod")).first.click()
    page.wait_for_url("**/logs?query=pod_name*")

    assert _state(page)["query"].startswith("pod_name:")
    page.locator("#lines .line").first.wait_for()
