"""Log search over the kept pod logs: service, quoted texts and a time window, as the hand-written queries ask."""

import re
from datetime import UTC, datetime

import msgspec

from oddsock.drill.report.context import Context
from oddsock.drill.report.rows import LogSequence
from oddsock.drill.telemetry_figures import STEPS
from oddsock.kit.clock import instant
from oddsock.kit.mask import mask_cards

_CRI = re.compile(r"^(\d{4}-\d\d-\d\dT\S+Z) (?:stdout|stderr) [FP] ")
_SPRING = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\s")
_LOGFMT = re.compile(r"^ts=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")
_ANSI = re.compile(r"\x1b\[\d*m")
_POD = re.compile(r"^(?P<deployment>.+)-[a-z0-9]+-[a-z0-9]{5}$")

LINE_SHOWN_LENGTH_MAX = 240
"""Characters of a log line that a report shows."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a pod; *at* is its own time or that of the stamped line before it, None where none has one."""

    pod: str
    text: str
    at: datetime | None


def deployment_of(pod: str) -> str:
    """The deployment a pod's name tells.

    >>> deployment_of("front-end-56bf6b64b7-fkb6b")
    'front-end'
    """
    match = _POD.match(pod)
    return match["deployment"] if match else pod


def _stamp(text: str) -> datetime | None:
    if match := _SPRING.match(text):
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    if match := _LOGFMT.match(text):
        return datetime.fromisoformat(f"{match[1]}.{(match[2] or '0')[:6].ljust(6, '0')}").replace(tzinfo=UTC)
    return None


def read_lines(context: Context, deployment: str) -> list[LogLine]:
    """Every kept line of a deployment's pods, colours and CRI prefixes taken off."""
    lines: list[LogLine] = []
    for pod, texts in context.files.logs.items():
        if deployment_of(pod) == deployment:
            at: datetime | None = None
            for raw in texts:
                written = _CRI.match(raw)
                text = _ANSI.sub("", raw[written.end() :] if written else raw)
                at = instant(written[1]) if written else _stamp(text) or at
                lines.append(LogLine(pod=pod, text=text, at=at))
    return lines


def has_logs(context: Context, deployment: str) -> bool:
    """Whether any log of the deployment was kept."""
    return any(deployment_of(pod) == deployment for pod in context.files.logs)


def search(context: Context, deployment: str, *texts: str, from_at: str = "", to_at: str = "") -> list[LogLine]:
    """The lines of a deployment that hold all *texts*; with instants only stamped lines between them."""
    found = [line for line in read_lines(context, deployment) if all(text in line.text for text in texts)]
    if from_at:
        found = [line for line in found if line.at and line.at >= instant(from_at)]
    if to_at:
        found = [line for line in found if line.at and line.at <= instant(to_at)]
    return found


def orders_named(lines: list[LogLine], order_ids: list[str]) -> set[str]:
    """Which of *order_ids* any of *lines* names."""
    return {order_id for order_id in order_ids if any(order_id in line.text for line in lines)}


def list_sequences(context: Context) -> list[LogSequence]:
    """For each failed order its five log lines; complete when all are there and stand in that order."""
    return [_sequence(context, order_id) for order_id in context.failed_ids]


def _sequence(context: Context, order_id: str) -> LogSequence:
    lines = [line for line in read_lines(context, "orders") if order_id in line.text]
    shown: list[str] = []
    place, complete = 0, True
    for step in STEPS:
        text = step.format(id=order_id)
        # The first of each from the last one found: a retry writes the same lines again, later.
        at = next((n for n in range(place, len(lines)) if text in lines[n].text), None)
        if at is None:
            complete = False
            shown.append("")
        else:
            place = at + 1
            # Masked before it is cut: a cut number would no longer look like one.
            shown.append(mask_cards(lines[at].text)[:LINE_SHOWN_LENGTH_MAX])
    return LogSequence(order_id=order_id, pod=lines[0].pod if lines else "", lines=shown, complete=complete)
