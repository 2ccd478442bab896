"""A line of the history as a person watching a drill reads it."""

from typing import Any

from oddsock.drill.history import Entry
from oddsock.kit.money import dollars

MARKS = {"ok": "✓", "fail": "✗", "unknown": "?", "note": "·", "invoke": "→"}

_SHOWN_AT_BEGIN = {"checkout", "settle"}


def is_worth_showing(entry: Entry) -> bool:
    """Whether *entry* tells something new: every end, and the beginning of what takes a while."""
    return entry.kind != "invoke" or entry.verb in _SHOWN_AT_BEGIN


class Speller:
    """Puts lines into words; the end of an operation is told with what its beginning said."""

    def __init__(self) -> None:
        self._begun: dict[str, dict[str, Any]] = {}

    def spell(self, entry: Entry) -> str:
        """*entry* in a few words, without its time."""
        if entry.kind == "invoke":
            self._begun[entry.operation] = entry.value
            return _spell(entry, entry.value)
        return _spell(entry, {**self._begun.pop(entry.operation, {}), **entry.value})


def _spell(entry: Entry, value: dict[str, Any]) -> str:
    who = entry.actor.partition(":")[2] or entry.actor
    if entry.verb == "checkout":
        return _spell_checkout(entry, value, who)
    if entry.actor.startswith("customer:"):
        return f"{who} {_spell_shopping(entry.verb, value)}{_spell_end(entry)}"
    words = entry.verb.replace("_", " ")
    told = str(value.get("effect") if entry.verb == "inject" and entry.kind == "ok" else value.get("sentence") or "")
    if entry.verb == "evidence":
        missing = value.get("missing") or {}
        words = f"evidence {value.get('phase', '')}"
        told = f"no evidence of {', '.join(missing)}" if missing else ""
    if entry.verb == "telemetry":
        missing = value.get("missing") or {}
        words = f"telemetry {value.get('phase', '')}"
        told = (
            f"no answer to {', '.join(missing)}" if missing else str(value.get("sentence") or "every question answered")
        )
    name = who if entry.actor.startswith("fault:") else ""
    return " ".join(filter(None, (words, name))) + (f": {told}" if told else _spell_end(entry))


def _spell_checkout(entry: Entry, value: dict[str, Any], who: str) -> str:
    if entry.kind == "invoke":
        bought = ", ".join(f"{line['quantity']} {line.get('name') or line['item_id']}" for line in value["lines"])
        return f"{who} checks out {bought or 'an empty cart'} ({dollars(value['total_cents'])})"
    answer = f"HTTP {value['http_status']}" if value.get("http_status") else value.get("error") or "no answer"
    order = f" order {value['order_id']}" if value.get("order_id") else ""
    return f"{who} got {answer}{order}, was told {value.get('message') or value.get('told') or 'nothing'}"


def _spell_shopping(verb: str, value: dict[str, Any]) -> str:
    socks = ", ".join(f"{quantity} {name}" for name, quantity in (value.get("socks") or {}).items())
    words = {
        "register": "registered",
        "login": "logged in",
        "add": f"put {socks} into the cart",
        "remove": f"took {socks} out of the cart",
        "clear": "emptied the cart",
    }
    return words.get(verb, verb)


def _spell_end(entry: Entry) -> str:
    if entry.kind in ("ok", "note", "invoke"):
        return ""
    value = entry.value
    why = value.get("error") or (f"HTTP {value['http_status']}" if value.get("http_status") else "")
    return f" ({entry.kind}{': ' + str(why) if why else ''})"


def spell_plan_time(plan_s: float) -> str:
    """Plan seconds since the phase began, as minutes and seconds.

    >>> spell_plan_time(160.964), spell_plan_time(-0.2), spell_plan_time(3661)
    ('02:41.0', '00:00.0', '61:01.0')
    """
    tenths = round(max(0.0, plan_s) * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
