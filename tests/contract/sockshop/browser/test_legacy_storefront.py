"""The storefront as the report saw it, in a real browser: silence when payment is away, and Shipped for everything."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.customer import Customer

pytestmark = pytest.mark.xdist_group("sockshop")


def test_a_failed_payment_is_silence_and_the_order_is_shown_as_shipped(
    visitor: "Customer", without_payment: None
) -> None:
    visitor.enter()
    visitor.press("Place order")
    page = visitor.page
    page.get_by_role("heading", name="Checkout").wait_for()
    assert page.locator(".outcome, .note").count() == 0
    assert page.get_by_role("button", name="Place order").is_visible()
    visitor.press("My orders")
    assert page.locator("[data-shown]").all_inner_texts() == ["Shipped"]
    page.get_by_text("View", exact=True).click()
    page.locator("span[data-shown]").wait_for()
    assert page.locator("span[data-shown]").inner_text() == "shipped"
    assert page.locator("script").count() == 0
