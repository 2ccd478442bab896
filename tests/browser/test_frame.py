"""The console's door and its frame."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.browser.conftest import Operator
    from tests.conftest import LongStack

UP = ("--speed", "10")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_frame")]


def test_a_link_opens_the_console_once(chromium: "Browser", long_stack: "LongStack", enter: Callable[[], str]) -> None:
    link = enter()
    first, second = chromium.new_context(), chromium.new_context()

    first.request.get(link)
    again = second.request.get(link)

    assert first.request.get(long_stack.status["console"] + "/infrastructure.json").ok
    assert again.status == 403
    assert "used already" in again.text()
    first.close()
    second.close()


def test_nobody_sees_a_page_without_a_link(chromium: "Browser", long_stack: "LongStack") -> None:
    stranger = chromium.new_context()

    refused = stranger.request.get(long_stack.status["console"] + "/infrastructure.json")

    assert refused.status == 401
    assert "oddsock console" in refused.text()
    stranger.close()


def test_every_page_of_the_navigation_can_be_read_on_a_phone(operator_on_a_phone: "Operator") -> None:
    page = operator_on_a_phone.page
    hrefs = [link.get_attribute("href") or "" for link in page.locator("nav[aria-label=Console] a").all()]
    assert len(hrefs) == 9

    for href in hrefs:
        operator_on_a_phone.go(href)
        assert page.locator("h1").count() == 1, href
        assert "Not possible" not in page.title(), href
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{href} is {too_wide} pixels too wide"


def test_the_infrastructure_is_what_the_cluster_says(operator: "Operator", long_stack: "LongStack") -> None:
    operator.go("/infrastructure")

    shown = operator.page.locator("section[aria-labelledby=deployments] tbody tr td:first-child").all_inner_texts()

    assert shown == [one["name"] for one in long_stack.status["deployments"]]
    assert [one["name"] for one in operator.answer("/infrastructure.json")["deployments"]] == shown


def test_hosts_and_containers_are_narrowed_by_tags(operator: "Operator", long_stack: "LongStack") -> None:
    def known(query: str) -> int:
        found = operator.answer(f"/infrastructure.json?query={query}")
        assert found["telemetry_away"] == ""
        return len(found["containers"])

    assert long_stack.command.wait_until(lambda: known("kube_namespace:sock-shop") >= 8)
    assert known("kube_deployment:orders") == 1
    assert known("kube_deployment:nobody") == 0
