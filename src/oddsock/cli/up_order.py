"""`oddsock up` as an order, and read from plain words without the library that parses every other verb.

Importing that library takes as long as a third of a boot. Whatever is not plain here (help, a mistake, an unusual
spelling) is left to it; a test holds both readings against each other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from oddsock.cli.words import GLOBAL_OPTIONS

DIALECTS = ("power", "weave")
PROFILES = ("incident-3", "upstream")
NETWORKS = ("auto", "ns", "ports")
SPEEDS = (0.1, 100)
PORTS = (0, 65535)


class UpOrder(NamedTuple):
    """What `oddsock up` is to do, by the names of its options."""

    detach: bool = False
    name: str = "sockshop"
    speed: float = 1.0
    port: int = 0
    no_zygote: bool = False
    network: str = "auto"
    dialect: str = "power"
    profile: str = "incident-3"
    no_telemetry: bool = False
    no_alerts: bool = False
    log_pipeline: bool = False
    ship_to_datadog: bool = False
    no_console: bool = False
    remedies: str = ""
    json: bool = False


_FLAGS = {
    "--detach": "detach",
    "-d": "detach",
    "--no-zygote": "no_zygote",
    "--no-telemetry": "no_telemetry",
    "--no-alerts": "no_alerts",
    "--log-pipeline": "log_pipeline",
    "--ship-to-datadog": "ship_to_datadog",
    "--no-console": "no_console",
    "--json": "json",
}
_TEXTS: dict[str, Sequence[str]] = {
    "--name": (),
    "--network": NETWORKS,
    "--dialect": DIALECTS,
    "--profile": PROFILES,
    "--remedies": (),
}


def read_up(words: Sequence[str]) -> UpOrder | None:
    """The order that *words* plainly are, global options first; None when they are something else or not plain.

    >>> read_up(["up", "--detach", "--port", "80"]) == UpOrder(detach=True, port=80)
    True
    """
    left = list(words)
    while left and left[0] in GLOBAL_OPTIONS:
        del left[: 2 if GLOBAL_OPTIONS[left[0]] else 1]
    if not left or left.pop(0) != "up":
        return None
    found: dict[str, Any] = {}
    while left:
        word = left.pop(0)
        if word in _FLAGS:
            found[_FLAGS[word]] = True
            continue
        value = left.pop(0) if left else ""
        if not value or value.startswith("-"):
            return None
        if word in _TEXTS and (not _TEXTS[word] or value in _TEXTS[word]):
            found[word[2:]] = value
        elif word == "--port" and value.isdecimal() and int(value) <= PORTS[1]:
            found["port"] = int(value)
        elif word == "--speed" and (speed := _number(value)) is not None and SPEEDS[0] <= speed <= SPEEDS[1]:
            found["speed"] = speed
        else:
            return None
    return UpOrder(**found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
