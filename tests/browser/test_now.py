"""The page Now at a browser: what is broken by a button is seen by everybody at once, and healed by another."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.browser.chromium import Visitor, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.browser.conftest import Operator
    from tests.conftest import LongStack

UP = ("--speed", "10")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_now")]


def test_a_button_breaks_payment_and_another_heals_it(operator: "Operator", long_stack: "LongStack") -> None:
    page = operator.page
    page.get_by_text("live, looked at").wait_for()

    page.get_by_label("replicas of payment").fill("0")
    operator.press("Scale payment")
    operator.press("Leave it")
    assert long_stack.replicas("payment") == 1
    operator.press("Scale payment")
    operator.press("Break it")
    page.get_by_role("button", name="Heal payment").wait_for()

    asked = {one["name"]: one["replicas"] for one in operator.answer("/now.json")["deployments"]}
    assert asked["payment"] == 0
    page.locator('[data-node="payment"].is-off').wait_for()
    page.locator('[data-edge="orders payment"].is-cut').first.wait_for(state="attached")
    (broken,) = operator.answer("/now.json")["broken"]
    assert long_stack.command.succeed("status", "--json").json["unhealed"] == [broken["case"]]

    operator.press("Heal payment")
    page.get_by_text("Nothing is broken.").wait_for()
    page.locator('[data-node="payment"].is-well').wait_for()
    assert long_stack.replicas("payment") == 1


def test_oddsock_heal_heals_what_the_page_broke(operator: "Operator", long_stack: "LongStack") -> None:
    page = operator.page
    operator.press("Freeze payment")
    operator.press("Break it")
    page.get_by_role("button", name="Heal payment").wait_for()
    (broken,) = operator.answer("/now.json")["broken"]

    healed = long_stack.command.succeed("heal", broken["case"], "--json").json

    assert [one["result"] for one in healed] == ["restored"]
    page.get_by_text("Nothing is broken.").wait_for()


def test_without_javascript_it_is_asked_on_a_page_of_its_own(
    chromium: "Browser", enter: Callable[[], str], long_stack: "LongStack"
) -> None:
    with visiting(Visitor, chromium, long_stack.status["console"], java_script_enabled=False) as person:
        person.page.goto(enter())
        person.press("Kill catalogue")
        assert "Its processes are killed" in person.page.inner_text("main")
        person.press("Break it")
        person.page.get_by_role("heading", name="Now").wait_for()
        cases = [path.name for path in long_stack.command.cases("kill-pods-catalogue")]
    assert len(cases) == 1


def test_nothing_of_the_page_is_too_wide_for_a_phone(operator_on_a_phone: "Operator") -> None:
    page = operator_on_a_phone.page
    page.get_by_text("live, looked at").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.get_by_role("button", name="Scale payment").bounding_box() is not None
