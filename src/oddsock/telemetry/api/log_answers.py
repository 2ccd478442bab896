"""Logs as answers: Datadog's log object of v1 and v2, opaque ids, cursors."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import msgspec

from oddsock.kit.clock import iso
from oddsock.telemetry.api.errors import ApiError
from oddsock.telemetry.records import Log

_ID_BEGINS = "AQ"
_ID_BYTES = 8


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: which way it went, the id of its last log, and the instants that `now` meant then."""

    newest_first: bool
    after: int
    from_ms: int
    to_ms: int


def write_cursor(cursor: Cursor) -> str:
    """An opaque text for *cursor*."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


def read_cursor(text: str) -> Cursor:
    """The cursor that *text* was made from; 400 when it was made from none."""
    try:
        found = msgspec.json.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _no_cursor() from None
    if not all(0 <= number < 1 << 63 for number in (found.after, found.from_ms, found.to_ms)):
        raise _no_cursor()
    return found


def _no_cursor() -> ApiError:
    return ApiError(400, "page.cursor is none of this server's: take meta.page.after of the answer before.")


def write_id(log_id: int) -> str:
    """The opaque id of a log.

    >>> read_id(write_id(1847361)), len(write_id(1))
    (1847361, 13)
    """
    return _ID_BEGINS + base64.urlsafe_b64encode(log_id.to_bytes(_ID_BYTES)).rstrip(b"=").decode()


def read_id(text: str) -> int:
    """The id that *text* was made from; 400 when it was made from none."""
    try:
        raw = base64.b64decode(f"{text.removeprefix(_ID_BEGINS)}=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _ID_BYTES or raw[0] > 127 or not text.startswith(_ID_BEGINS):
        raise ApiError(400, "startAt is no id of this server's: take nextLogId of the answer before.")
    return int.from_bytes(raw)


def write_log(log: Log) -> dict[str, Any]:
    """*log* as the v2 API has it."""
    return {"id": write_id(log.id), "type": "log", "attributes": {**_content(log), "status": log.status}}


def write_log_v1(log: Log) -> dict[str, Any]:
    """*log* as the v1 API has it, which keeps the status among the attributes."""
    content = _content(log)
    content["attributes"] = {**content["attributes"], "status": log.status}
    return {"id": write_id(log.id), "content": content}


def _content(log: Log) -> dict[str, Any]:
    attributes = log.attributes
    if log.trace_id and "trace_id" not in attributes and "dd" not in attributes and "dd.trace_id" not in attributes:
        attributes = {**attributes, "trace_id": log.trace_id}
    # Datadog tells the source among the tags.
    tags = [*log.tags, f"source:{log.source}"] if log.source else list(log.tags)
    return {
        "timestamp": iso(datetime.fromtimestamp(log.at_ms / 1000, UTC)),
        "host": log.host,
        "service": log.service,
        "message": log.message,
        "tags": tags,
        "attributes": attributes,
    }
