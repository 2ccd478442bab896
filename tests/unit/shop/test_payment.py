"""payment: what it decides, what it keeps, what a key does."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from oddsock.kit.clock import ManualClock
from oddsock.kit.sqlite import Book
from oddsock.shop.correlation import Correlation
from oddsock.shop.payment.book import SCHEMA, KeyReused, OverRefund, PaymentBook, Refund, UnknownCharge
from oddsock.shop.payment.decision import Asked, InvalidPayment, decide, read_request

BY = Correlation("00-a-b-01", "request-1", "order-1", "customer-1")
KEYED = Correlation("00-a-b-01", "request-1", "order-1", "customer-1", "key-1")


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Book]:
    """An empty file."""
    book = Book.open(tmp_path / "payment.sqlite", SCHEMA)
    yield book
    book.close()


@pytest.fixture
def book(rows: Book) -> PaymentBook:
    """An empty book of charges."""
    return PaymentBook(rows, ManualClock())


def _charge(book: PaymentBook, amount: float = 20.0, by: Correlation = BY) -> str:
    book.settle(Asked(amount, round(amount * 100), ""), decide(amount, 105.0), by, f"f-{amount}")
    return book.page(0, 1000)[-1].charge_id


def test_the_limit_itself_is_authorised_and_float32_decides() -> None:
    assert decide(105.0, 105.0).authorised
    assert decide(105.000001, 105.0).authorised  # the same float32
    assert not decide(105.01, 105.0).authorised


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", 'Cannot unmarshal object key "amount" from JSON: {}'),
        (b'{"amount": 0}', 'Cannot unmarshal object key "amount" from JSON: {"amount": 0}'),
        (b'{"amount": true}', "Cannot unmarshal"),
        (b'{"amount": -3}', "Invalid payment amount"),
        (b"nonsense", "JSON is malformed"),
        (b"[]", "Cannot unmarshal"),
    ],
)
def test_a_request_without_a_good_amount_is_refused_in_the_originals_words(body: bytes, text: str) -> None:
    with pytest.raises(InvalidPayment) as refused:
        read_request(body)
    assert str(refused.value).startswith(text)


def test_the_float32_wire_becomes_whole_cents() -> None:
    assert read_request(b'{"amount": 104.979996}').amount_cents == 10498


def test_an_authorisation_and_its_capture_share_a_charge_id(book: PaymentBook) -> None:
    _charge(book)
    authorisation, capture = book.page(0, 10)
    assert (authorisation.kind, capture.kind) == ("authorisation", "capture")
    assert authorisation.charge_id == capture.charge_id == authorisation.id != capture.id
    assert (capture.order_id, capture.customer_id, capture.request_id) == ("order-1", "customer-1", "request-1")
    assert capture.at == "2025-10-30T08:24:00.000Z"


def test_a_decline_takes_no_money(book: PaymentBook) -> None:
    charge_id = _charge(book, 200.0)
    assert [row.kind for row in book.page(0, 10)] == ["decline"]
    assert book.left_cents(charge_id) == 0


def test_a_key_has_one_effect_and_one_answer_even_when_the_limit_changed(book: PaymentBook) -> None:
    first = book.settle(Asked(50, 5000, ""), decide(50, 105.0), KEYED, "f")
    again = book.settle(Asked(50, 5000, ""), decide(50, 10.0), KEYED, "f")
    assert first == again
    assert len(book.page(0, 10)) == 2


def test_a_key_with_another_body_is_refused_and_writes_nothing(book: PaymentBook) -> None:
    book.settle(Asked(50, 5000, ""), decide(50, 105.0), KEYED, "f")
    with pytest.raises(KeyReused):
        book.settle(Asked(60, 6000, ""), decide(60, 105.0), KEYED, "g")
    assert len(book.page(0, 10)) == 2


def test_without_a_key_every_call_charges(book: PaymentBook) -> None:
    _charge(book)
    _charge(book)
    assert [row.kind for row in book.page(0, 10)] == ["authorisation", "capture"] * 2


def test_refunds_never_exceed_the_capture(book: PaymentBook) -> None:
    charge_id = _charge(book)
    book.refund(Refund(charge_id, 1500, "part"), Correlation(idempotency_key="r1"), "f1")
    with pytest.raises(OverRefund):
        book.refund(Refund(charge_id, 501, "too much"), Correlation(idempotency_key="r2"), "f2")
    book.refund(Refund(charge_id, 500, "rest"), Correlation(idempotency_key="r3"), "f3")
    assert book.left_cents(charge_id) == 0
    assert book.page(0, 10)[-1].order_id == "order-1"


def test_a_refund_under_one_key_is_one_row(book: PaymentBook) -> None:
    refund = Refund(_charge(book), 700, "once")
    first, is_new = book.refund(refund, Correlation(idempotency_key="r1"), "f")
    again, is_new_again = book.refund(refund, Correlation(idempotency_key="r1"), "f")
    assert (is_new, is_new_again) == (True, False)
    assert first == again


def test_a_decline_cannot_be_refunded(book: PaymentBook) -> None:
    with pytest.raises(UnknownCharge):
        book.refund(Refund(_charge(book, 200.0), 1, "no"), Correlation(idempotency_key="r1"), "f")


def test_the_book_of_charges_cannot_be_rewritten(book: PaymentBook, rows: Book) -> None:
    _charge(book)
    for statement in ("UPDATE charges SET amount_cents=1", "DELETE FROM charges"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            rows.connection.execute(statement)


def test_a_page_begins_behind_the_last_seq_seen(book: PaymentBook) -> None:
    for _ in range(3):
        _charge(book)
    assert [row.seq for row in book.page(2, 3)] == [3, 4, 5]
    assert book.page(0, 10, "nobody") == []
