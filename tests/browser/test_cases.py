"""Cases in a browser: a drill is followed while it runs, and what it left odd is mended from its page."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Operator
    from tests.conftest import LongStack

UP = ("--speed", "60")
WAIT_MS = 60_000

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_cases")]


@pytest.fixture(scope="module")
def drilled(long_stack: "LongStack") -> Iterator[str]:
    """The name of a case on this stack in which orders are odd."""
    told = long_stack.command.run("drill", "payment-reply-lost", "--no-mend", "--json").json
    yield told["case"]


def test_what_a_drill_left_odd_is_mended_from_its_page(operator: "Operator", drilled: str) -> None:
    operator.go("/cases?odd=left")
    operator.page.get_by_role("link", name="payment-reply-lost").click()
    expect(operator.page.locator("#verdicts")).to_be_visible()
    assert operator.answer(f"/cases/{drilled}.json")["report"]["odd"]["before_total"] == 3

    operator.page.get_by_role("link", name="Mend", exact=True).click()
    operator.press("Apply: mend it, look again, write the report")
    expect(operator.page.get_by_text("Nothing odd is left.")).to_be_visible(timeout=WAIT_MS)

    assert operator.answer(f"/cases/{drilled}.json")["report"]["odd"]["after_total"] == 0
    assert operator.answer(f"/cases/{drilled}/mend.json")["texts"] == []


def test_the_timeline_is_gone_along_with_the_keyboard_and_the_report_is_shown(
    operator: "Operator", drilled: str
) -> None:
    operator.go(f"/cases/{drilled}/timeline")
    operator.page.locator("#chart svg").wait_for()
    operator.page.locator("#chart").focus()

    operator.page.keyboard.press("ArrowRight")
    expect(operator.page.locator("#chart-says")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    operator.page.keyboard.press("+")
    operator.page.wait_for_url("**/timeline?**from=**")

    assert operator.page.locator("#chart .mark").count() > 0
    # The report stands in a sandbox of its own, within the page.
    operator.press("Report")
    expect(operator.page.frame_locator("iframe").get_by_role("heading", level=1)).to_be_visible()
