"""The whole way in two browsers: a customer buys, an operator breaks payment and mends what came of it."""

from typing import TYPE_CHECKING

import pytest

from oddsock.kit.clock import instant

if TYPE_CHECKING:
    from tests.browser.conftest import Operator
    from tests.browser.customer import Customer
    from tests.conftest import LongStack

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("console_journey"), pytest.mark.timeout(240)]

UP = ("--speed", "10", "--remedies", "all")
PROMISE_S = 2.0

NOTE_THE_TIME = """() => {
  const shown = document.querySelector("span[data-shown]");
  new MutationObserver(() => {
    if (shown.textContent.toLowerCase().includes("shipped")) window.turnedAt ??= Date.now();
  }).observe(shown, { childList: true, characterData: true, subtree: true });
}"""


def test_an_operator_breaks_payment_and_mends_it_while_the_customer_looks_on(
    operator: "Operator", customer: "Customer", long_stack: "LongStack"
) -> None:
    customer.register()
    customer.choose("Colourful Socks")
    customer.press("Go to checkout")
    customer.press("Place order")
    customer.page.get_by_role("heading", name="Your order is paid").wait_for()

    operator.go("/")
    operator.page.get_by_label("replicas of payment").fill("0")
    operator.press("Scale payment")
    operator.press("Break it")
    heal = operator.page.get_by_role("button", name="Heal payment")
    heal.wait_for()
    assert long_stack.command.wait_until(lambda: long_stack.replicas("payment") == 0)
    [case] = [one["case"] for one in operator.answer("/now.json")["broken"]]

    customer.choose("Colourful Socks")
    customer.press("Go to checkout")
    customer.press("Place order")
    said = customer.page.get_by_role("alert")
    said.get_by_text("Your card has not been charged yet.").wait_for()
    customer.press("My orders")
    row = customer.page.locator("tr[data-order]", has_text="Pending")
    order_id = str(row.get_attribute("data-order"))
    customer.go(f"/customer-order.html?order=/orders/{order_id}")
    customer.page.locator("span[data-shown]", has_text="pending").wait_for()
    customer.page.evaluate(NOTE_THE_TIME)

    heal.click()
    operator.page.get_by_text("Nothing is broken.").wait_for()
    customer.page.locator("span[data-shown]", has_text="shipped").wait_for()
    rows = long_stack.ask("orders", f"/journal?order={order_id}&limit=100")["changes"]
    paid_at = next(instant(one["at"]) for one in rows if one["status"] == "PAID")
    late_s = customer.page.evaluate("window.turnedAt") / 1000 - paid_at.timestamp()
    print(f"\nthe page turned {late_s:.2f} s after the order")
    assert late_s <= PROMISE_S

    def is_ended() -> bool:
        return bool(operator.answer("/cases.json")["rows"][0]["state"] == "completed")

    assert long_stack.command.wait_until(is_ended)
    operator.go(f"/cases/{case}/mend")
    operator.press("Apply: mend it, look again, write the report")
    operator.page.get_by_text("The mend that was asked for").wait_for()
    operator.page.get_by_text("Nothing is to be mended").wait_for()
    [row_of_case] = operator.answer("/cases.json")["rows"]
    assert (row_of_case["name"], row_of_case["odd_left"]) == (case, 0)
