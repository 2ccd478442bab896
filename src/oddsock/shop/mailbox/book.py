"""The mailbox's book: one row a Message-ID."""

import hashlib
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import msgspec

from oddsock.clients.sockshop.books import Notice
from oddsock.kit.clock import Clock, iso
from oddsock.kit.sqlite import Book

SCHEMA = """
CREATE TABLE IF NOT EXISTS notices(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL,
  subject TEXT NOT NULL, event TEXT NOT NULL, order_id TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS notices_of_order ON notices(order_id);
"""

_COLUMNS = 'seq, message_id, recipient AS "to", subject, event, order_id, at, body'


def read_mail(content: bytes, recipients: list[str]) -> Notice:
    """The notice that the mail *content* is; seq 0 and no instant yet.

    A mail without a Message-ID is named by its own bytes, so that the same mail is still stored once.
    """
    mail = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(content)
    part = mail.get_body(("plain", "html"))
    return Notice(
        seq=0,
        message_id=str(mail.get("Message-ID", "")).strip() or f"<{hashlib.sha256(content).hexdigest()}@mailbox>",
        to=", ".join(recipients) or str(mail.get("To", "")),
        subject=str(mail.get("Subject", "")),
        event=str(mail.get("X-Event", "")).strip(),
        order_id=str(mail.get("X-Order-Id", "")).strip(),
        at="",
        body=str(part.get_content()).replace("\r\n", "\n") if part is not None else "",
    )


class MailboxBook:
    """The notices that reached the mailbox, in one SQLite file."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def keep(self, notice: Notice) -> bool:
        """Store *notice* durably unless its Message-ID is there already; answers whether it is new."""
        with self._book.transaction() as rows:
            done = rows.execute(
                "INSERT INTO notices VALUES(NULL,?,?,?,?,?,?,?) ON CONFLICT(message_id) DO NOTHING",
                (
                    notice.message_id,
                    notice.to,
                    notice.subject,
                    notice.event,
                    notice.order_id,
                    iso(self._clock.now()),
                    notice.body,
                ),
            )
        return done.rowcount == 1

    def page(self, after: int, rows_max: int, order_id: str = "") -> list[Notice]:
        """Up to *rows_max* notices behind seq *after*, of one order when *order_id* is given."""
        where, values = ("AND order_id=?", [order_id]) if order_id else ("", [])
        found = self._book.connection.execute(
            f"SELECT {_COLUMNS} FROM notices WHERE seq>? {where} ORDER BY seq LIMIT ?", (after, *values, rows_max)
        )
        return [msgspec.convert(dict(row), Notice) for row in found]

    def close(self) -> None:
        """Let the file go."""
        self._book.close()
