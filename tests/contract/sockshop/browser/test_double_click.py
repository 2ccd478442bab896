"""The button of one order form pressed twice in a real browser, before the first press has its answer."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.browser.customer import Customer
    from tests.contract.sockshop.conftest import RunningShop

pytestmark = pytest.mark.xdist_group("sockshop")

KEYED = ("orders", "front-end")
"""The services that make something of the key; payment honours one whatever its switch says."""


@pytest.fixture(scope="module", params=["off", "on"])
def switch(request: pytest.FixtureRequest, shop: "RunningShop") -> Iterator[str]:
    """IDEMPOTENCY in the shop, at real time: a machine that is busy must not time out what is held up here."""
    for service in KEYED:
        shop.stop(service)
        shop.start(service, IDEMPOTENCY=request.param, ODDSOCK_SPEED="1")
    yield request.param
    for service in KEYED:
        shop.stop(service)
        shop.start(service)


def _read(shop: "RunningShop", service: str, path: str) -> Any:
    with urllib.request.urlopen(shop.url(service) + path, timeout=20) as answer:
        return json.load(answer)


def _counts(shop: "RunningShop") -> tuple[int, int]:
    """How many orders there are, and how many captures."""
    orders = _read(shop, "orders", "/orders?size=1")["page"]["totalElements"]
    charges = _read(shop, "payment", "/charges?limit=1000")["charges"]
    return orders, sum(charge["kind"] == "capture" for charge in charges)


def test_two_presses_of_one_form_are_one_order_where_the_form_s_key_is_honoured(
    plain_visitor: "Customer", shop: "RunningShop", switch: str
) -> None:
    plain_visitor.enter()
    page, before = plain_visitor.page, _counts(shop)
    button = page.get_by_role("button", name="Place order")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.post_data or "") if request.method == "POST" else None)
    box = button.bounding_box()
    assert box is not None
    # Nobody answers until both presses are made.
    shop.processes["orders"].send_signal(signal.SIGSTOP)
    try:
        # By the mouse itself: a locator would wait for the page that the first press asked for.
        for presses in (1, 2):
            with page.expect_request(lambda request: request.method == "POST"):
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            assert len(posts) == presses
    finally:
        shop.processes["orders"].send_signal(signal.SIGCONT)
    page.get_by_role("heading", name="Checkout").wait_for(state="detached")
    after = _counts(shop)
    made = {"off": (2, 2), "on": (1, 1)}[switch]
    assert (after[0] - before[0], after[1] - before[1]) == made
    assert len(posts) == 2 and posts[0] == posts[1]
