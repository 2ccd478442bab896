"""A stack with its console, as `oddsock up` gives them, and people at browsers: one who runs the shop, one who buys.

A module may set UP, the options of its stack. Tests of one module share the stack; each leaves the shop whole.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.chromium import Visitor, launched, visiting
from tests.browser.customer import Customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.conftest import LongStack

SEEN_MAX = 3000

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test tells what its people saw last."""
    report = yield
    if call.when == "call" and report.failed:
        for name, one in getattr(item, "funcargs", {}).items():
            if isinstance(one, Visitor):
                seen = f"{one.page.url}\n{one.page.inner_text('body')[:SEEN_MAX]}"
                report.sections.append((f"what the {name} saw", seen))
    return report


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Debian's Chromium; skipped where there is none."""
    with launched() as browser:
        yield browser


class Operator(Visitor):
    """A person who looks after the shop, in the console."""

    def answer(self, path: str) -> Any:
        """What the page *path* has as JSON."""
        found = self.context.request.get(self.base + path)
        assert found.ok, f"{path}: {found.status} {found.text()}"
        return found.json()


@pytest.fixture(scope="module")
def enter(long_stack: "LongStack") -> Callable[[], str]:
    """A function that gives a new link into the console of the stack."""
    return lambda: str(long_stack.command.succeed("console", "--json").json["console"])


@pytest.fixture
def operator(chromium: "Browser", long_stack: "LongStack", enter: Callable[[], str]) -> Iterator[Operator]:
    """A person in the console, who came by its link."""
    with visiting(Operator, chromium, long_stack.status["console"]) as person:
        person.page.goto(enter())
        yield person


@pytest.fixture
def operator_on_a_phone(chromium: "Browser", long_stack: "LongStack", enter: Callable[[], str]) -> Iterator[Operator]:
    """The same on a phone, in the dark."""
    with visiting(Operator, chromium, long_stack.status["console"], color_scheme="dark", **PHONE) as person:
        person.page.goto(enter())
        yield person


@pytest.fixture
def customer(chromium: "Browser", long_stack: "LongStack") -> Iterator[Customer]:
    """A person who buys in the stack's storefront."""
    with visiting(Customer, chromium, long_stack.status["storefront"]) as person:
        yield person
