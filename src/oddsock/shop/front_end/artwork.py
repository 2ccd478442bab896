"""Socks drawn from their tags: colours from the tags that are colours, patterns from the others. No picture files.

A drawing is inline SVG without a style attribute, so that a page needs no exception from its content policy.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

COLOURS = {
    "brown": "#8a5a36",
    "blue": "#2f5f9e",
    "skin": "#e0ac8b",
    "red": "#b8342b",
    "black": "#2e2c2a",
    "green": "#3f7a4a",
}
OTHERS = ("#6f4a8e", "#c98a1b", "#2c7f86", "#a4486e")
"""For socks whose tags name no colour."""

TRIM = "#f3ead9"

_SOCK = "M36 30h34v42q0 9 7 14l20 14q13 10 6 22-7 13-23 7-6-2-38-24-6-5-6-14z"
_CUFF = "M33 12q0-5 5-5h30q5 0 5 5v18h-40z"
_TOE = "M84 92l13 8q13 10 6 22-6 11-19 8-4-20 0-38z"
_HEEL = "M36 84v8q0 8 6 13l9 6q3-20-15-27z"


def colours_of(tags: Sequence[str], seed: int) -> tuple[str, str]:
    """The sock's own colour and its second one.

    >>> colours_of(["blue", "red"], 0)
    ('#2f5f9e', '#b8342b')
    """
    named = [COLOURS[tag] for tag in tags if tag in COLOURS]
    first = named[0] if named else OTHERS[seed % len(OTHERS)]
    second = named[1] if len(named) > 1 else TRIM
    return first, second


def _pattern_of(name: str, tags: Sequence[str]) -> str:
    words = name.lower()
    for word, pattern in (("holy", "holes"), ("cross", "crosses"), ("cat", "cats"), ("colourful", "stripes")):
        if word in words:
            return pattern
    for tag, pattern in (("magic", "stars"), ("geek", "angles"), ("sport", "bands"), ("action", "bolts")):
        if tag in tags:
            return pattern
    return "diamonds" if "formal" in tags else "dots"


_TILES = {
    "holes": (16, 16, '<circle cx="8" cy="8" r="4.4" fill="{paper}"/>'),
    "crosses": (14, 14, '<path d="M3 3l8 8M11 3l-8 8" stroke="{second}" stroke-width="2.4"/>'),
    "cats": (20, 18, '<path d="M4 15V4l4 4h4l4-4v11q-6 4-12 0z" fill="{second}"/>'),
    "stripes": (
        18,
        18,
        '<path d="M0 2h18" stroke="{second}" stroke-width="4"/><path d="M0 11h18" stroke="{trim}" stroke-width="3"/>',
    ),
    "stars": (20, 20, '<path d="M10 3l2 5 5 .4-4 3.4 1.4 5.2L10 14l-4.4 3L7 11.800l-4-3.400 5-.4z" fill="{second}"/>'),
    "angles": (18, 14, '<path d="M7 3L3 7l4 4M11 3l4 4-4 4" fill="none" stroke="{second}" stroke-width="1.800"/>'),
    "bands": (
        60,
        26,
        '<path d="M0 4h60" stroke="{second}" stroke-width="4"/>'
        '<path d="M0 10h60" stroke="{second}" stroke-width="1.600"/>',
    ),
    "bolts": (18, 20, '<path d="M10 2L4 11h4l-2 7 7-10H9z" fill="{second}"/>'),
    "diamonds": (18, 26, '<path d="M9 2l7 11-7 11-7-11z" fill="{second}" fill-opacity=".55"/>'),
    "dots": (12, 12, '<circle cx="6" cy="6" r="2.200" fill="{second}"/>'),
}


def draw(sock: Mapping[str, Any], size: str = "card") -> "Markup":
    """A pair of *sock* (id, name, tag as the catalogue has them) as SVG; *size* is the drawing's class."""
    # Imported with the first page: no start waits for it.
    from markupsafe import Markup

    name, tags = str(sock.get("name") or "sock"), [str(tag) for tag in sock.get("tag") or ()]
    seed = zlib.crc32(str(sock.get("id") or name).encode())
    first, second = colours_of(tags, seed)
    width, height, tile = _TILES[_pattern_of(name, tags)]
    paint = tile.format(second=second, trim=TRIM, paper="#fff6e5")
    pattern_id = f"p{seed:08x}-{size}"
    figure = (
        f'<path d="{_SOCK}" fill="{first}"/><path d="{_SOCK}" fill="url(#{pattern_id})"/>'
        f'<path d="{_CUFF}" fill="{second}"/><path d="{_HEEL}" fill="{second}"/><path d="{_TOE}" fill="{second}"/>'
        '<path d="M40 10v17M46 10v17M52 10v17M58 10v17M64 10v17" stroke="#000" stroke-opacity=".18"/>'
        f'<path d="{_CUFF}{_SOCK}" fill="none" stroke="#000" stroke-opacity=".3" stroke-width="1.500"/>'
    )
    return Markup(
        f'<svg class="sock sock-{size}" viewBox="0 0 140 140" role="img" aria-label="{{}}" '
        'xmlns="http://www.w3.org/2000/svg">'
        f'<defs><pattern id="{pattern_id}" width="{width}" height="{height}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({-8 + seed % 17})">{paint}</pattern></defs>'
        f'<g transform="translate(26 -2) rotate(6 60 70)" opacity=".55">{figure}</g><g>{figure}</g></svg>'
    ).format(f"{name}, drawn")
