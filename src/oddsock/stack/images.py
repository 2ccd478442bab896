"""Which program stands for which image: nothing is pulled, every image of the shop is a module of this package."""

import sys

SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox")


def image_map() -> dict[str, list[str]]:
    """Image repository (without its tag) to the command that runs it; an image that is not here is ErrImagePull."""
    return {f"oddsock/sock-shop-{service}": [sys.executable, "-m", "oddsock.shop", service] for service in SERVICES}
