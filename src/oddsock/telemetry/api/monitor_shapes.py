"""Monitors on the wire: as the API answers one, and as its search answers one."""

from typing import Any

from msgspec.structs import replace

from oddsock.telemetry.api.event_shapes import iso_of
from oddsock.telemetry.monitors.evaluation import ALL
from oddsock.telemetry.monitors.notice import handles
from oddsock.telemetry.monitors.states import GroupState, Transition, wall_ms
from oddsock.telemetry.monitors.watch import PAUSE_S_MIN, Watch
from oddsock.telemetry.records import Log


def show_monitor(
    document: dict[str, Any], watch: Watch, interval_s: float, states: frozenset[str] | None
) -> dict[str, Any]:
    """A monitor with its state; its groups in *states* (lower case, `all` for all) when given.

    `oddsock` tells what Datadog has no field for: the speed, and window and pause in wall seconds after its division.
    """
    monitor_id, speed = document["id"], watch.clock.speed
    shown = {**document, "overall_state": watch.overall(monitor_id).value}
    if states is not None:
        shown["state"] = {
            "groups": {
                name: _show_group(state)
                for name, state in sorted(watch.groups(monitor_id).items())
                if "all" in states or state.status.value.lower() in states
            }
        }
    definition = watch.roster.definition(monitor_id)
    window_s = wall_ms(definition.window_s, speed) / 1000 if definition and definition.window_s else None
    shown["oddsock"] = {
        "speed": speed,
        "window_wall_s": window_s,
        "interval_wall_s": max(PAUSE_S_MIN, interval_s / speed),
    }
    return shown


def show_found(document: dict[str, Any], watch: Watch) -> dict[str, Any]:
    """A monitor as a search answers it."""
    monitor_id = document["id"]
    triggered = [state.last_triggered_ms // 1000 for state in watch.groups(monitor_id).values()]
    return {
        "id": monitor_id,
        "name": document["name"],
        "type": document["type"],
        "query": document["query"],
        "tags": document["tags"],
        "status": watch.overall(monitor_id).value,
        "classification": _classification(document["type"]),
        "creator": document["creator"],
        "org_id": document["org_id"],
        "is_muted": bool(document["options"].get("silenced")),
        "last_triggered_ts": max(triggered, default=0) or None,
        "notifications": [{"handle": name, "name": name} for name in handles(document["message"])],
        "scopes": [],
        "metrics": [],
    }


def show_found_group(document: dict[str, Any], state: GroupState) -> dict[str, Any]:
    """A group of a monitor as a search for groups answers it."""
    return {
        "monitor_id": document["id"],
        "monitor_name": document["name"],
        "group": state.group,
        "group_tags": [] if state.group == ALL else state.group.split(","),
        "status": state.status.value,
        "last_triggered_ts": state.last_triggered_ms // 1000 or None,
        "last_nodata_ts": state.last_nodata_ms // 1000,
    }


def group_as_searched(document: dict[str, Any], state: GroupState, watch: Watch) -> Log:
    """A group as the query language sees it: as its monitor, with its own state and its tags beside."""
    monitor = as_searched(document, watch)
    tags = () if state.group == ALL else tuple(state.group.split(","))
    return replace(monitor, status=state.status.value.lower(), tags=(*monitor.tags, *tags))


def as_searched(document: dict[str, Any], watch: Watch) -> Log:
    """A monitor as the query language sees it: words of its name, `status:alert`, `type:log`, `tag:`, `muted:`."""
    monitor_id = document["id"]
    is_muted = bool(document["options"].get("silenced"))
    return Log(
        at_ms=0,
        message=document["name"],
        status=watch.overall(monitor_id).value.lower(),
        tags=(
            *(f"tag:{tag}" for tag in document["tags"]),
            f"type:{_classification(document['type'])}",
            f"id:{monitor_id}",
            f"muted:{'true' if is_muted else 'false'}",
            *(f"notification:{name}" for name in handles(document["message"])),
        ),
    )


def show_history(row: dict[str, Any]) -> dict[str, Any]:
    """One transition of a monitor, and whom it was told to with what outcome."""
    transition: Transition = row["transition"]
    return {
        "id": row["id"],
        "at": iso_of(transition.at_ms),
        "group": transition.group,
        "from": transition.before.value if transition.before else None,
        "to": transition.after.value,
        "value": transition.value,
        "reason": transition.reason,
        "event_id": str(row["event_id"]) if row["event_id"] else None,
        "told": [
            {
                "channel": message.channel,
                "target": message.target,
                "tries": message.tries,
                "outcome": message.outcome or "owed",
            }
            for message in row["messages"]
        ],
    }


def _show_group(state: GroupState) -> dict[str, Any]:
    return {
        "name": state.group,
        "status": state.status.value,
        "last_triggered_ts": state.last_triggered_ms // 1000,
        "last_resolved_ts": state.last_resolved_ms // 1000,
        "last_nodata_ts": state.last_nodata_ms // 1000,
        "last_notified_ts": state.last_notified_ms // 1000,
        "since": iso_of(state.since_ms),
        "value": state.value,
        "reason": state.reason,
    }


def _classification(kind: str) -> str:
    return {
        "metric alert": "metric",
        "query alert": "metric",
        "log alert": "log",
        "event-v2 alert": "event-v2",
        "service check": "custom",
        "composite": "composite",
    }.get(kind, kind)
