"""payment: an authorisation of its own, its capture and its void; what a key does to each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.payment.book import SCHEMA, KeyReused, PaymentBook, UnknownCharge, WrongState
from oddsock.shop.payment.decision import Asked, decide

BY = Correlation("00-a-b-01", "request-1", "order-1", "customer-1", "hold-1")


def keyed(key: str) -> Correlation:
    """A later request about the same order that names neither order nor customer."""
    return Correlation(idempotency_key=key)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[PaymentBook]:
    """An empty book of charges."""
    rows = Book.open(tmp_path / "payment.sqlite", SCHEMA)
    yield PaymentBook(rows, ManualClock())
    rows.close()


def held(book: PaymentBook, amount: float = 20.0) -> str:
    """The charge id of an amount that was asked for."""
    return book.hold(Asked(amount, round(amount * 100), ""), decide(amount, 105.0), BY, "f").charge_id


def kinds(book: PaymentBook) -> list[str]:
    """The kinds of the rows there are."""
    return [row.kind for row in book.page(0, 100)]


def test_an_authorisation_takes_nothing_until_it_is_captured(book: PaymentBook) -> None:
    charge_id = held(book)
    assert (kinds(book), book.left_cents(charge_id)) == (["authorisation"], 0)
    charge, is_new = book.capture(charge_id, 0, keyed("c"), "f")
    assert (charge.kind, charge.amount_cents, charge.order_id, is_new) == ("capture", 2000, "order-1", True)
    assert book.left_cents(charge_id) == 2000


def test_a_capture_under_one_key_is_one_row_and_under_another_is_refused(book: PaymentBook) -> None:
    charge_id = held(book)
    first = book.capture(charge_id, 0, keyed("c"), "f")[0]
    assert book.capture(charge_id, 0, keyed("c"), "f") == (first, False)
    with pytest.raises(KeyReused):
        book.capture(charge_id, 0, keyed("c"), "g")
    with pytest.raises(WrongState, match="captured already"):
        book.capture(charge_id, 0, keyed("d"), "f")
    assert kinds(book) == ["authorisation", "capture"]


def test_what_was_voided_cannot_be_captured_and_is_voided_once(book: PaymentBook) -> None:
    charge_id = held(book)
    assert book.void(charge_id, "not shipped", keyed("v"), "f")[1]
    assert not book.void(charge_id, "not shipped", keyed("w"), "f")[1]
    with pytest.raises(WrongState, match="voided already"):
        book.capture(charge_id, 0, keyed("c"), "f")
    assert kinds(book) == ["authorisation", "void"]


def test_what_was_captured_is_refunded_and_not_voided(book: PaymentBook) -> None:
    charge_id = held(book)
    book.capture(charge_id, 0, keyed("c"), "f")
    with pytest.raises(WrongState, match="captured already"):
        book.void(charge_id, "", keyed("v"), "f")


def test_more_than_was_authorised_cannot_be_captured(book: PaymentBook) -> None:
    with pytest.raises(WrongState, match="2001 cents asked"):
        book.capture(held(book), 2001, keyed("c"), "f")


def test_a_decline_holds_nothing(book: PaymentBook) -> None:
    charge_id = held(book, 200.0)
    assert kinds(book) == ["decline"]
    with pytest.raises(UnknownCharge):
        book.capture(charge_id, 0, keyed("c"), "f")


def test_a_hold_under_one_key_is_one_authorisation(book: PaymentBook) -> None:
    assert held(book) == held(book)
    assert kinds(book) == ["authorisation"]
