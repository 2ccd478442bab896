"""What msgspec says of a wrong plan, said as one sentence to the person who wrote the plan."""

import difflib
import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import inspect

from oddsock.drill.plan_fields import FORMS
from oddsock.drill.plan_source import Step

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}


def complain(problem: str, steps: Sequence[Step], top: type[msgspec.Struct], top_at: int = 0) -> str:
    """msgspec's *problem* at *steps* as one sentence; *top* is the type that stands after the first *top_at* steps.

    >>> complain("Expected `str`, got `int`", ["card", "expires"], msgspec.Struct)
    'card.expires must be text, but it is a whole number.'
    """
    where = spell(steps)
    if unknown := unknown_field(problem):
        fields = [field.encode_name for field in getattr(_type_at(top, steps[top_at:]), "fields", ())]
        return f"{where} has no field `{unknown}`{suggest(unknown, fields)}"
    if found := re.match(r"Object missing required field `(.*)`$", problem):
        return f"{where} lacks the field `{found[1]}`."
    if found := re.match(r"Invalid enum value (.*)$", problem):
        allowed = [str(value) for value in getattr(_type_at(top, steps[top_at:]), "values", ())]
        value = found[1].strip("'\"")
        return f"{where} cannot be `{value}`, only {_either(allowed)}{suggest(value, allowed)}"
    if found := re.match(r"Expected `([^`]*)`, got `([^`]*)`$", problem):
        wanted = [_KINDS.get(kind, kind) for kind in found[1].split(" | ")]
        return f"{where} must be {_either(wanted)}, but it is {_KINDS.get(found[2], found[2])}."
    if found := re.match(r"Expected `\w+` (>=|<=|>|<) (\S+)$", problem):
        words = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
        return f"{where} must be {words[found[1]]} {float(found[2]):g}."
    if found := re.match(r"Expected `str` matching regex (.*)$", problem):
        pattern = found[1].strip("'")
        return f"{where} must be {FORMS.get(pattern, f'of the form {pattern}')}."
    if problem == "Expected `array` of length >= 1":
        return f"{where} must not be empty."
    return f"{where}: {problem}."


def spell(steps: Sequence[Step]) -> str:
    """The path of *steps* as a person reads it.

    >>> spell(["customers", 0, "card"]), spell([])
    ('customers[0].card', 'The plan')
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.lstrip(".") or "The plan"


def unknown_field(problem: str) -> str:
    """The field that is one too many by msgspec's *problem*, empty when that is about something else."""
    found = re.match(r"Object contains unknown field `(.*)`$", problem)
    return found[1] if found else ""


def suggest(wrong: str, known: Iterable[str]) -> str:
    """The end of a sentence: `; did you mean ...?` with the name of *known* nearest to *wrong*, or a full stop.

    >>> suggest("paymnt", ["orders", "payment"]), suggest("x", [])
    ('; did you mean `payment`?', '.')
    """
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(wrong.casefold(), list(by_folded), n=1)
    return f"; did you mean `{by_folded[near[0]]}`?" if near else "."


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _type_at(top: type[msgspec.Struct], steps: Sequence[Step]) -> inspect.Type | None:
    """The declared type at *steps*, seen through unions with None."""
    here: inspect.Type | None = inspect.type_info(top)
    for step in steps:
        here = _plain(here)
        if isinstance(here, inspect.StructType):
            here = next((field.type for field in here.fields if field.encode_name == step), None)
        elif isinstance(here, inspect.ListType):
            here = here.item_type
        elif isinstance(here, inspect.DictType):
            here = here.value_type
        else:
            return None
    return _plain(here)


def _plain(kind: inspect.Type | None) -> inspect.Type | None:
    if isinstance(kind, inspect.UnionType):
        return next((one for one in kind.types if not isinstance(one, inspect.NoneType)), None)
    return kind
