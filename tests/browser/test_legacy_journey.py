"""The same way in the shop as the report found it: silence, and Shipped for everything; mended all the same."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import Operator
    from tests.browser.customer import Customer
    from tests.conftest import LongStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_journey_legacy"), pytest.mark.timeout(240)]

UP = ("--speed", "10")


def test_a_legacy_customer_is_told_nothing_and_shown_shipped(
    operator: "Operator", customer: "Customer", long_stack: "LongStack"
) -> None:
    customer.register()
    customer.choose("Colourful Socks")
    operator.go("/")
    operator.page.get_by_label("replicas of payment").fill("0")
    operator.press("Scale payment")
    operator.press("Break it")
    heal = operator.page.get_by_role("button", name="Heal payment")
    heal.wait_for()
    assert long_stack.command.wait_until(lambda: long_stack.replicas("payment") == 0)

    customer.press("Go to checkout")
    customer.press("Place order")
    customer.page.get_by_role("heading", name="Checkout").wait_for()
    assert customer.page.locator(".outcome, .note").count() == 0
    customer.press("My orders")
    assert customer.page.locator("[data-shown]").all_inner_texts() == ["Shipped"]

    heal.click()
    operator.page.get_by_text("Nothing is broken.").wait_for()
    # What the customer is not told, the operator sees.
    operator.page.locator("#odd .badge", has_text="1 PAYMENT_FAILED").wait_for()
