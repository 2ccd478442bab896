"""Which command stands for which image. Nothing is pulled: an image is in the map, or it is ErrImagePull."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command `[python, "-m", <module>, ...]` whose containers may be forked from a process that imported *preload*.

    Forked or executed, it must do the same: its module and what is preloaded may do nothing but define when imported.
    """

    command: list[str]
    preload: list[str]


Entry = Sequence[str] | Program
"""What stands for an image: a command, or one that may be forked."""


class Images:
    """The map from image globs to commands; a glob is tried against the image with its tag and without it.

    A command stands for the image's own entry point and replaces the manifest's `command`, whose program is not on this
    machine; an empty one means that the manifest's `command` is run as it is.
    """

    def __init__(self, commands: Mapping[str, Entry]) -> None:
        self._commands = {glob: command_of(entry) for glob, entry in commands.items()}
        self._warm = {glob for glob, entry in commands.items() if isinstance(entry, Program)}

    def entry_point(self, image: str) -> list[str] | None:
        """The command that stands for *image*, perhaps empty; None when the image is not in the map."""
        glob = self._glob(image)
        return None if glob is None else list(self._commands[glob])

    def is_warm(self, image: str) -> bool:
        """Whether a container of *image* may be forked."""
        return self._glob(image) in self._warm

    def refusal(self, image: str) -> str:
        """Why *image* cannot be pulled."""
        known = ", ".join(sorted(self._commands)) or "none"
        return f'Failed to pull image "{image}": this cluster pulls nothing, and its images are: {known}'

    def _glob(self, image: str) -> str | None:
        return next(
            (glob for glob in self._commands if fnmatchcase(image, glob) or fnmatchcase(repository(image), glob)), None
        )


def command_of(entry: Entry) -> Sequence[str]:
    """The command of *entry*."""
    return entry.command if isinstance(entry, Program) else entry


def preload_of(entries: Mapping[str, Entry]) -> list[str]:
    """Every module that is to be imported before the first fork, once."""
    named = [module for entry in entries.values() if isinstance(entry, Program) for module in entry.preload]
    return list(dict.fromkeys(named))


def repository(image: str) -> str:
    """An image without its tag or digest.

    >>> repository("localhost:5000/shop/orders:1.2"), repository("orders@sha256:ab")
    ('localhost:5000/shop/orders', 'orders')
    """
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]
