"""A real Chromium for the storefront: see tests/browser."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.browser.chromium import launched, visiting
from tests.browser.customer import Customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.contract.sockshop.conftest import RunningShop


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Debian's Chromium; skipped where there is none."""
    with launched() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: "Browser", shop: "RunningShop") -> Iterator[Customer]:
    """A person whose browser runs scripts."""
    with visiting(Customer, chromium, shop.url("front-end")) as customer:
        yield customer


@pytest.fixture
def plain_visitor(chromium: "Browser", shop: "RunningShop") -> Iterator[Customer]:
    """A person whose browser runs no scripts, on a phone."""
    phone = {"width": 390, "height": 800}
    with visiting(Customer, chromium, shop.url("front-end"), java_script_enabled=False, viewport=phone) as customer:
        yield customer


@pytest.fixture(scope="module")
def truthful(shop: "RunningShop") -> "Iterator[RunningShop]":
    """The shop with ERROR_DISPLAY and LIVE_STATUS on; the front-end forgets its sessions at either end."""
    shop.stop("front-end")
    shop.start("front-end", ERROR_DISPLAY="on", LIVE_STATUS="on")
    yield shop
    shop.stop("front-end")
    shop.start("front-end")
