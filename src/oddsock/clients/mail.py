"""Mail: notices that a shop owes its customers, and reports with attachments, over SMTP (RFC 5321, RFC 5322).

A notice's Message-ID is made from its order and event, so that a mailbox that keeps one mail an id keeps one notice
however often it is sent.
"""

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import msgspec

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.kit.clock import Clock, SystemClock
from oddsock.kit.errors import CannotRun, Unreachable

SEND_S_MAX = 10.0
"""Wall seconds within which a server must have taken a mail."""

ATTACHMENT_BYTES_MAX = 20_000_000
"""How large all attachments of one mail may be together."""

SENDER = "Sock Shop <orders@sock-shop.invalid>"


class NoticeMail(msgspec.Struct, frozen=True, kw_only=True):
    """A notice to be sent: what became (*event*) of order *order_id*, told to *to*."""

    to: str
    order_id: str
    event: str
    subject: str
    body: str

    @property
    def message_id(self) -> str:
        """The same for the same order and event, always.

        >>> NoticeMail(to="r@x", order_id="690320ce", event="paid", subject="", body="").message_id
        '<paid.690320ce@oddsock.sock-shop>'
        """
        return f"<{self.event}.{self.order_id}@oddsock.sock-shop>"


async def send_notice(server: ServiceDoor, notice: NoticeMail, clock: Clock | None = None) -> str:
    """Send *notice* and return its Message-ID once *server* has taken it; Unreachable or CannotRun otherwise."""
    message = _compose(notice.subject, SENDER, [notice.to], notice.body, clock)
    message["Message-ID"] = notice.message_id
    message["X-Order-Id"] = notice.order_id
    message["X-Event"] = notice.event
    await _send(server, message)
    return notice.message_id


async def send_mail(
    server: ServiceDoor,
    *,
    to: Sequence[str],
    subject: str,
    body: str,
    attachments: Sequence[Path] = (),
    sender: str = "oddsock <oddsock@localhost>",
    message_id: str = "",
    clock: Clock | None = None,
) -> None:
    """Send a mail with files; Unreachable when nobody takes it, CannotRun when it is refused or too large."""
    message = _compose(subject, sender, to, body, clock)
    if message_id:
        message["Message-ID"] = message_id
    left = ATTACHMENT_BYTES_MAX
    for path in attachments:
        content = path.read_bytes()
        left -= len(content)
        if left < 0:
            raise CannotRun(
                f"The attachments are larger than {ATTACHMENT_BYTES_MAX // 1_000_000} MB together.", "Send fewer."
            )
        main, _, sub = _MIME.get(path.suffix, "application/octet-stream").partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=path.name)
    await _send(server, message)


_MIME = {
    ".md": "text/markdown",
    ".html": "text/html",
    ".json": "application/json",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".ics": "text/calendar",
}


def _compose(subject: str, sender: str, to: Sequence[str], body: str, clock: Clock | None) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = ", ".join(to)
        message["Subject"] = subject
    except ValueError as cause:
        raise CannotRun(f"The mail cannot be written: {cause}.", "Check its addresses and its subject.") from cause
    message["Date"] = format_datetime((clock or SystemClock()).now())
    message.set_content(body)
    return message


async def _send(server: ServiceDoor, message: EmailMessage) -> None:
    # Whoever only writes a mail need not load a client that sends it.
    import aiosmtplib

    address = f"{server.host}:{server.port}"
    try:
        async with asyncio.timeout(SEND_S_MAX):
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                timeout=SEND_S_MAX,
                use_tls=server.url.startswith("smtps:"),
            )
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, TimeoutError) as cause:
        reason = str(cause) or "no answer in time"
        raise Unreachable("The mail server", address, reason, "Check the server, then try again.") from cause
    except (aiosmtplib.SMTPException, OSError, ValueError) as cause:
        raise CannotRun(f"The mail server at {address} refused the mail: {cause}.") from cause
