"""Form-encoded bodies with brackets, as Stripe's clients write them, and typed reads of their parameters: pure."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from oddsock.shop.gateway.refusal import missing, unknown, wrong

DEPTH_MAX = 5
FIELDS_MAX = 200
VALUE_CHARACTERS_MAX = 5000
METADATA_MAX = 50


def parse_form(text: str) -> dict[str, Any]:
    """The nested parameters of *text*; Refusal when there are too many or they are too deep.

    >>> parse_form("amount=10&metadata[order]=7&payment_method_types[0]=card&expand[]=a")
    {'amount': '10', 'metadata': {'order': '7'}, 'payment_method_types': {'0': 'card'}, 'expand': {'0': 'a'}}
    """
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as cause:
        raise wrong("", f"The body cannot be read: {cause}.") from cause
    for name, value in pairs:
        steps = name.replace("]", "").split("[")
        if len(steps) > DEPTH_MAX or len(value) > VALUE_CHARACTERS_MAX:
            raise wrong(steps[0], f"Invalid {steps[0]}: too deep or too long.")
        place = found
        for step in steps[:-1]:
            inner = place.setdefault(_index(step, place), {})
            if not isinstance(inner, dict):
                raise wrong(steps[0], f"Invalid {steps[0]}: both a value and an object.")
            place = inner
        place[_index(steps[-1], place)] = value
    return found


def _index(step: str, place: dict[str, Any]) -> str:
    return step or str(len(place))


class Params:
    """The parameters of one call; Refusal for an unknown one, a missing one, a wrong one."""

    def __init__(self, values: dict[str, Any], known: Iterable[str]) -> None:
        if strange := sorted(set(values) - set(known)):
            raise unknown(strange)
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise wrong(name, f"Invalid string: {name}")
        return value

    def needed(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def choice(self, name: str, *values: str) -> str:
        """One of *values*, the first when absent."""
        value = self.text(name, values[0])
        if value not in values:
            raise wrong(name, f"Invalid {name}: must be one of {', '.join(values)}")
        return value

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number."""
        value = self.text(name, str(default))
        if not value.removeprefix("-").isdigit() or len(value) > 15:
            raise wrong(name, f"Invalid integer: {value}", "parameter_invalid_integer")
        if not lowest <= int(value) <= highest:
            raise wrong(name, f"Invalid {name}: must be between {lowest} and {highest}", "parameter_invalid_integer")
        return int(value)

    def truth(self, name: str) -> bool:
        """true or false, false when absent."""
        return self.choice(name, "false", "true") == "true"

    def metadata(self) -> dict[str, str]:
        """The pairs of metadata."""
        value = self._values.get("metadata", {})
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise wrong("metadata", "Invalid object: metadata")
        if len(value) > METADATA_MAX:
            raise wrong("metadata", f"Metadata can hold at most {METADATA_MAX} keys")
        return dict(value)
