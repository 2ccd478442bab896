"""A real Chromium: no page may write an error to its console or ask anybody beyond loopback."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

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
        """Open *path* of the site."""
        self.page.goto(self.base + path)

    def press(self, name: str) -> None:
        """Press the button or follow the link called *name*."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        button.or_(link).first.click()

    def cookies(self) -> Any:
        """The cookies of this browser."""
        return self.context.cookies()


V = TypeVar("V", bound=Visitor)


@contextmanager
def launched() -> "Iterator[Browser]":
    """Debian's Chromium; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def visiting(kind: type[V], chromium: "Browser", base: str, **more: Any) -> "Iterator[V]":
    """A visitor of *kind* at *base* in a context with the options *more*; at the end there must be no problems."""
    context = chromium.new_context(**more)
    visitor = kind(base, context, context.new_page())
    visitor.watch(visitor.page)
    yield visitor
    context.close()
    assert visitor.problems == []
