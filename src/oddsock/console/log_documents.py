"""Log lines and their histogram as pages tell them."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from oddsock.clients.datadog.records import Bucket, Log
from oddsock.console.span import Span
from oddsock.kit.clock import instant, iso
from oddsock.kit.mask import mask_private

BARS_MAX = 60
"""A histogram has about so many bars at most."""

STEPS_MS = tuple(
    step * 1000
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
)
"""How long a bar may be; whole minutes from a minute on, which the store has counted beforehand."""

MESSAGE_MAX = 10_000
"""So many characters of a message go to a page; a download has them all."""

CORE_FACETS = ("status", "service", "host", "source", "trace_id")
FACETS_MAX = 200
DEPTH_MAX = 6

COLOURS = {
    "emerg": "bad",
    "alert": "bad",
    "critical": "bad",
    "error": "bad",
    "warn": "wait",
    "notice": "note",
    "info": "note",
    "debug": "off",
    "ok": "good",
}
"""The role of each status, worst first; bars stack in this order from below."""

_ORDER = re.compile(r"\borders?\b.{0,60}?(?<![0-9a-f])([0-9a-f]{24})(?![0-9a-f])", re.IGNORECASE | re.DOTALL)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; *order*, *trace* and *pod* are what it can lead to, empty where it names none."""

    id: str
    at: str
    status: str
    colour: str
    service: str
    host: str
    pod: str
    order: str
    trace: str
    message: str
    is_cut: bool
    tags: Sequence[str]
    attributes: dict[str, Any]


def mask_log(log: Log) -> Log:
    """*log* without cards and secrets, in its message and in what its attributes say; ids stay as they came."""
    return msgspec.structs.replace(log, message=mask_private(log.message), attributes=_masked(log.attributes))


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        # An id may have as many digits as a card.
        return value if key.endswith("id") else mask_private(value)
    if isinstance(value, dict):
        return {name: _masked(inner, name) for name, inner in value.items()}
    return [_masked(inner, key) for inner in value] if isinstance(value, list) else value


def make_line(log: Log) -> Line:
    """*log* as a page tells it, masked."""
    log = mask_log(log)
    return Line(
        id=log.id,
        at=log.at,
        status=log.status,
        colour=COLOURS.get(log.status, "off"),
        service=log.service,
        host=log.host,
        pod=log.tag("pod_name"),
        order=_order_of(log),
        trace=_trace_of(log.attributes),
        message=log.message[:MESSAGE_MAX],
        is_cut=len(log.message) > MESSAGE_MAX,
        tags=log.tags,
        attributes=log.attributes,
    )


def _order_of(log: Log) -> str:
    """The id of the order that a line is about: its attribute, or what its message calls so."""
    order = log.attributes.get("order")
    if isinstance(order, dict) and isinstance(order.get("id"), str):
        return str(order["id"])
    found = _ORDER.search(log.message[:MESSAGE_MAX])
    return found[1].lower() if found else ""


def _trace_of(attributes: dict[str, Any]) -> str:
    dd, sleuth = attributes.get("dd"), attributes.get("sleuth")
    told = (
        attributes.get("trace_id"),
        attributes.get("dd.trace_id"),
        dd.get("trace_id") if isinstance(dd, dict) else None,
        sleuth.get("trace_id") if isinstance(sleuth, dict) else None,
    )
    return next((str(one) for one in told if one), "")


def list_facets(logs: Iterable[Log]) -> list[str]:
    """What can be searched by: the parts of every log, the tags and the attributes of *logs*, at most FACETS_MAX."""
    tags: set[str] = set()
    paths: set[str] = set()
    for log in logs:
        tags.update(key for key, colon, _ in (tag.partition(":") for tag in log.tags) if colon)
        _add_paths(log.attributes, "@", paths, DEPTH_MAX)
    tags -= set(CORE_FACETS)
    return [*CORE_FACETS, *sorted(tags), *sorted(paths)][:FACETS_MAX]


def _add_paths(inner: dict[str, Any], before: str, paths: set[str], depth: int) -> None:
    for key, value in inner.items():
        if isinstance(value, dict) and depth:
            _add_paths(value, f"{before}{key}.", paths, depth - 1)
        else:
            paths.add(before + key)


def step_ms(span: Span) -> int:
    """How long a bar of *span* is."""
    length = span.to_ms - span.from_ms
    return next((step for step in STEPS_MS if length <= step * BARS_MAX), STEPS_MS[-1])


def make_histogram(buckets: Iterable[Bucket], span: Span, step: int) -> dict[str, Any]:
    """Counts by status in bars of *step* ms: {from_ms, to_ms, step_ms, total, highest, statuses, bars: [{at_ms, n}]}.

    The axis goes from the begin of the first bar to the end of the last that *span* touches; empty bars are left out.
    """
    bars: dict[int, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for bucket in buckets:
        status = str(bucket.by.get("status") or "info")
        for point in bucket.computes.get("c0") or ():
            count = int(point["value"] or 0)
            at_ms = round(instant(point["time"]).timestamp() * 1000) // step * step
            counted = bars.setdefault(at_ms, {})
            counted[status] = counted.get(status, 0) + count
            totals[status] = totals.get(status, 0) + count
    ranked = [status for status in COLOURS if status in totals]
    ranked += sorted(set(totals) - set(COLOURS))
    return {
        "from_ms": span.from_ms // step * step,
        "to_ms": -(-span.to_ms // step) * step,
        "step_ms": step,
        "total": sum(totals.values()),
        "highest": max((sum(counted.values()) for counted in bars.values()), default=0),
        "statuses": [{"name": one, "count": totals[one], "colour": COLOURS.get(one, "off")} for one in ranked],
        "bars": [{"at_ms": at_ms, "n": bars[at_ms]} for at_ms in sorted(bars)],
    }


def around(at: str, within_s: float) -> tuple[str, str]:
    """The instants *within_s* seconds before and after *at*; ValueError when that is none.

    >>> around("2025-10-30T08:24:46.328Z", 60)
    ('2025-10-30T08:23:46.328Z', '2025-10-30T08:25:46.328Z')
    """
    middle, within = instant(at), timedelta(seconds=within_s)
    return iso(middle - within), iso(middle + within)
