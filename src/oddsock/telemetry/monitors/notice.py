"""What a transition is told with: an event's title, text and tags, and whom its text names (`@webhook-NAME`, `@mail`).

Of Datadog's message templates this knows conditions ({{#is_alert}} … {{/is_alert}}, {{^is_recovery}} …) and variables
({{value}}, {{threshold}}, {{kube_namespace.name}} of the group …); what it does not know stays as it is written.
"""

import re
from typing import Any

from oddsock.telemetry.monitors.definition import Definition
from oddsock.telemetry.monitors.states import Status, Transition
from oddsock.telemetry.records import Event

SOURCE = "alert"
TEXT_LENGTH_MAX = 4000

_WORD = re.compile(r"\{\{\s*([#^/]?)\s*([A-Za-z_@][\w.@-]*)\s*\}\}")
_HANDLE = re.compile(r"(?<![\w.@-])@([A-Za-z][\w.-]*)")
_NAMES = {Status.ALERT: "Triggered", Status.WARN: "Warn", Status.NO_DATA: "No data", Status.OK: "Recovered"}
_TYPES = {Status.ALERT: "error", Status.WARN: "warning", Status.NO_DATA: "warning", Status.OK: "success"}


def compose_event(monitor: Definition, transition: Transition) -> Event:
    """The event of *transition*, without an id yet; source `alert`, alert type error, warning, success or info."""
    on = "" if transition.group == "*" else f" on {{{transition.group}}}"
    text = render(_message(monitor, transition), monitor, transition)
    about = {
        "id": monitor.id,
        "name": monitor.body.name,
        "type": monitor.body.type,
        "query": monitor.body.query,
        "tags": monitor.body.tags,
    }
    reason = f"\n\n{transition.reason}" if transition.reason else ""
    return Event(
        at_ms=transition.at_ms,
        title=f"[{describe(transition)}{on}] {monitor.body.name}"[:500],
        text=f"{text}{reason}"[:TEXT_LENGTH_MAX],
        alert_type=_TYPES.get(transition.after, "info"),
        source=SOURCE,
        aggregation_key=f"monitor:{monitor.id}",
        tags=tuple(dict.fromkeys([*monitor.body.tags, *_group_tags(transition), f"monitor_id:{monitor.id}"])),
        attributes={
            "monitor": about,
            "monitor_id": monitor.id,
            "monitor_groups": _group_tags(transition),
            "alert_transition": describe(transition),
            "value": transition.value,
        },
    )


def describe(transition: Transition) -> str:
    """A word for the transition, as Datadog's titles have it: Triggered, Warn, No data, Recovered, Re-Triggered."""
    name = _NAMES.get(transition.after, transition.after.value)
    return f"Re-{name}" if transition.is_repeated else name


def handles(text: str) -> list[str]:
    """Whom *text* names with an @, each once, in order.

    >>> handles("Look! @webhook-pager @mail, not a@b.c")
    ['webhook-pager', 'mail']
    """
    return list(dict.fromkeys(found.rstrip(".-") for found in _HANDLE.findall(text)))


def render(message: str, monitor: Definition, transition: Transition) -> str:
    """*message* with its conditions decided and its variables filled in."""
    flags, variables = _flags(transition), _variables(monitor, transition)
    out: list[str] = []
    shown = [True]
    place = 0
    for word in _WORD.finditer(message):
        mark, name = word.groups()
        if shown[-1]:
            out.append(message[place : word.start()])
        place = word.end()
        if mark in {"#", "^"} and name in flags:
            shown.append(shown[-1] and flags[name] is (mark == "#"))
        elif mark == "/" and name in flags and len(shown) > 1:
            shown.pop()
        elif shown[-1]:
            out.append(variables.get(name, word[0]) if not mark else word[0])
    if shown[-1]:
        out.append(message[place:])
    return "".join(out)


def _message(monitor: Definition, transition: Transition) -> str:
    escalation = monitor.body.options.escalation_message
    return escalation if transition.is_repeated and escalation else monitor.body.message


def _group_tags(transition: Transition) -> list[str]:
    return [] if transition.group == "*" else transition.group.split(",")


def _flags(transition: Transition) -> dict[str, bool]:
    before, after = transition.before, transition.after
    recovered = after is Status.OK
    return {
        "is_alert": after is Status.ALERT,
        "is_warning": after is Status.WARN,
        "is_no_data": after is Status.NO_DATA,
        "is_unknown": after is Status.UNKNOWN,
        "is_recovery": recovered,
        "is_alert_recovery": recovered and before is Status.ALERT,
        "is_warning_recovery": recovered and before is Status.WARN,
        "is_no_data_recovery": recovered and before is Status.NO_DATA,
        "is_alert_to_warning": after is Status.WARN and before is Status.ALERT,
        "is_renotify": transition.is_repeated,
    }


def _variables(monitor: Definition, transition: Transition) -> dict[str, str]:
    limits: Any = monitor.thresholds
    found = {
        "value": "" if transition.value is None else f"{transition.value:.6g}",
        "threshold": "" if limits.critical is None else f"{limits.critical:g}",
        "warn_threshold": "" if limits.warning is None else f"{limits.warning:g}",
        "check_message": transition.reason,
    }
    for tag in _group_tags(transition):
        key, _, value = tag.partition(":")
        found[f"{key}.name"] = value
    return found
