"""Which program stands for which image: nothing is pulled, every image of the shop is a module of this package."""

import sys

FOREIGN = ("curlimages/curl", "busybox")
"""Images whose programs the machine has itself: a pod of one runs its own command and arguments."""
SERVICES = ("front-end", "catalogue", "carts", "user", "orders", "payment", "shipping", "mailbox")


def image_map() -> dict[str, list[str]]:
    """Image repository (without its tag) to the command that runs it; an image that is not here is ErrImagePull."""
    own = {f"oddsock/sock-shop-{service}": [sys.executable, "-m", "oddsock.shop", service] for service in SERVICES}
    return {**own, **{image: [] for image in FOREIGN}}
