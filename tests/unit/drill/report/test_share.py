"""Sharing: two lines of the checklist tick when a server accepted the mail, and only then."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.drill import share
from oddsock.drill.case import Case
from oddsock.drill.report import verify_report
from oddsock.drill.share import share_report, write_invitation
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import Unreachable, UsageError

SERVER = ServiceDoor("smtp://mail.example.org:25")
AT = datetime(2025, 11, 3, 10, 0, tzinfo=UTC)
NOW = datetime(2025, 10, 30, 8, 30, tzinfo=UTC)


class Server:
    """Takes the mails of these tests, or refuses them."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.mails: list[dict[str, Any]] = []

    async def send(self, server: ServiceDoor, **mail: Any) -> None:
        if self.refuses:
            raise Unreachable("The mail server", server.host, "no answer")
        attachments: Sequence[Path] = mail["attachments"]
        self.mails.append({**mail, "files": {path.name: path.read_bytes() for path in attachments}})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(share, "send_mail", server.send)
    return server


def closure(case: Case) -> list[bool]:
    return [row["done"] for row in msgspec.json.decode((case.path / "report.json").read_bytes())["closure"]]


async def send(case: Case, to: Sequence[str] = ("team@example.org",)) -> dict[str, Any]:
    return await share_report(case, "Payment failure", SERVER, to, AT, "oddsock@localhost", ManualClock())


async def test_both_lines_tick_when_the_server_accepted_it(whole_case: Case, server: Server) -> None:
    said = await send(whole_case)
    assert said["accepted"]
    assert closure(whole_case) == [True] * 9
    assert verify_report(whole_case) == []


async def test_the_mail_has_the_report_as_body_and_both_files(whole_case: Case, server: Server) -> None:
    await send(whole_case)
    (mail,) = server.mails
    assert mail["body"].startswith("# INCIDENT-3 EXECUTION REPORT")
    assert set(mail["files"]) == {"report.html", "post-mortem.ics"}
    assert "Payment failure" in mail["subject"]


async def test_nothing_ticks_when_no_server_takes_it(whole_case: Case, server: Server) -> None:
    server.refuses = True
    with pytest.raises(Unreachable):
        await send(whole_case)
    assert closure(whole_case) == [True] * 7 + [False] * 2
    assert "does not answer" in (whole_case.path / "report.md").read_text(encoding="utf-8")
    assert verify_report(whole_case) == []


async def test_a_report_for_nobody_is_a_usage_error(whole_case: Case, server: Server) -> None:
    with pytest.raises(UsageError, match="nobody"):
        await send(whole_case, to=())


def test_the_invitation_is_a_request_with_folded_lines(whole_case: Case) -> None:
    text = write_invitation(whole_case, "A; b, c", ["One." * 40], ["a@x", "b@x"], AT, "Team <t@x>", NOW)
    lines = text.split("\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert max(len(line.encode()) for line in lines) <= 75
    assert "METHOD:REQUEST" in lines
    assert "DTSTAMP:20251030T083000Z" in lines
    assert "DTSTART:20251103T100000Z" in lines
    assert "DTEND:20251103T110000Z" in lines
    assert "SUMMARY:Post-mortem: A\\; b\\, c" in lines
    assert [line for line in lines if line.startswith("ATTENDEE")] == [
        "ATTENDEE;RSVP=TRUE:mailto:a@x",
        "ATTENDEE;RSVP=TRUE:mailto:b@x",
    ]
    assert "ORGANIZER;CN=oddsock:mailto:t@x" in lines
