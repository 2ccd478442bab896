"""Which program stands for which image: nothing is pulled, every image of the shop is a module of this package."""

import sys
from typing import Any

FOREIGN = ("curlimages/curl", "busybox")
"""Images whose programs the machine has itself: a pod of one runs its own command and arguments."""
SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox", "gateway")


def image_map() -> dict[str, Any]:
    """Image repository (without its tag) to what runs it, as cluster.images reads it; others are ErrImagePull."""
    own = {f"oddsock/sock-shop-{service}": _program(service) for service in SERVICES}
    return {**own, **{image: [] for image in FOREIGN}}


def _program(service: str) -> dict[str, list[str]]:
    own = f"oddsock.shop.{service.replace('-', '_')}.api"
    return {"command": [sys.executable, "-m", "oddsock.shop", service], "preload": ["oddsock.shop.service", own]}
