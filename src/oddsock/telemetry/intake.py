"""From the body of a request to logs: entries, reserved keys, the limits of Datadog's intake; nothing is stored here.

What Datadog cuts is cut (a message over 1 MiB, tags past 100, attributes past 256 or 10 levels), what it does not
index is left out and counted (older than 18 h, further ahead than 2 h), what it refuses is an ApiError.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from oddsock.kit import ids
from oddsock.kit.clock import instant
from oddsock.telemetry.api.bodies import decode_json
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.records import Log
from oddsock.telemetry.statuses import status_of
from oddsock.telemetry.store.logs_day import SOURCE_OFFSET

ENTRIES_MAX = 1000
LOG_BYTES_MAX = 1024 * 1024
TAGS_MAX = 100
ATTRIBUTES_MAX = 256
LEVELS_MAX = 10
PAST_H_MAX = 18.0
AHEAD_H_MAX = 2.0
REMEMBERED_MAX = 2000
REMEMBERED_LENGTH_MAX = 1000
_MS_AN_HOUR = 3_600_000

_TEXT = frozenset({"text/plain", "application/logplex-1"})
_RESERVED = frozenset({"message", "status", "service", "host", "hostname", "ddsource", "ddtags", "timestamp", "date"})
_SCALAR = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one request brought: its logs, and how many were left out for their date or cut."""

    logs: list[Log]
    outside: int = 0
    cut: int = 0


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Reads bodies at *now*; logs further away than the two limits, in hours, are left out."""

    now: datetime
    past_h_max: float = PAST_H_MAX
    ahead_h_max: float = AHEAD_H_MAX

    def read(self, body: bytes, media_type: str, query: Mapping[str, str]) -> Batch:
        """The logs of one body; *query* may hold ddtags, ddsource, service and hostname for all of them."""
        entries = list(entries_of(body, media_type))
        if len(entries) > ENTRIES_MAX:
            raise ApiError(
                413, f"Payload too large: {len(entries)} logs were sent and {ENTRIES_MAX} are taken at once."
            )
        now_ms = int(self.now.timestamp() * 1000)
        earliest, latest = now_ms - self.past_h_max * _MS_AN_HOUR, now_ms + self.ahead_h_max * _MS_AN_HOUR
        shared = {key: query[key] for key in ("ddsource", "service", "hostname") if query.get(key)}
        shared_tags = _split_tags(query.get("ddtags", ""))
        # Only a body that is larger than one log may be can hold a log that is.
        may_be_large = len(body) > LOG_BYTES_MAX
        logs, outside, cut = [], 0, 0
        for entry in entries:
            log = log_of({**shared, **entry} if shared else entry, shared_tags, now_ms)
            if not earliest <= log.at_ms <= latest:
                outside += 1
                continue
            if may_be_large and (shorter := _shorten(log)) is not log:
                log, cut = shorter, cut + 1
            logs.append(log)
        return Batch(logs=logs, outside=outside, cut=cut)


def entries_of(body: bytes, media_type: str) -> Iterator[dict[str, Any]]:
    """The entries of a JSON array or object, or one for each line of a text; 400 or 415 when it is neither."""
    is_text = media_type in _TEXT
    if not is_text and media_type != "application/json":
        if media_type.startswith("application/x-protobuf") or "msgpack" in media_type:
            raise ApiError(415, f"Content-Type {media_type[:50]} is not taken: send JSON or text/plain.")
        is_text = body.lstrip()[:1] not in (b"[", b"{")
    if is_text:
        yield from ({"message": line} for line in _decode_text(body).splitlines() if line.strip())
        return
    decoded = decode_json(body)
    for position, entry in enumerate(decoded if isinstance(decoded, list) else [decoded]):
        if isinstance(entry, str):
            yield {"message": entry}
        elif isinstance(entry, dict):
            yield entry
        else:
            raise ApiError(400, f"Log {position} of the body is no JSON object.")


def _decode_text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def log_of(entry: dict[str, Any], shared_tags: tuple[str, ...], now_ms: int) -> Log:
    """One entry as a log: reserved keys in their places, every other key an attribute."""
    message = entry.get("message", "")
    tags = _split_tags(entry.get("ddtags"))
    if shared_tags:
        tags = (*shared_tags, *tags)
    inner = message if isinstance(message, dict) else _object_in(message)
    message = _text(message)
    if inner:
        tags = (*tags, *_split_tags(inner.get("ddtags")))
        # Whoever writes a line may not say where it stands in its file: that would hide other lines.
        inner = {key: value for key, value in inner.items() if key != SOURCE_OFFSET}
        said = inner.get("message")
        entry = {**entry, **inner, "message": said if isinstance(said, str) and said else message}
        message = entry["message"]
    attributes = {key: value for key, value in entry.items() if key not in _RESERVED}
    return Log(
        at_ms=_instant_ms(entry, now_ms),
        message=message,
        status=_status(entry),
        service=_text(entry.get("service")),
        host=_text(entry.get("hostname") or entry.get("host")),
        source=_text(entry.get("ddsource")),
        trace_id=_trace_id(attributes),
        tags=tags if not (shared_tags or inner) and len(tags) <= TAGS_MAX else tuple(dict.fromkeys(tags))[:TAGS_MAX],
        attributes=_within_limits(attributes),
    )


def _object_in(message: object) -> dict[str, Any] | None:
    if not isinstance(message, str) or not message.startswith("{") or not message.rstrip().endswith("}"):
        return None
    try:
        found = msgspec.json.decode(message)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _split_tags(value: object) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, list):
        value = ",".join(tag for tag in value if isinstance(tag, str))
    if not isinstance(value, str):
        return ()
    # A pod sends the same tags with every line; only short lists are remembered, for they are kept for good.
    return _split_once(value) if len(value) <= REMEMBERED_LENGTH_MAX else _split(value)


def _split(tags: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in map(str.strip, tags.split(",")) if tag))


_split_once = lru_cache(REMEMBERED_MAX)(_split)


def _instant_ms(entry: dict[str, Any], now_ms: int) -> int:
    for key in ("timestamp", "date"):
        value = entry.get(key)
        if isinstance(value, str):
            try:
                return int(value) if value.isdecimal() else round(instant(value).timestamp() * 1000)
            except (ValueError, OverflowError):
                continue
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return int(value)
    # Datadog dates a log that does not say when it was written by its arrival.
    return now_ms


def _status(entry: dict[str, Any]) -> str:
    # Datadog looks at these keys of a JSON log in this order.
    for key in ("status", "severity", "level"):
        if (value := entry.get(key)) is not None:
            return status_of(value)
    return status_of(None)


def _trace_id(attributes: dict[str, Any]) -> str:
    within = attributes.get("dd")
    for value in (
        attributes.get("dd.trace_id"),
        within.get("trace_id") if isinstance(within, dict) else None,
        attributes.get("trace_id"),
    ):
        if isinstance(value, str | int) and not isinstance(value, bool) and value:
            return str(value)
    parent = attributes.get("traceparent")
    return ids.trace_id(parent) if isinstance(parent, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else _as_text(value)


def _as_text(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _within_limits(attributes: dict[str, Any]) -> dict[str, Any]:
    is_flat = all(isinstance(value, _SCALAR) for value in attributes.values())
    if is_flat and len(attributes) <= ATTRIBUTES_MAX:
        return attributes
    left = [ATTRIBUTES_MAX]
    return _trim(_offset_first(attributes), LEVELS_MAX, left)


def _offset_first(attributes: dict[str, Any]) -> dict[str, Any]:
    """*attributes* in an order in which the place in a file is the last to be cut."""
    if SOURCE_OFFSET not in attributes:
        return attributes
    return {SOURCE_OFFSET: attributes[SOURCE_OFFSET], **attributes}


def _trim(values: dict[str, Any], levels: int, left: list[int]) -> dict[str, Any]:
    """*values* with at most left[0] leaves, which are counted off; what is deeper than *levels* becomes its JSON."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if left[0] <= 0:
            break
        if isinstance(value, dict) and levels > 1:
            kept[key] = _trim(value, levels - 1, left)
            continue
        left[0] -= 1
        kept[key] = value if isinstance(value, _SCALAR | list) else _as_text(value)
    return kept


def _shorten(log: Log) -> Log:
    """*log* itself, or what of it fits into LOG_BYTES_MAX: attributes as far as they fit, then the message."""
    message, attributes = log.message.encode(), log.attributes
    left = LOG_BYTES_MAX - len(msgspec.json.encode(attributes))
    if len(message) <= left:
        return log
    if left < 0:
        attributes, left = {}, LOG_BYTES_MAX
        for key, value in _offset_first(log.attributes).items():
            size = len(key) + len(msgspec.json.encode(value)) + 4
            if size <= left:
                attributes[key] = value
                left -= size
    return msgspec.structs.replace(log, message=message[:left].decode(errors="ignore"), attributes=attributes)
