"""mailbox's wire: SMTP on container port 8025, GET /notices on 8080. A mail is on the disk before its 250.

The original has no such service: this is the local stand-in for any SMTP server that a shop would use.
"""

import asyncio

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from oddsock.kit import settings
from oddsock.kit.errors import CannotRun
from oddsock.shop import wire
from oddsock.shop.exposition import Counter, Metrics
from oddsock.shop.log_lines import GoKitLog
from oddsock.shop.mailbox.book import SCHEMA, MailboxBook, read_mail
from oddsock.shop.service import LOG, Surroundings

PORT = 8080
SMTP_PORT = 8025
MAIL_BYTES_MAX = 1_000_000


class Postmaster:
    """What aiosmtpd asks about each mail."""

    def __init__(self, book: MailboxBook, log: GoKitLog, received: Counter) -> None:
        self._book = book
        self._log = log
        self._received = received

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Store the mail, then accept it."""
        content = envelope.content or b""
        notice = read_mail(content if isinstance(content, bytes) else content.encode(), envelope.rcpt_tos)
        is_new = self._book.keep(notice)
        self._received.add(("stored" if is_new else "repeated",))
        self._log.fields("mailbox", {"message_id": notice.message_id, "event": notice.event, "order": notice.order_id})
        return "250 Message accepted for delivery"


class MailboxApi:
    """The HTTP routes of the mailbox."""

    def __init__(self, surroundings: Surroundings, book: MailboxBook) -> None:
        self._clock = surroundings.clock
        self._book = book

    async def notices(self, request: web.Request) -> web.Response:
        """GET /notices?after=&limit=&order=: a page of the book."""
        after, limit = wire.page_of(request)
        return wire.book_page("notices", self._book.page(after, limit + 1, request.query.get("order", "")), limit)

    async def health(self, _request: web.Request) -> web.Response:
        """GET /health."""
        return wire.health([("mailbox", True)], self._clock)


async def listen(postmaster: Postmaster, host: str, port: int) -> asyncio.Server:
    """An SMTP server at host:port; CannotRun when the port is taken."""
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.BaseProtocol:
        server: asyncio.BaseProtocol = SMTP(
            postmaster, data_size_limit=MAIL_BYTES_MAX, enable_SMTPUTF8=True, hostname="mailbox", loop=loop
        )
        return server

    try:
        return await loop.create_server(protocol, host, port)
    except OSError as cause:
        raise CannotRun(f"Port {port} on {host} cannot be listened on: {cause.strerror}.", "Choose another.") from cause


async def build(surroundings: Surroundings) -> web.Application:
    """mailbox's application with its SMTP server; CannotRun when its book or its port cannot be opened."""
    log = GoKitLog(surroundings.clock)
    metrics = Metrics("mailbox", "go", surroundings.clock)
    received = Counter("mailbox_mails_received_total", "Mails accepted over SMTP.", ("outcome",))
    metrics.more.append(received)
    book = MailboxBook(await surroundings.open_book(SCHEMA), surroundings.clock)
    smtp_port = int(surroundings.arguments.get("smtp-port") or SMTP_PORT)
    address = settings.listen_address(smtp_port, surroundings.environment)
    smtp = await listen(Postmaster(book, log, received), *address)
    api = MailboxApi(surroundings, book)
    app = web.Application(middlewares=[metrics.middleware])
    app[LOG] = log
    app.add_routes(
        [
            web.get("/notices", api.notices),
            web.get("/health", api.health),
            web.get("/metrics", metrics.answer),
        ]
    )

    async def close(_app: web.Application) -> None:
        smtp.close()
        book.close()

    app.on_cleanup.append(close)
    return app
