"""Events on the wire: how v1 and v2 of the API write one, and how each reads one."""

from datetime import timedelta
from typing import Any

from oddsock.kit.clock import instant, iso
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.api.fields import read_choice, read_int, read_object, read_tags, read_text
from oddsock.telemetry.records import Event
from oddsock.telemetry.store.events import as_log

TITLE_LENGTH_MAX, TEXT_LENGTH_MAX, KEY_LENGTH_MAX = 500, 4000, 100
PAST_S_MAX, AHEAD_S_MAX = 18 * 3600, 2 * 3600
"""How far from now an event may have happened, wall seconds, as Datadog takes them."""

ALERT_TYPES = ("error", "warning", "info", "success", "user_update", "recommendation", "snapshot")
PRIORITIES = ("normal", "low")
OWN_SOURCE = "my_apps"
"""The source of an event that names none."""

_KEPT_BESIDE = ("device_name", "related_event_id", "event_type")
_STATUS_OF_ALERT = {"error": "error", "warn": "warning", "ok": "success"}


def read_v1(body: Any, now_ms: int) -> Event:
    """The event of a `POST /api/v1/events`; 400 with a sentence for each field that cannot be taken."""
    fields = read_object(body, "event")
    at_ms = read_int(fields, "date_happened", now_ms // 1000) * 1000 if fields.get("date_happened") else now_ms
    return Event(
        at_ms=_near_now(at_ms, now_ms, "date_happened"),
        title=read_text(fields, "title", TITLE_LENGTH_MAX, wanted=True),
        text=read_text(fields, "text", TEXT_LENGTH_MAX),
        alert_type=read_choice(fields, "alert_type", ALERT_TYPES, "info"),
        priority=read_choice(fields, "priority", PRIORITIES, "normal"),
        source=read_text(fields, "source_type_name", KEY_LENGTH_MAX) or OWN_SOURCE,
        host=read_text(fields, "host", 255),
        aggregation_key=read_text(fields, "aggregation_key", KEY_LENGTH_MAX),
        tags=read_tags(fields),
        attributes={name: fields[name] for name in _KEPT_BESIDE if fields.get(name)},
    )


def show_v1(event: Event) -> dict[str, Any]:
    """*event* as v1 answers it; `id_str` for readers whose numbers end at 2^53."""
    return {
        "id": event.id,
        "id_str": str(event.id),
        "title": event.title,
        "text": event.text,
        "date_happened": event.at_ms // 1000,
        "alert_type": event.alert_type,
        "priority": event.priority,
        "source": event.source,
        "source_type_name": event.source,
        "host": event.host,
        "tags": list(event.tags),
        "url": f"/event/event?id={event.id}",
        "resource": f"/api/v1/events/{event.id}",
        **{name: event.attributes[name] for name in ("device_name",) if name in event.attributes},
    }


def read_v2(body: Any, now_ms: int) -> Event:
    """The event of a `POST /api/v2/events`; 400 with a sentence for each field that cannot be taken."""
    data = read_object(read_object(body, "body").get("data"), "data")
    read_choice(data, "type", ("event",), "")
    fields = read_object(data.get("attributes"), "data.attributes")
    category = read_choice(fields, "category", ("change", "alert"), "")
    details = read_object(fields.get("attributes") or {}, "data.attributes.attributes")
    if category == "alert":
        alert_type = _STATUS_OF_ALERT[read_choice(details, "status", tuple(_STATUS_OF_ALERT), "")]
    else:
        alert_type = "info"
        read_text(read_object(details.get("changed_resource"), "changed_resource"), "name", 128, wanted=True)
    return Event(
        at_ms=_near_now(_instant_of(fields, now_ms), now_ms, "timestamp"),
        title=read_text(fields, "title", TITLE_LENGTH_MAX, wanted=True),
        text=read_text(fields, "message", TEXT_LENGTH_MAX),
        alert_type=alert_type,
        source=read_text(fields, "integration_id", KEY_LENGTH_MAX) or OWN_SOURCE,
        host=read_text(fields, "host", 255),
        aggregation_key=read_text(fields, "aggregation_key", KEY_LENGTH_MAX),
        tags=read_tags(fields),
        attributes={**details, "category": category},
    )


def show_v2(event: Event) -> dict[str, Any]:
    """*event* as v2 answers it; what Datadog names is ours to say, whatever the event was posted with."""
    service = as_log(event).service
    known = {
        "aggregation_key": event.aggregation_key,
        "evt": {"id": str(event.id), "uid": str(event.id), "name": event.title, "source": event.source},
        "hostname": event.host,
        "priority": event.priority,
        "service": service,
        "source_type_name": event.source,
        "status": event.alert_type,
        "tags": list(event.tags),
        "timestamp": event.at_ms,
        "title": event.title,
    }
    return {
        "id": str(event.id),
        "type": "event",
        "attributes": {
            "timestamp": iso_of(event.at_ms),
            "message": event.text,
            "tags": list(event.tags),
            "attributes": {**event.attributes, **known},
        },
    }


def iso_of(at_ms: int) -> str:
    """*at_ms* as ISO 8601 with milliseconds.

    >>> iso_of(1761812686328)
    '2025-10-30T08:24:46.328Z'
    """
    return iso(instant("1970-01-01T00:00:00Z") + timedelta(milliseconds=at_ms))


def _instant_of(fields: dict[str, Any], now_ms: int) -> int:
    text = read_text(fields, "timestamp", 64)
    try:
        return round(instant(text).timestamp() * 1000) if text else now_ms
    except ValueError:
        raise ApiError(400, f"timestamp {text!r} is no instant: write it as 2025-10-30T08:24:46.328Z.") from None


def _near_now(at_ms: int, now_ms: int, field: str) -> int:
    if at_ms < now_ms - PAST_S_MAX * 1000:
        raise ApiError(400, f"{field} is too old: events are taken up to {PAST_S_MAX // 3600} hours in the past.")
    if at_ms > now_ms + AHEAD_S_MAX * 1000:
        raise ApiError(400, f"{field} lies ahead: events are taken up to {AHEAD_S_MAX // 3600} hours ahead.")
    return at_ms
