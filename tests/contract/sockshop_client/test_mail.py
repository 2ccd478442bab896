"""Mail over a real SMTP conversation."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.mail import NoticeMail, send_mail, send_notice
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, Unreachable

NOTICE = NoticeMail(to="rayaan@example.invalid", order_id="o1", event="paid", subject="Paid", body="Thank you.\n")


class Inbox:
    """Keeps what comes; refuses everything while *refusing*."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusing = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep or refuse a mail."""
        if self.refusing:
            return "452 Insufficient system storage"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
async def inbox() -> AsyncIterator[tuple[Inbox, ServiceDoor]]:
    """A mail server on a free port and the way to it."""
    kept = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(kept, hostname="test", loop=loop), "127.0.0.1", 0)
    yield kept, ServiceDoor(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()
    await server.wait_closed()


async def test_a_notice_carries_its_order_and_event(inbox: tuple[Inbox, ServiceDoor]) -> None:
    kept, door = inbox
    assert await send_notice(door, NOTICE, ManualClock()) == "<paid.o1@oddsock.sock-shop>"
    (mail,) = kept.mails
    assert (mail["Message-ID"], mail["X-Order-Id"], mail["X-Event"], mail["To"]) == (
        "<paid.o1@oddsock.sock-shop>",
        "o1",
        "paid",
        "rayaan@example.invalid",
    )
    assert mail.get_content().split() == ["Thank", "you."]
    assert mail["Date"] == "Thu, 30 Oct 2025 08:24:00 +0000"


async def test_a_report_is_sent_with_its_files(inbox: tuple[Inbox, ServiceDoor], tmp_path: Path) -> None:
    kept, door = inbox
    for name, text in (("report.md", "# Report\n"), ("post-mortem.ics", "BEGIN:VCALENDAR\r\n")):
        (tmp_path / name).write_text(text)
    await send_mail(
        door, to=["a@example.invalid"], subject="Report", body="See.", attachments=sorted(tmp_path.iterdir())
    )
    found = {part.get_filename(): part.get_content_type() for part in kept.mails[0].iter_attachments()}
    assert found == {"report.md": "text/markdown", "post-mortem.ics": "text/calendar"}


async def test_a_refused_mail_and_a_missing_server_are_clear_errors(inbox: tuple[Inbox, ServiceDoor]) -> None:
    kept, door = inbox
    kept.refusing = True
    with pytest.raises(CannotRun, match=r"refused the mail: .*Insufficient system storage"):
        await send_notice(door, NOTICE)
    with pytest.raises(Unreachable, match=r"The mail server at 127\.0\.0\.1:1 does not answer"):
        await send_notice(ServiceDoor("smtp://127.0.0.1:1"), NOTICE)


async def test_a_name_with_a_line_break_never_becomes_a_header(inbox: tuple[Inbox, ServiceDoor]) -> None:
    with pytest.raises(CannotRun, match="The mail cannot be written"):
        await send_mail(inbox[1], to=["a@example.invalid\nBcc: b@example.invalid"], subject="x", body="")
