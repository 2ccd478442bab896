"""axe-core finds nothing serious on any page, light or dark."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import npm
from tests.browser.chromium import Visitor, visiting
from tests.browser.scene import Scene, View, customer_with_an_order, set_up
from tests.conftest import Oddsock

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.proof, pytest.mark.e2e, pytest.mark.timeout(600)]

AXE = "axe-core@4.14.1"
RUN = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
  return found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
}"""


@pytest.fixture(scope="module")
def axe(request: pytest.FixtureRequest) -> str:
    """The source of axe-core."""
    return (npm.fetch(request.config, AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A stack in which something has happened."""
    with set_up(Oddsock(Path(tmp_path_factory.mktemp("scene"))), "--remedies", "error_display,live_status") as made:
        yield made


def _violations(visitor: Visitor, views: Iterable[View], axe: str) -> dict[str, Any]:
    found = {}
    for view in views:
        answer = visitor.page.goto(view.url)
        assert answer is not None and answer.ok, view.url
        visitor.page.evaluate(axe)
        if violations := visitor.page.evaluate(RUN):
            found[view.name] = violations
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_console_shuts_anybody_out(chromium: "Browser", scene: Scene, axe: str, scheme: str) -> None:
    with visiting(Visitor, chromium, scene.status["console"], color_scheme=scheme) as operator:
        operator.page.goto(scene.console_link())

        assert _violations(operator, scene.console_views(operator.context.request), axe) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_shop_shuts_anybody_out(chromium: "Browser", scene: Scene, axe: str, scheme: str) -> None:
    with customer_with_an_order(chromium, scene, color_scheme=scheme) as (customer, order_id):
        assert _violations(customer, scene.shop_views(order_id), axe) == {}
