"""A stack in which something has happened, and every page there is to look at: for screenshots and accessibility.

The shop was drilled once, so that the console has a case, logs, metrics, events and monitors to show, and one customer
of the storefront has an account and orders.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.browser.chromium import visiting
from tests.browser.customer import Customer
from tests.conftest import Oddsock

if TYPE_CHECKING:
    from playwright.sync_api import APIRequestContext, Browser

SPEED = "60"
FRAME = '<main id="main"'
"""What every page of the console has."""

_LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')
_NAMES = re.compile(r"^(\d{8}-\d{6}-.*|[0-9a-f]{6,}.*|[a-z0-9]+(-[a-z0-9]+){2,}|\d+)$")


def _kind(path: str) -> str:
    """What kind of page *path* is: names and numbers of things are left out, a tab is a kind of its own.

    >>> _kind("/cases/20261125-133022-incident-3?tab=orders&page=2")
    'cases-one-orders'
    """
    where, _, query = path.partition("?")
    words = ["one" if _NAMES.match(word) else word for word in where.strip("/").split("/")]
    tab = parse_qs(query).get("tab", [""])[0]
    return "-".join(filter(None, [*words, tab])) or "now"


@dataclass(frozen=True)
class View:
    """One page to look at: *name* for its file, and where it is."""

    name: str
    url: str


@dataclass
class Scene:
    """The stack, and what its pages are."""

    command: Oddsock
    status: dict[str, Any]

    def console_link(self) -> str:
        """A new link into the console."""
        return str(self.command.succeed("console", "--json").json["console"])

    def console_views(self, request: "APIRequestContext") -> Iterator[View]:
        """Every page of the console that a link of the console leads to: the first of each kind."""
        base = self.status["console"]
        seen: set[str] = set()
        waiting = ["/"]
        while waiting:
            path = waiting.pop(0)
            if (name := _kind(path)) in seen:
                continue
            seen.add(name)
            answer = request.get(base + path)
            assert answer.ok, f"{path}: {answer.status}"
            is_html = "text/html" in answer.headers.get("content-type", "")
            if not is_html or FRAME not in (text := answer.text()):
                # A file of a case, such as its report, which no script may touch.
                continue
            yield View(name, base + path)
            waiting += [html.unescape(href) for href in _LINK.findall(text)]

    def shop_views(self, order_id: str) -> Iterator[View]:
        """Every page of the storefront for the customer of *order_id*."""
        base = self.status["storefront"]
        socks = "/category.html?tags=brown,blue"
        views = {
            "home": "/",
            "socks": "/category.html",
            "socks-by-tag": socks,
            "basket": "/basket.html",
            "account": "/account.html",
            "checkout": "/checkout.html",
            "orders": "/customer-orders.html",
            "order": f"/customer-order.html?order=/orders/{order_id}",
        }
        for name, path in views.items():
            yield View(f"shop-{name}", base + path)


@contextmanager
def set_up(command: Oddsock, *options: str) -> Iterator[Scene]:
    """A scene on *command*'s home, whose stack is started with *options*; everything is ended with it."""
    try:
        command.succeed("up", "--detach", "--speed", SPEED, *options)
        status = command.succeed("status", "--json").json
        command.run("drill", "incident-3", "--speed", SPEED)
        yield Scene(command, status)
    finally:
        command.end()


@contextmanager
def customer_with_an_order(chromium: "Browser", scene: Scene, **more: Any) -> "Iterator[tuple[Customer, str]]":
    """A customer who bought something, and the id of the order; socks are in the basket again."""
    with visiting(Customer, chromium, scene.status["storefront"], **more) as customer:
        customer.enter()
        placed = customer.context.request.post(customer.base + "/orders")
        assert placed.ok, placed.text()
        socks = customer.context.request.get(f"{customer.base}/catalogue?size=100").json()
        for sock in socks[:3]:
            assert customer.context.request.post(f"{customer.base}/cart", data={"id": sock["id"]}).ok
        yield customer, str(placed.json()["id"])
