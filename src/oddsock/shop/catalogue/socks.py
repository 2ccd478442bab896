"""The socks for sale and how the original selects among them: pure, over the lists of data/socks."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from oddsock.kit.errors import CannotRun

FOLDER = Path(__file__).parents[2] / "data" / "socks"

TAGS = ("brown", "geek", "formal", "blue", "skin", "red", "action", "sport", "black", "magic", "green")
"""The tags in the order of the original's table."""


class Sock(msgspec.Struct, frozen=True, rename={"image_urls": "imageUrl"}):
    """A sock as the wire shows it; *price* in major units, *count* never goes down."""

    id: str
    name: str
    description: str
    image_urls: tuple[str, str]
    price: float
    count: int
    tag: tuple[str, ...]


def read_socks(lists: Sequence[str], folder: Path = FOLDER) -> list[Sock]:
    """The socks of the named *lists*; CannotRun when there is no such list."""
    socks: list[Sock] = []
    for name in lists:
        path = folder / f"{name}.json"
        if not path.is_file():
            known = ", ".join(sorted(found.stem for found in folder.glob("*.json")))
            raise CannotRun(f"There is no list of socks named {name}.", f"Set SOCKS to some of {known}.")
        socks += msgspec.json.decode(path.read_bytes(), type=list[Sock])
    return socks


def select(socks: Sequence[Sock], tags: Sequence[str], page: int, size: int) -> list[Sock]:
    """Page *page* of *size* socks that carry one of *tags*; a filter trims the tags shown; page or size 0 is empty."""
    chosen = tagged(socks, tags)
    if page <= 0 or size <= 0:
        return []
    return chosen[(page - 1) * size : page * size]


def tagged(socks: Sequence[Sock], tags: Sequence[str]) -> list[Sock]:
    """The socks that carry one of *tags*, showing only those; all of them when no tag is asked for."""
    if not tags:
        return list(socks)
    return [
        msgspec.structs.replace(sock, tag=tuple(tag for tag in sock.tag if tag in tags))
        for sock in socks
        if set(sock.tag) & set(tags)
    ]


def drawing(file: str) -> str:
    """A drawn sock that stands for picture *file*: the original's photographs are not ours to ship."""
    hue = sum(map(ord, file)) * 47 % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 120" role="img" aria-label="a sock">'
        f'<path d="M35 8h32v56l22 22q8 10-2 20-11 9-22 0L38 84q-5-5-4-14z" fill="hsl({hue} 55% 60%)" '
        f'stroke="hsl({hue} 55% 30%)" stroke-width="3"/><path d="M35 22h32" stroke="#fff" stroke-width="6"/></svg>'
    )
