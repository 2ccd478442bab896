"""A series as a plot of block characters, for a terminal."""

from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
HEIGHT = 6
WIDTH_MAX = 96


def draw_plot(values: Sequence[float | None], height: int = HEIGHT, width: int = WIDTH_MAX) -> list[str]:
    """The lines of a plot of *values*, highest first; a gap is a dot on the ground; empty without any value.

    >>> draw_plot([1.0, None, 2.0], height=1)
    ['2 ┤▄·█', '0 ┘   ']
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    columns = _squeeze(values, width)
    top, ground = max(known), min(0.0, *known)
    span = (top - ground) or 1.0
    labels = [spell_value(top), *[""] * (height - 1)]
    margin = max(len(labels[0]), len(spell_value(ground)))
    lines = []
    for row in range(height):
        level = height - 1 - row
        cells = "".join(_cell(value, ground, span, height, level) for value in columns)
        lines.append(f"{labels[row]:>{margin}} {'┤' if labels[row] else '│'}{cells}")
    return [*lines, f"{spell_value(ground):>{margin}} ┘{' ' * len(columns)}"]


def _cell(value: float | None, ground: float, span: float, height: int, level: int) -> str:
    if value is None:
        return "·" if level == 0 else " "
    eighths = round((value - ground) / span * height * 8)
    return BLOCKS[min(8, max(0, eighths - level * 8))]


def _squeeze(values: Sequence[float | None], width: int) -> list[float | None]:
    """*values* as at most *width* columns, each the largest of its part: a spike must stay visible."""
    if len(values) <= width:
        return list(values)
    columns: list[float | None] = []
    for n in range(width):
        part = values[n * len(values) // width : (n + 1) * len(values) // width]
        known = [value for value in part if value is not None]
        columns.append(max(known) if known else None)
    return columns


def spell_value(value: float) -> str:
    """A number short enough for a margin.

    >>> spell_value(12.0), spell_value(15204444.0), spell_value(0.25)
    ('12', '15.2M', '0.25')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
