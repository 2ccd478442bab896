"""A stack in which something has happened, and every page there is to look at: for screenshots and accessibility.

The shop was drilled once, so that the console has a case, logs, metrics, events and monitors to show, and one customer
of the storefront has an account and orders.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.browser.chromium import visiting
from tests.browser.customer import Customer
from tests.conftest import Oddsock

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SPEED = "60"


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

    def console_views(self, ask: Callable[[str], Any]) -> Iterator[View]:
        """Every page of the console; *ask* gives the JSON of a path."""
        base = self.status["console"]
        case = self.command.cases()[-1].name
        order = ask(f"/cases/{case}.json?tab=orders")
        views = {
            "now": "/",
            "cases": "/cases",
            "case": f"/cases/{case}",
            "logs": "/logs?query=service:sock-shop-orders&from=now-1h&to=now",
            "metrics": "/metrics",
            "events": "/events",
            "infrastructure": "/infrastructure",
            "dashboards": "/dashboards",
            "monitors": "/monitors",
            "matrix": "/matrix",
            "compare": f"/compare?a={case}&b={case}",
        }
        assert order
        for tab in ("timeline", "orders", "customers", "mend", "telemetry", "report"):
            views[f"case-{tab}"] = f"/cases/{case}?tab={tab}"
        for number, one in enumerate(ask("/dashboards.json")["dashboards"], 1):
            views[f"dashboard-{number}"] = f"/dashboards/{one['id']}"
        for name, path in views.items():
            yield View(name, base + path)

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
