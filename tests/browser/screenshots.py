"""`make screenshots`: every page of console and storefront, light, dark and on a phone, into docs/images/pages/.

Pictures are WebP, which Chromium writes itself; a picture that did not change is not written again by git.
"""

import base64
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.chromium import Visitor, launched, visiting
from tests.browser.scene import Scene, View, customer_with_an_order, set_up
from tests.conftest import Oddsock

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "pages"
QUALITY = 70
HEIGHT_MAX = 2400
"""A page is shown down to here."""

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 800}},
}
SETTLE_MS = 700
"""What a page that is live may take for its first news; its streams never end, so that its network is never idle."""


def take(visitor: Visitor, views: Iterable[View], look: str) -> None:
    """A picture of each of *views* as *visitor* sees it."""
    session = visitor.context.new_cdp_session(visitor.page)
    width = LOOKS[look]["viewport"]["width"]
    for view in views:
        visitor.page.goto(view.url)
        visitor.page.wait_for_timeout(SETTLE_MS)
        height = min(HEIGHT_MAX, int(visitor.page.evaluate("document.documentElement.scrollHeight")))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        asked = {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": True}
        picture = session.send("Page.captureScreenshot", asked)
        (FOLDER / f"{view.name}-{look}.webp").write_bytes(base64.b64decode(picture["data"]))
        print(f"{view.name}-{look}", file=sys.stderr)


def take_all(chromium: "Browser", scene: Scene) -> None:
    """Every page in every look."""
    for look, options in LOOKS.items():
        with visiting(Visitor, chromium, scene.status["console"], **options) as operator:
            operator.page.goto(scene.console_link())
            take(operator, scene.console_views(operator.context.request), look)
        with customer_with_an_order(chromium, scene, **options) as (customer, order_id):
            take(customer, scene.shop_views(order_id), look)


def main() -> None:
    """Set the scene, take the pictures, end everything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        set_up(Oddsock(Path(home)), "--remedies", "error_display,live_status") as scene,
        launched() as chromium,
    ):
        take_all(chromium, scene)


if __name__ == "__main__":
    main()
