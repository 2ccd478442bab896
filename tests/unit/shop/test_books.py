"""The books of shipping, mailbox, carts and user."""

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.carts import book as carts_book
from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import SpringLog
from oddsock.shop.mailbox import book as mailbox_book
from oddsock.shop.shipping import book as shipping_book
from oddsock.shop.shipping.queue_master import QueueMaster
from oddsock.shop.user import book as user_book
from oddsock.shop.user.entities import Card

KEYED = Correlation("00-a-b-01", "request-1", "order-1", "", "key-1")

Open = Callable[[str], Book]


@pytest.fixture
def open_book(tmp_path: Path) -> Iterator[Open]:
    """Opens the one file of a test; opening it again is a restart."""
    opened: list[Book] = []

    def open_again(schema: str) -> Book:
        if opened:
            opened.pop().close()
        opened.append(Book.open(tmp_path / "book.sqlite", schema))
        return opened[-1]

    yield open_again
    opened.pop().close()


def test_a_queued_parcel_survives_a_death_and_is_dispatched_once(
    open_book: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = ManualClock()
    shipping_book.ShippingBook(open_book(shipping_book.SCHEMA), clock).accept("parcel-1", "customer-1", KEYED)
    reopened = shipping_book.ShippingBook(open_book(shipping_book.SCHEMA), clock)
    master = QueueMaster(reopened, SpringLog("shipping", 8080, clock))
    assert (master.empty_queue(), master.empty_queue()) == (1, 0)
    assert capfd.readouterr().out == "Received shipment task: customer-1\n"
    rows = reopened.page(0, 10)
    assert [row.event for row in rows] == ["accepted", "queued", "dispatched"]
    assert {row.order_id for row in rows} == {"order-1"}


def test_a_parcel_recalled_in_the_queue_is_never_dispatched(open_book: Open) -> None:
    book = shipping_book.ShippingBook(open_book(shipping_book.SCHEMA), ManualClock())
    book.accept("parcel-1", "customer-1", KEYED)
    first = book.recall("parcel-1", Correlation())
    assert book.recall("parcel-1", Correlation()) == first
    assert book.queued(10) == []
    with pytest.raises(shipping_book.UnknownShipment):
        book.recall("parcel-2", Correlation())


def test_a_key_or_an_id_seen_before_ships_nothing_new(open_book: Open) -> None:
    book = shipping_book.ShippingBook(open_book(shipping_book.SCHEMA), ManualClock())
    first, is_new = book.accept("parcel-1", "customer-1", KEYED)
    assert is_new
    assert book.accept("parcel-2", "customer-1", KEYED) == (first, False)
    assert book.accept("parcel-1", "customer-1", Correlation()) == (first, False)
    assert book.accept("parcel-3", "customer-1", Correlation())[1]
    assert len(book.page(0, 10)) == 4
    assert [row.shipment_id for row in book.page(0, 10, customer_id="customer-1", order_id="order-1")] == [
        "parcel-1"
    ] * 2


def _mail(message_id: str) -> bytes:
    mail = EmailMessage()
    mail["To"], mail["Subject"], mail["X-Order-Id"], mail["X-Event"] = "a@b.example", "Zahlung ✓", "order-1", "paid"
    if message_id:
        mail["Message-ID"] = message_id
    mail.set_content("Danke schön.")
    return mail.as_bytes()


def test_a_mail_is_read_with_its_headers_and_its_text() -> None:
    notice = mailbox_book.read_mail(_mail("<1@x>"), ["c@d.example"])
    assert (notice.message_id, notice.to, notice.subject) == ("<1@x>", "c@d.example", "Zahlung ✓")
    assert (notice.event, notice.order_id, notice.body) == ("paid", "order-1", "Danke schön.\n")


def test_a_mail_without_a_message_id_is_named_by_its_bytes() -> None:
    one, two = (mailbox_book.read_mail(_mail(""), []) for _ in range(2))
    assert one.message_id == two.message_id != ""
    assert one.to == "a@b.example"


def test_a_message_id_is_stored_once(open_book: Open) -> None:
    book = mailbox_book.MailboxBook(open_book(mailbox_book.SCHEMA), ManualClock())
    assert book.keep(mailbox_book.read_mail(_mail("<1@x>"), []))
    assert not book.keep(mailbox_book.read_mail(_mail("<1@x>"), []))
    assert book.keep(mailbox_book.read_mail(_mail("<2@x>"), []))
    assert [notice.message_id for notice in book.page(0, 10, "order-1")] == ["<1@x>", "<2@x>"]


def test_a_sock_that_is_in_the_cart_grows_by_one_whatever_was_posted(open_book: Open) -> None:
    book = carts_book.CartsBook(open_book(carts_book.SCHEMA))
    book.add("c", "holy", 3, 99.99)
    book.add("c", "holy", 9, 1.0)
    assert [(item.quantity, item.unit_price) for item in book.items("c")] == [(4, 99.99)]


def test_a_merge_copies_lines_without_joining_equal_socks(open_book: Open) -> None:
    book = carts_book.CartsBook(open_book(carts_book.SCHEMA))
    book.add("c", "holy", 1, 99.99)
    book.add("session", "holy", 2, 99.99)
    book.merge("session", "c")
    book.merge("c", "c")
    assert [item.quantity for item in book.items("c")] == [1, 2]
    assert book.items("session") == []


def test_a_cart_can_be_changed_removed_and_deleted(open_book: Open) -> None:
    book = carts_book.CartsBook(open_book(carts_book.SCHEMA))
    book.add("c", "holy", 1, 99.99)
    book.change("c", "holy", 5)
    assert book.item("c", "holy").quantity == 5
    book.remove("c", "holy")
    for act in (lambda: book.remove("c", "holy"), lambda: book.change("c", "holy", 1), lambda: book.item("c", "holy")):
        with pytest.raises(carts_book.NoSuchItem):
            act()
    book.delete_cart("never there")


def test_a_customer_logs_in_with_their_own_password_only(open_book: Open) -> None:
    book = user_book.UserBook(open_book(user_book.SCHEMA))
    identity = book.register("Rayaan", "sesame", "r@example.com", "R", "")
    found = book.login("Rayaan", "sesame")
    assert found is not None and found.id == identity
    assert "sesame" not in found.password
    assert book.login("Rayaan", "other") is None
    with pytest.raises(user_book.NotFound):
        book.login("nobody", "sesame")
    with pytest.raises(user_book.DuplicateUsername):
        book.register("Rayaan", "x", "", "", "")


def test_a_customer_has_one_card_and_the_last_one_counts(open_book: Open) -> None:
    book = user_book.UserBook(open_book(user_book.SCHEMA))
    for number in ("1", "2"):
        book.put("cards", "customer-1", Card(long_num=number))
    assert [card.long_num for _, card in book.every("cards", Card)] == ["2"]
    assert book.get("cards", "customer-1", Card).long_num == "2"


def test_the_originals_three_customers_are_seeded_once(open_book: Open) -> None:
    book = user_book.UserBook(open_book(user_book.SCHEMA))
    book.seed()
    book.seed()
    assert [customer.username for customer in book.customers()] == ["Eve_Berger", "user", "user1"]
    eve = book.login("Eve_Berger", "eve")
    assert eve is not None and eve.id == "57a98d98e4b00679b4a830af"
    book.delete("customers", eve.id)
    with pytest.raises(user_book.NotFound):
        book.get("cards", eve.id, Card)
