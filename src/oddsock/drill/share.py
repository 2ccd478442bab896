"""Sharing: the report by mail with an invitation to the post-mortem; what the server said goes into the case.

    share.json  {"accepted","at","server","to","message_id","post_mortem_at","error"}

Two lines of the closure checklist tick by it, and only when a server accepted the mail.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

import msgspec

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.mail import send_mail
from oddsock.drill.case import Case
from oddsock.drill.report import write_report
from oddsock.kit.clock import Clock, instant, iso
from oddsock.kit.errors import OddsockError, UsageError
from oddsock.kit.files import explain_disk, write_whole

SHARE_FILE = "share.json"
INVITATION_FILE = "post-mortem.ics"

POST_MORTEM_HOUR = 10
POST_MORTEM_MINUTES = 60
"""An invitation without a time is for the second working day at 10:00 UTC, for an hour."""

LINE_OCTETS_MAX = 75
"""Where RFC 5545 folds a line."""


def next_meeting(now: datetime) -> datetime:
    """The second working day after *now* at 10:00 UTC.

    >>> next_meeting(datetime(2025, 10, 30, 8, 30, tzinfo=UTC)).isoformat()
    '2025-11-03T10:00:00+00:00'
    """
    day = now.replace(hour=POST_MORTEM_HOUR, minute=0, second=0, microsecond=0)
    for _ in range(2):
        day += timedelta(days=1)
        while day.weekday() >= 5:
            day += timedelta(days=1)
    return day


def read_moment(text: str) -> datetime:
    """The instant that *text* names in ISO 8601, UTC where no zone is given; UsageError when it names none.

    >>> read_moment("2025-11-03T10:00").isoformat()
    '2025-11-03T10:00:00+00:00'
    """
    try:
        return instant(text)
    except ValueError as cause:
        raise UsageError(f"{text!r} is no time.", "Write it as 2025-11-03T10:00, which is UTC.") from cause


def write_invitation(
    case: Case, title: str, sentences: Sequence[str], to: Sequence[str], at: datetime, sender: str, now: datetime
) -> str:
    """The .ics for the post-mortem of *case* (RFC 5545; RFC 5546 REQUEST): lines folded and ended by CRLF."""
    until = at + timedelta(minutes=POST_MORTEM_MINUTES)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//oddsock//post-mortem//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:post-mortem.{case.name}@oddsock",
        f"DTSTAMP:{_stamp(now)}",
        f"DTSTART:{_stamp(at)}",
        f"DTEND:{_stamp(until)}",
        f"SUMMARY:{_escape(f'Post-mortem: {title}')}",
        f"DESCRIPTION:{_escape(' '.join(sentences))}",
        f"ORGANIZER;CN=oddsock:mailto:{parseaddr(sender)[1]}",
        *(f"ATTENDEE;RSVP=TRUE:mailto:{address}" for address in to),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "\\n")


def _fold(line: str) -> str:
    """One content line as pieces of at most 75 octets, never cut within a character."""
    pieces, piece = [], ""
    for character in line:
        if len((piece + character).encode()) > LINE_OCTETS_MAX:
            pieces.append(piece)
            piece = " "
        piece += character
    return "\r\n".join([*pieces, piece])


async def share_report(
    case: Case,
    title: str,
    server: ServiceDoor,
    to: Sequence[str],
    at: datetime,
    sender: str,
    clock: Clock,
) -> dict[str, Any]:
    """Mail the report of *case* from *sender* to *to* with an invitation for *at*; what share.json says is returned.

    Unreachable or CannotRun when no server accepted it; the case then says so, too, and nothing is ticked.
    """
    if not to:
        raise UsageError("There is nobody to share the report with.", "Give an address with --to.")
    write_report(case)
    body = (case.path / "report.md").read_text(encoding="utf-8")
    report = msgspec.json.decode((case.path / "report.json").read_bytes(), type=dict[str, Any])
    invitation = case.path / INVITATION_FILE
    try:
        write_whole(invitation, write_invitation(case, title, report["summary"], to, at, sender, clock.now()))
    except OSError as cause:
        raise explain_disk(cause, invitation) from cause
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    record: dict[str, Any] = {
        "accepted": False,
        "at": iso(clock.now()),
        "server": f"{server.host}:{server.port}",
        "to": list(to),
        "message_id": f"<report.{digest}.{case.name}@oddsock>",
        "post_mortem_at": iso(at),
        "error": "",
    }
    try:
        await send_mail(
            server,
            to=to,
            subject=f"Incident report: {title} ({case.name})",
            body=body,
            attachments=[case.path / "report.html", invitation],
            sender=sender,
            message_id=str(record["message_id"]),
            clock=clock,
        )
    except OddsockError as error:
        _keep(case, {**record, "error": error.sentence})
        raise
    return _keep(case, {**record, "accepted": True})


def _keep(case: Case, record: dict[str, Any]) -> dict[str, Any]:
    path = case.path / SHARE_FILE
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(record)).decode() + "\n")
    except OSError as cause:
        raise explain_disk(cause, path) from cause
    write_report(case)
    return record
