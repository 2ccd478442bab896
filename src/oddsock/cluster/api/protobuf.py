"""Kubernetes' protobuf bodies, read into the objects that JSON would have said. kubectl's typed clients send them.

Wire: `k8s\\0` and a runtime.Unknown; https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from oddsock.cluster.kinds import Obj
from oddsock.cluster.schema import Field, message_of, messages
from oddsock.cluster.status import BadRequest

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
DEPTH_MAX = 64

_POINTERS = frozenset(
    {
        "activeDeadlineSeconds",
        "allocateLoadBalancerNodePorts",
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "blockOwnerDeletion",
        "controller",
        "defaultMode",
        "deletionGracePeriodSeconds",
        "enableServiceLinks",
        "expirationSeconds",
        "fsGroup",
        "gracePeriodSeconds",
        "hostUsers",
        "immutable",
        "leaseDurationSeconds",
        "leaseTransitions",
        "maxSkew",
        "minReplicas",
        "mode",
        "optional",
        "orphanDependents",
        "partition",
        "port",
        "priority",
        "privileged",
        "progressDeadlineSeconds",
        "readOnlyRootFilesystem",
        "ready",
        "replicas",
        "revisionHistoryLimit",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "serving",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "started",
        "terminating",
        "terminationGracePeriodSeconds",
        "timeoutSeconds",
        "tolerationSeconds",
    }
)
"""Fields whose zero says something: Go has a pointer there. Every other zero is one that JSON would leave out."""


def read(body: bytes) -> Obj:
    """The object in a protobuf *body*; BadRequest when it is none or of a kind that the field table does not have."""
    if not body.startswith(MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        unknown = {number: value for number, _, value in _fields(body[len(MAGIC) :])}
        head = {number: value.decode() for number, _, value in _fields(unknown.get(1, b""))}
        api_version, kind = head.get(1, ""), head.get(2, "")
        if not (message := message_of(api_version, kind)):
            raise BadRequest(
                f'no kind "{kind}" is registered for version "{api_version}" in protobuf bodies; send JSON'
            )
        return {"apiVersion": api_version, "kind": kind, **_object(message, unknown.get(2, b""), 0)}
    except (IndexError, ValueError, AttributeError, TypeError) as cause:
        raise BadRequest(f"the protobuf body cannot be read: {cause}") from cause


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    # (number, wire type, value) of every field, in order.
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        value: Any
        if wire == 0:
            value, place = _varint(data, place)
        elif wire in (1, 2, 5):
            size = 8 if wire == 1 else 4
            if wire == 2:
                size, place = _varint(data, place)
            value = data[place : place + size]
            if len(value) < size:
                raise ValueError("it is cut short")
            place += size
        else:
            raise ValueError(f"wire type {wire} is not in use")
        yield number, wire, value


def _object(message: str, data: bytes, depth: int) -> Obj:
    if depth > DEPTH_MAX:
        raise ValueError("it is nested too deeply")
    known = {field.number: field for field in messages()[message]}
    obj: Obj = {}
    for number, _, raw in _fields(data):
        if (field := known.get(number)) is None:
            continue
        if field.is_inline:
            obj.update(_object(field.type, raw, depth + 1))
            continue
        if field.is_map:
            key, value = _entry(field, raw, depth)
            obj.setdefault(field.name, {})[key] = value
            continue
        value = _value(field.type, raw, depth)
        if field.is_list:
            obj.setdefault(field.name, []).append(value)
        elif value not in (None, "", 0, False) or field.name in _POINTERS:
            obj[field.name] = value
    return obj


def _entry(field: Field, raw: bytes, depth: int) -> tuple[str, Any]:
    parts = {number: value for number, _, value in _fields(raw)}
    return parts.get(1, b"").decode(), _value(field.type, parts.get(2, b""), depth)


def _instant(parts: dict[int, int]) -> str | None:
    seconds, micros = parts.get(1, 0), parts.get(2, 0) // 1000
    # Go's zero time lies before 1970; JSON has null there.
    if not seconds or seconds >> 63:
        return None
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micros else "%Y-%m-%dT%H:%M:%SZ")


def _value(type_: str, raw: Any, depth: int) -> Any:
    match type_:
        case "s":
            return raw.decode()
        case "i":
            return raw - (1 << 64) if raw >> 63 else raw
        case "b":
            return bool(raw)
        case "y":
            return base64.b64encode(raw).decode()
        case "Time":
            return _instant({number: value for number, _, value in _fields(raw)})
        case "Quantity":
            return {number: value for number, _, value in _fields(raw)}.get(1, b"").decode()
        case "IntOrString":
            parts = {number: value for number, _, value in _fields(raw)}
            return parts.get(3, b"").decode() if parts.get(1) else _value("i", parts.get(2, 0), depth)
        case "Raw":
            return json.loads({number: value for number, _, value in _fields(raw)}.get(1, b"") or b"{}")
    return _object(type_, raw, depth + 1)
