"""Fields of a JSON body, read one by one: the value of its type, or 400 with a sentence that names the field."""

from collections.abc import Sequence
from typing import Any

from oddsock.telemetry.api.errors import ApiError

TAGS_MAX, TAG_LENGTH_MAX = 100, 200


def read_object(value: Any, name: str) -> dict[str, Any]:
    """*value*, which must be a JSON object."""
    if not isinstance(value, dict):
        raise ApiError(400, f"{name} must be an object, not {_kind(value)}.")
    return value


def read_text(fields: dict[str, Any], name: str, length_max: int, wanted: bool = False) -> str:
    """A text of at most *length_max* characters, "" when absent; a *wanted* one may be neither absent nor empty."""
    value = fields.get(name)
    if value is None or value == "":
        if wanted:
            raise ApiError(400, f"{name} is missing.")
        return ""
    if not isinstance(value, str):
        raise ApiError(400, f"{name} must be a text, not {_kind(value)}.")
    if len(value) > length_max:
        raise ApiError(400, f"{name} is too long: {len(value)} characters, at most {length_max} are taken.")
    return value


def read_choice(fields: dict[str, Any], name: str, choices: Sequence[str], default: str) -> str:
    """One of *choices*; *default* when absent, or 400 when *default* is empty."""
    value = fields.get(name)
    if value is None and default:
        return default
    if not isinstance(value, str) or value not in choices:
        given = "is missing" if value is None else f"is {str(value)[:50]!r}"
        raise ApiError(400, f"{name} {given}: it must be one of {', '.join(choices)}.")
    return value


def read_int(fields: dict[str, Any], name: str, default: int) -> int:
    """A whole number, also one written as a text; *default* when absent."""
    value = fields.get(name)
    if value is None:
        return default
    try:
        if isinstance(value, bool):
            raise ValueError
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise ApiError(400, f"{name} must be a whole number, not {str(value)[:50]!r}.") from None


def read_tags(fields: dict[str, Any], name: str = "tags") -> tuple[str, ...]:
    """A list of at most 100 tags of at most 200 characters, or the same as a text with commas; () when absent."""
    value = fields.get(name)
    if value is None:
        return ()
    tags = [tag.strip() for tag in value.split(",")] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ApiError(400, f"{name} must be a list of texts.")
    if len(tags) > TAGS_MAX:
        raise ApiError(400, f"{name} holds {len(tags)} tags: at most {TAGS_MAX} are taken.")
    if long := next((tag for tag in tags if len(tag) > TAG_LENGTH_MAX), None):
        raise ApiError(400, f"The tag {long[:30]!r}... is longer than {TAG_LENGTH_MAX} characters.")
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _kind(value: Any) -> str:
    names = {type(None): "nothing", bool: "true or false", list: "a list", str: "a text", dict: "an object"}
    return names.get(type(value), "a number")
