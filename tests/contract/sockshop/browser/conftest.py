"""A real Chromium for the storefront: no page may write an error to its console or ask anybody beyond loopback."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from oddsock.kit import ids

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.contract.sockshop.conftest import RunningShop

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS_MAX = 45_000.0
"""How long a loaded machine gets for what a person would wait a second for."""

NETWORK_ERROR = "Failed to load resource"


@dataclass
class Visitor:
    """A person at a browser of their own; `problems` is what no visit may leave behind."""

    base: str
    context: "BrowserContext"
    page: "Page"
    problems: list[str] = field(default_factory=list)

    def watch(self, page: "Page") -> "Page":
        """*page*, with its console and its requests looked at."""
        page.set_default_timeout(WAIT_MS_MAX)
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        return page

    def _console(self, kind: str, text: str) -> None:
        # A browser reports every cut stream itself; a test that stops a service means it.
        if kind == "error" and not text.startswith(NETWORK_ERROR):
            self.problems.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            self.problems.append(f"request: {url}")

    def go(self, path: str) -> None:
        """Open *path* of the shop."""
        self.page.goto(self.base + path)

    def press(self, name: str) -> None:
        """Press the button or follow the link called *name*."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        button.or_(link).first.click()

    def register(self) -> None:
        """Open an account and say where socks go and which card pays, as a person would."""
        self.go("/account.html")
        form = self.page.locator("form", has_text="I am new here")
        for label, text in (("User name", f"v-{ids.object_id()}"), ("Password", "secret-1"), ("E-mail", "v@a.example")):
            form.get_by_label(label).fill(text)
        form.get_by_role("button").click()
        for label, text in ADDRESS.items():
            self.page.get_by_label(label).fill(text)
        self.press("Save address")
        for label, text in CARD.items():
            self.page.get_by_label(label).fill(text)
        self.press("Save card")

    def enter(self) -> None:
        """Have an account, an address, a card and a pair of colourful socks in the basket, without a page for each."""
        person = {"username": f"v-{ids.object_id()}", "password": "secret-1", "email": "v@a.example"}
        address = {"number": "1", "street": "Long Road", "city": "Town", "postcode": "P1", "country": "UK"}
        card = {"longNum": "5953580604169678", "expires": "08/29", "ccv": "678"}
        bodies: dict[str, dict[str, str]] = {"/register": person, "/addresses": address, "/cards": card}
        for path, body in bodies.items():
            assert self.context.request.post(self.base + path, data=body).ok
        socks = self.context.request.get(f"{self.base}/catalogue?size=100").json()
        sock = next(one["id"] for one in socks if one["name"] == "Colourful Socks")
        assert self.context.request.post(f"{self.base}/cart", data={"id": sock}).ok
        self.go("/checkout.html")

    def choose(self, sock: str) -> None:
        """Put a pair of *sock* into the basket: found by its tag, looked at, added."""
        self.go("/category.html?tags=brown,blue&page=1")
        while self.page.get_by_role("link", name=sock, exact=False).count() == 0:
            here = int(self.page.locator(".turns [aria-current=page]").inner_text())
            self.press(f"Page {here + 1}")
        self.page.get_by_role("link", name=sock).last.click()
        self.press("Add to basket")
        self.page.get_by_role("heading", name="Basket").wait_for()

    def cookies(self) -> Any:
        """The cookies of this browser."""
        return self.context.cookies()


ADDRESS = {"House number": "1", "Street": "Long Road", "City": "Town", "Postcode": "P1", "Country": "UK"}
CARD = {"Card number": "5953 5806 0416 9678", "Expires (MM/YY)": "08/29", "Security code": "678"}


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Debian's Chromium; skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


def _visit(chromium: "Browser", shop: "RunningShop", **more: Any) -> Iterator[Visitor]:
    context = chromium.new_context(**more)
    visitor = Visitor(shop.url("front-end"), context, context.new_page())
    visitor.watch(visitor.page)
    yield visitor
    context.close()
    assert visitor.problems == []


@pytest.fixture
def visitor(chromium: "Browser", shop: "RunningShop") -> Iterator[Visitor]:
    """A person whose browser runs scripts."""
    yield from _visit(chromium, shop)


@pytest.fixture
def plain_visitor(chromium: "Browser", shop: "RunningShop") -> Iterator[Visitor]:
    """A person whose browser runs no scripts, on a phone."""
    yield from _visit(chromium, shop, java_script_enabled=False, viewport={"width": 390, "height": 800})


@pytest.fixture(scope="module")
def truthful(shop: "RunningShop") -> "Iterator[RunningShop]":
    """The shop with ERROR_DISPLAY and LIVE_STATUS on; the front-end forgets its sessions at either end."""
    shop.stop("front-end")
    shop.start("front-end", ERROR_DISPLAY="on", LIVE_STATUS="on")
    yield shop
    shop.stop("front-end")
    shop.start("front-end")
