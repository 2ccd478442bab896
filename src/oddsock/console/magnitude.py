"""Numbers in words: four digits that count, with a unit. Pages write them so on the server and in static/figures.js."""

_SCALES = ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))
_BYTES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def write_magnitude(value: float | None, unit: str = "", digits: int | None = None) -> str:
    """*value* with its *unit*, a dash for None; *digits* behind the point when they are given.

    >>> write_magnitude(12345.0), write_magnitude(3 * 2**20, "byte"), write_magnitude(0.25, "second")
    ('12.35k', '3 MiB', '250 ms')
    """
    if value is None:
        return "–"
    size = abs(value)
    if digits is not None:
        return f"{value:.{digits}f}{f' {unit}' if unit else ''}"
    if unit in ("byte", "B"):
        least, name = next(((least, name) for least, name in _BYTES if size >= least), (1, "B"))
        return f"{_digits(value / least)} {name}"
    if unit in ("second", "s") and 0 < size < 1:
        return f"{_digits(value * 1000)} ms"
    scale, letter = next(((by, letter) for least, by, letter in _SCALES if size >= least), (1.0, ""))
    told = "s" if unit == "second" else unit
    return f"{_digits(value / scale)}{letter}{f' {told}' if told else ''}"


def _digits(value: float) -> str:
    """Four digits that count, never an exponent for what people read.

    >>> _digits(3.0), _digits(0.123456)
    ('3', '0.1235')
    """
    if value == int(value):
        return str(int(value))
    return f"{float(f'{value:.4g}'):.12f}".rstrip("0").rstrip(".")
