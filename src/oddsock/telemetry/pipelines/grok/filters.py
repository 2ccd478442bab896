"""What becomes of a matched text: %{data:name:filter}."""

import csv
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from oddsock.telemetry.pipelines.grok.expression import Argument, Call, RuleText
from oddsock.telemetry.pipelines.grok.keyvalue import read_keyvalue
from oddsock.telemetry.pipelines.grok.matchers import strings
from oddsock.telemetry.pipelines.grok.pattern import rewrite
from oddsock.telemetry.pipelines.grok.values import read_integer, read_number, read_scalar

Filter = Callable[[Any], Any]
"""A value to what becomes of it; None leaves the field out."""

ENTRIES_MAX = 1000
"""Entries of one array, columns of one csv line, names of one query string."""

JSON_LEVELS_MAX = 20
"""A JSON text that is nested more deeply is left as the text it is."""

REFUSED = ("rubyhash", "useragent", "xml")


def _number(value: Any) -> Any:
    return value if _is_number(value) else read_number(value) if isinstance(value, str) else None


def _integer(value: Any) -> Any:
    if _is_number(value):
        return int(value)
    return read_integer(value) if isinstance(value, str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).lower())


def _json(value: Any) -> Any:
    try:
        made = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return made if _is_within(made, JSON_LEVELS_MAX) else None


def _is_within(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_within(entry, levels - 1) for entry in inner)


def _querystring(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    made: dict[str, Any] = {}
    try:
        pairs = parse_qsl(value.lstrip("?"), max_num_fields=ENTRIES_MAX)
    except ValueError:
        return None
    for name, entry in pairs:
        there = made.get(name)
        made[name] = entry if there is None else [*(there if isinstance(there, list) else [there]), entry]
    return made


def _url(value: Any) -> Any:
    if not isinstance(value, str):
        return None
    try:
        found = urlsplit(value)
        port = found.port
    except ValueError:
        return None
    made: dict[str, Any] = {
        "scheme": found.scheme,
        "host": found.hostname,
        "port": port,
        "path": found.path,
        "queryString": _querystring(found.query) if found.query else None,
        "hash": found.fragment,
    }
    return {name: entry for name, entry in made.items() if entry not in (None, "")}


def _text(of: Callable[[str], str]) -> Filter:
    return lambda value: of(value) if isinstance(value, str) else value


_PLAIN: dict[str, Filter] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "json": _json,
    "querystring": _querystring,
    "decodeuricomponent": _text(unquote),
    "lowercase": _text(str.lower),
    "uppercase": _text(str.upper),
    "url": _url,
}


def read_filter(call: Call, rule: RuleText) -> Filter:
    """The filter that *call* names; GrokError when there is none or its arguments are wrong."""
    if call.name in _PLAIN:
        if call.arguments:
            raise rule.refuse(call.offset, f"{call.name} takes no arguments.")
        return _PLAIN[call.name]
    if call.name in _WITH_ARGUMENTS:
        return _WITH_ARGUMENTS[call.name](call, rule)
    if call.name in REFUSED:
        raise rule.refuse(call.offset, f"the filter {call.name} is Datadog's and not taken here.")
    known = ", ".join(sorted([*_PLAIN, *_WITH_ARGUMENTS]))
    raise rule.refuse(call.offset, f"there is no filter {call.name[:40]!r}.", f"Known are {known}.")


def _null_if(call: Call, rule: RuleText) -> Filter:
    null = strings(call, rule, 1, 1)[0]
    return lambda value: None if value == null else value


def _scale(call: Call, rule: RuleText) -> Filter:
    factor = call.arguments[0] if len(call.arguments) == 1 else None
    if isinstance(factor, bool) or not isinstance(factor, float):
        raise rule.refuse(call.offset, "scale takes one number.")
    by = factor

    def scale(value: Any) -> Any:
        number = _number(value)
        return None if number is None else read_number(repr(float(number) * by))

    return scale


def _keyvalue(call: Call, rule: RuleText) -> Filter:
    separator, allowed, quotes, delimiter = (strings(call, rule, 0, 4) + ["=", "", "", ""][len(call.arguments) :])[:4]
    if not separator:
        raise rule.refuse(call.offset, "the separator of keyvalue is empty.")
    if len(quotes) not in (0, 2):
        raise rule.refuse(call.offset, "the quotes of keyvalue are two characters, an opening and a closing one.")
    # Brackets and a caret mean themselves inside the list of allowed characters.
    inside = re.sub(r"(?<!\\)([\[\]^])", r"\\\1", allowed)
    checked = rewrite(RuleText(rule.name, f"[_{inside}]", rule.line, rule.column + call.offset, rule.within))
    if not (checked.startswith("[_") and checked.endswith("]")):
        raise rule.refuse(call.offset, "the allowed characters of keyvalue are no list of characters.")
    read = read_keyvalue(separator, checked[2:-1], quotes, delimiter)
    return lambda value: read(value) if isinstance(value, str) else None


def _csv(call: Call, rule: RuleText) -> Filter:
    header, separator, quote = (strings(call, rule, 1, 3) + ["", ",", '"'][len(call.arguments) :])[:3]
    names = [name.strip() for name in header.split(",")]
    separator = "\t" if separator == "tab" else separator
    if len(separator) != 1 or len(quote) != 1 or separator == quote or {separator, quote} & set("\r\n\0"):
        raise rule.refuse(call.offset, "the separator and the quote of csv are one character each, and not the same.")
    if not all(names) or len(names) > ENTRIES_MAX:
        raise rule.refuse(call.offset, f"csv takes from 1 to {ENTRIES_MAX} names, separated by commas.")

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return None
        try:
            row = next(csv.reader([value.replace("\n", " ")], delimiter=separator, quotechar=quote), [])
        except csv.Error:
            return None
        made = {name: read_scalar(entry) for name, entry in zip(names, row, strict=False) if entry != ""}
        return {name: entry for name, entry in made.items() if entry is not None}

    return read


def _array(call: Call, rule: RuleText) -> Filter:
    arguments: list[Argument | Call] = list(call.arguments)
    inner = None
    if arguments and isinstance(last := arguments[-1], Call):
        arguments.pop()
        inner = read_filter(last, rule)
    texts = strings(Call(call.name, tuple(arguments), call.offset), rule, 0, 2)
    separator = texts.pop() if texts else ","
    brackets = texts.pop() if texts else "[]" if not arguments else ""
    if not separator or len(brackets) not in (0, 2):
        raise rule.refuse(call.offset, "array takes two brackets, a separator and a filter, each of them optional.")

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return None
        text = value.strip()
        if brackets:
            if len(text) < 2 or text[0] != brackets[0] or text[-1] != brackets[1]:
                return None
            text = text[1:-1]
        entries = text.split(separator, ENTRIES_MAX)[:ENTRIES_MAX]
        made = [entry.strip() for entry in entries] if text.strip() else []
        return made if inner is None else [entry for entry in map(inner, made) if entry is not None]

    return read


_WITH_ARGUMENTS: dict[str, Callable[[Call, RuleText], Filter]] = {
    "nullIf": _null_if,
    "scale": _scale,
    "keyvalue": _keyvalue,
    "csv": _csv,
    "array": _array,
}
