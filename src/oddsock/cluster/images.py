"""Which command stands for which image. Nothing is pulled: an image is in the map, or it is ErrImagePull."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase


class Images:
    """The map from image globs to commands; a glob is tried against the image with its tag and without it.

    A command stands for the image's own entry point and replaces the manifest's `command`, whose program is not on this
    machine; an empty one means that the manifest's `command` is run as it is.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._commands = commands

    def entry_point(self, image: str) -> list[str] | None:
        """The command that stands for *image*, perhaps empty; None when the image is not in the map."""
        for glob, command in self._commands.items():
            if fnmatchcase(image, glob) or fnmatchcase(repository(image), glob):
                return list(command)
        return None

    def refusal(self, image: str) -> str:
        """Why *image* cannot be pulled."""
        known = ", ".join(sorted(self._commands)) or "none"
        return f'Failed to pull image "{image}": this cluster pulls nothing, and its images are: {known}'


def repository(image: str) -> str:
    """An image without its tag or digest.

    >>> repository("localhost:5000/shop/orders:1.2"), repository("orders@sha256:ab")
    ('localhost:5000/shop/orders', 'orders')
    """
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]
