"""What %{name} matches, and the value it makes of the matched text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oddsock.telemetry.pipelines.grok.dates import WrongFormat, read_format
from oddsock.telemetry.pipelines.grok.expression import Call, RuleText
from oddsock.telemetry.pipelines.grok.pattern import rewrite
from oddsock.telemetry.pipelines.grok.values import read_integer, read_number

Make = Callable[[str, int], Any]
"""A matched text and the log's instant (ms) to a value; None leaves the field out."""


@dataclass(frozen=True)
class Matcher:
    """A regular expression without capturing groups, and what makes a value of a match (the text itself by default)."""

    regex: str
    make: Make | None = None


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}(?!\d)"
_HEX4 = r"[0-9A-Fa-f]{1,4}"
_IPV6 = (
    rf"(?:(?:{_HEX4}:){{7}}{_HEX4}|(?:{_HEX4}:){{6}}{_IPV4}|"
    rf"(?:{_HEX4}(?::{_HEX4}){{0,6}})?::(?:(?:{_HEX4}:){{0,5}}{_IPV4}|{_HEX4}(?::{_HEX4}){{0,6}})?)(?:%[0-9A-Za-z]+)?"
)
_LABEL = r"[0-9A-Za-z](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z])?"
_HOSTNAME = rf"{_LABEL}(?:\.{_LABEL}){{0,100}}\.?\b"
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER_EXT = rf"{_NUMBER}(?:[eE][+-]?\d+)?"
_INTEGER = r"[+-]?\d+"
_INTEGER_EXT = rf"{_INTEGER}(?:[eE][+-]?\d+)?"
_DOUBLE = r'"(?:\\.|[^"\\])*"'
_SINGLE = r"'(?:\\.|[^'\\])*'"


def _number(text: str, _at_ms: int) -> Any:
    return read_number(text)


def _integer(text: str, _at_ms: int) -> Any:
    return read_integer(text)


def _unquoted(text: str, _at_ms: int) -> Any:
    return text[1:-1]


_PLAIN: dict[str, Matcher] = {
    "notSpace": Matcher(r"\S+"),
    "data": Matcher(r".*?"),
    "word": Matcher(r"\w+"),
    "number": Matcher(_NUMBER, _number),
    "numberStr": Matcher(_NUMBER),
    "numberExt": Matcher(_NUMBER_EXT, _number),
    "numberExtStr": Matcher(_NUMBER_EXT),
    "integer": Matcher(_INTEGER, _integer),
    "integerStr": Matcher(_INTEGER),
    "integerExt": Matcher(_INTEGER_EXT, _integer),
    "integerExtStr": Matcher(_INTEGER_EXT),
    "doubleQuotedString": Matcher(_DOUBLE, _unquoted),
    "singleQuotedString": Matcher(_SINGLE, _unquoted),
    "quotedString": Matcher(rf"(?:{_DOUBLE}|{_SINGLE})", _unquoted),
    "uuid": Matcher(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    "mac": Matcher(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"),
    "ipv4": Matcher(_IPV4),
    "ipv6": Matcher(_IPV6),
    "ip": Matcher(rf"(?:{_IPV6}|{_IPV4})"),
    "hostname": Matcher(_HOSTNAME),
    "ipOrHost": Matcher(rf"(?:{_IPV6}|{_IPV4}|{_HOSTNAME})"),
    "port": Matcher(r"(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|\d{1,4})(?!\d)", _integer),
}

NAMES = (*_PLAIN, "date", "regex", "boolean")
REFUSED = ("rubyhash", "useragent", "xml")


def read_matcher(call: Call, rule: RuleText) -> Matcher | None:
    """The matcher that *call* names, None when it names none (a helper rule then); GrokError for wrong arguments."""
    if call.name in _PLAIN:
        if call.arguments:
            raise rule.refuse(call.offset, f"{call.name} takes no arguments.")
        return _PLAIN[call.name]
    if call.name == "date":
        return _date(call, rule)
    if call.name == "regex":
        return Matcher(rewrite(_inner(call, rule, strings(call, rule, 1, 1)[0])))
    if call.name == "boolean":
        return _boolean(call, rule)
    return None


def strings(call: Call, rule: RuleText, least: int, most: int) -> list[str]:
    """The arguments of *call*, from *least* to *most* strings; GrokError when they are not."""
    found = [argument for argument in call.arguments if isinstance(argument, str)]
    if len(found) != len(call.arguments) or not least <= len(found) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise rule.refuse(call.offset, f"{call.name} takes {wanted} strings in double quotes.")
    return found


def _inner(call: Call, rule: RuleText, text: str) -> RuleText:
    # A column inside the string is that of the call: escapes of the string shift what follows them.
    return RuleText(rule.name, text, rule.line, rule.column + call.offset + len('regex("'), rule.within)


def _date(call: Call, rule: RuleText) -> Matcher:
    formatted, zone, locale = [*strings(call, rule, 1, 3), "", ""][:3]
    try:
        return Matcher(*read_format(formatted, zone, locale))
    except WrongFormat as cause:
        raise rule.refuse(call.offset + len('date("') + cause.offset, str(cause)) from cause


def _boolean(call: Call, rule: RuleText) -> Matcher:
    words = strings(call, rule, 0, 2)
    yes = rewrite(_inner(call, rule, words[0])) if words else "(?i:true)"
    no = rewrite(_inner(call, rule, words[1])) if len(words) > 1 else "(?i:false)"
    is_yes = re.compile(yes, re.ASCII | re.DOTALL)

    def make(text: str, _at_ms: int) -> Any:
        return is_yes.fullmatch(text) is not None

    return Matcher(f"(?:{yes}|{no})", make)
