"""Numbers and words of a log as values."""

import re

INTEGER_MAX = 2**63 - 1
EXACT_FLOAT_MAX = 2**53
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?", re.ASCII)


def read_integer(text: str) -> int | None:
    """The integer in *text*, 1e3 too; None when it is none or has more than 64 bits.

    >>> [read_integer(text) for text in ("42", "-7", "1e3", "1.5", "9" * 30, "x")]
    [42, -7, 1000, None, None, None]
    """
    if len(text) > 40 or "_" in text:
        return None
    try:
        number = int(text)
    except ValueError:
        try:
            number = int(float(text)) if float(text).is_integer() else INTEGER_MAX + 1
        except (ValueError, OverflowError):
            return None
    return number if -INTEGER_MAX - 1 <= number <= INTEGER_MAX else None


def read_number(text: str) -> float | int | None:
    """The number in *text*, whole ones without a fraction; None when it is none or not finite.

    >>> [read_number(text) for text in ("120", "1.5", "-2.0", "1e999", "abc")]
    [120, 1.5, -2, None, None]
    """
    try:
        number = float(text)
    except ValueError:
        return None
    if number - number != 0 or "_" in text:
        return None
    return int(number) if number.is_integer() and abs(number) < EXACT_FLOAT_MAX else number


def read_scalar(text: str) -> str | float | int | bool | None:
    """*text* as a number or a boolean when it is written as one; None for null.

    >>> [read_scalar(text) for text in ("12", "1.5", "true", "null", "690320cee2c84800016ceb4a", "9" * 24)]
    [12, 1.5, True, None, '690320cee2c84800016ceb4a', '999999999999999999999999']
    """
    if text in ("true", "false"):
        return text == "true"
    if text == "null":
        return None
    if _NUMBER.fullmatch(text):
        number = read_number(text) if "." in text else read_integer(text)
        return text if number is None else number
    return text
